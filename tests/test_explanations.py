"""Every rule is explained, and its examples are true: the wrong one is answered as it says, the right one is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import reana_rucio_compiler
from reana_rucio_compiler import explanations
from reana_rucio_compiler.diagnostics import Rule, Severity
from reana_rucio_compiler.render import text
from reana_rucio_compiler.rules import RULES
from tests.examples import Block, blocks, replayed, write

FOLDER = Path(explanations.__file__).parent
RULES_BY_CODE = {rule.code: rule for rule in RULES}


def test_every_rule_has_a_code_a_name_and_an_explanation_of_its_own() -> None:
    assert len(RULES_BY_CODE) == len({rule.name for rule in RULES}) == len(RULES)
    assert sorted(path.stem for path in FOLDER.glob("*.md")) == sorted(RULES_BY_CODE)


def _examples(rule: Rule) -> tuple[list[Block], list[Block]]:
    markdown = explanations.load(rule).markdown
    assert explanations.load(rule).why
    at = markdown.index("\nRight:\n")
    found = list(blocks(markdown))
    return [block for block in found if block.end < at], [block for block in found if block.start > at]


def _said(rule: Rule, example: list[Block], appendix: str) -> str:
    """What is said of an example in the current directory: about its rule, and every error."""
    write(Path.cwd(), example)
    if appendix:
        with Path("reana.yaml").open("a") as specification:
            specification.write(appendix)
    if example[-1].language == "console":
        return replayed(example[-1].text, Path.cwd())
    found = reana_rucio_compiler.check("reana.yaml")
    return text.render(each for each in found if each.rule is rule or each.severity is Severity.ERROR)


# What Rucio says is held against a real server by rucio/test_explanations.py.
ONLINE = [code for code in RULES_BY_CODE if code == "RR505" or (code > "RR510" and code != "RR512")]


@pytest.mark.parametrize("code", [code for code in RULES_BY_CODE if code not in ONLINE])
def test_examples_are_answered_as_the_explanation_says(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare_examples(code, tmp_path, monkeypatch)


def compare_examples(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, appendix: str = "") -> None:
    """Hold both examples of a rule to what is said of them; ``appendix`` is added to each specification."""
    rule = RULES_BY_CODE[code]
    wrong, right = _examples(rule)

    monkeypatch.chdir(_made(tmp_path / "wrong"))
    said = _said(rule, wrong, appendix)
    _update(code, wrong[-1], said)
    assert said == wrong[-1].text
    assert f"[{code}]" in said

    monkeypatch.chdir(_made(tmp_path / "right"))
    said = _said(rule, right, appendix)
    if right[-1].language == "console":
        _update(code, right[-1], said)
        assert said == right[-1].text
    else:
        assert said == ""
    assert "[RR" not in said


def _update(code: str, block: Block, said: str) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        path, fence = FOLDER / f"{code}.md", f"```{block.language}\n"
        path.write_text(path.read_text().replace(f"{fence}{block.text}```", f"{fence}{said}```"))


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory
