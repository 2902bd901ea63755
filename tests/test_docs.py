"""The YAML in the documentation compiles, its console sessions go as they are shown, its Python runs."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from reana_rucio_compiler.compiler import compile_bytes, compile_file
from reana_rucio_compiler.diagnostics import Severity
from reana_rucio_compiler.render import text
from tests import reference
from tests.examples import ROOT, WORKFLOW, Block, blocks, environment, replayed, write

# The examples of diagnostics.md, many of which are wrong on purpose, are held by test_explanations.py.
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(set((ROOT / "docs").glob("*.md")) - {reference.PAGE})]
WITH_RUCIO = [
    ROOT / "docs" / "lock.md",
    ROOT / "docs" / "online.md",
]  # rucio/test_docs.py holds their sessions against a real server


def _cwl(compiled: bool = False) -> list[Block]:
    """The files of the analysis in the documentation of CWL: the user's, or those that are compiled."""
    page = (ROOT / "docs" / "cwl.md").read_text()
    return [each for each in blocks(page) if each.name and (".rucio." in each.name) is compiled]


def _blocks(language: str, pattern: str) -> list[object]:
    return [
        pytest.param(block, id=f"{path.name}-{number}")
        for path in PAGES
        if language != "console" or path not in WITH_RUCIO
        for number, block in enumerate(blocks(path.read_text()), 1)
        if block.language == language and re.match(pattern, block.text)
    ]


@pytest.mark.parametrize("block", _blocks("yaml", r"(version|inputs|outputs|workflow|rucio):"))
def test_specification_in_the_documentation_compiles(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Snakefile").write_text('rule all:\n    input: "plot.png"\n')
    write(tmp_path, _cwl())
    result = compile_bytes(block.specification.encode(), "reana.yaml")
    assert not [found for found in result.diagnostics if found.severity is Severity.ERROR]
    assert result.text is not None
    assert "rucio-stage-" in "\n".join([result.text, *result.files.values()])


def test_cwl_in_the_documentation_compiles_to_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ROOT / "docs" / "cwl.md"
    write(tmp_path, [next(blocks(page.read_text())), *_cwl()])
    monkeypatch.chdir(tmp_path)
    result = compile_file(Path("reana.yaml"))
    assert not result.diagnostics
    for block in _cwl(compiled=True):
        if os.environ.get("UPDATE_GOLDEN"):
            text = page.read_text()
            page.write_text(text[: block.start] + result.files[block.name] + text[block.end :])
        assert block.text == result.files[block.name]


def test_diagnostic_in_the_readme_is_what_is_said() -> None:
    shown = re.search(r"( {6}reana\.yaml:.*?)\n\n", (ROOT / "README.md").read_text(), re.S)
    assert shown
    lines = [line[6:] for line in shown.group(1).splitlines()]
    snippet = lines[1].partition("| ")[2]
    spec = "version: 0.9.0\ninputs:\n  files:\n    - a.C\n" + snippet + "\n" + WORKFLOW
    said = text.render(compile_bytes(spec.encode(), "reana.yaml").diagnostics).rstrip("\n")
    assert [re.sub(r"^ +", "", line) for line in said.splitlines()] == [re.sub(r"^ +", "", line) for line in lines]


@pytest.fixture
def analysis(tmp_path: Path) -> Path:
    """A copy of a shipped example, with its compiled specification."""
    return Path(shutil.copytree(ROOT / "examples" / "serial-dimuon-mass", tmp_path / "analysis"))


@pytest.mark.parametrize("block", _blocks("console", r"\$ (?!reana-client)"))
def test_console_session_goes_as_it_is_shown(block: Block, analysis: Path) -> None:
    said = replayed(block.text, analysis)
    if os.environ.get("UPDATE_GOLDEN"):
        for page in PAGES:
            page.write_text(page.read_text().replace(f"```console\n{block.text}```", f"```console\n{said}```"))
    assert said == block.text


@pytest.mark.parametrize("block", _blocks("python", ""))
def test_python_in_the_documentation_runs(block: Block, analysis: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", block.text], cwd=analysis, env=environment(analysis), capture_output=True, text=True
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "rucio-stage-in" in ran.stdout


def test_reference_of_diagnostics_is_what_the_rules_say() -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        reference.PAGE.write_text(reference.page(), encoding="utf-8")
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), "run python -m tests.reference"


@pytest.mark.parametrize("path", [*PAGES, reference.PAGE], ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", path.read_text()):
        name, _, anchor = target.partition("#")
        page = path.parent / name if name else path
        assert page.exists(), target
        headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE) if anchor else []
        assert not anchor or anchor in {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}


def test_configurations_in_the_documentation_fit_what_is_published() -> None:
    configurations = [
        yaml.safe_load(each.text) for each in blocks((ROOT / "docs/ci.md").read_text()) if each.language == "yaml"
    ]
    (pre_commit, github, gitlab) = configurations
    hooks = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert {hook["id"] for hook in pre_commit["repos"][0]["hooks"]} == hooks
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    (_, used) = github["jobs"]["reana"]["steps"]
    assert set(used["with"]) == set(action["inputs"])
    assert (ROOT / gitlab["include"][0]["file"]).exists()
    job = yaml.safe_load((ROOT / gitlab["include"][0]["file"]).read_text())["reana-rucio"]
    assert set(gitlab["reana-rucio"]["variables"]) <= set(job["variables"])
    (settings,) = (each for each in blocks((ROOT / "docs/editors.md").read_text()) if each.language == "json")
    assert "./reana-rucio.json" in json.loads(settings.text)["yaml.schemas"]


# What a shell does where the Tab key is pressed behind `reana-rucio explain RR40`; zsh's own functions only print.
_TAB = {
    "bash": """
        COMP_WORDS=(reana-rucio explain RR40); COMP_CWORD=2
        $(complete -p reana-rucio | sed 's/.* -F \\([^ ]*\\) .*/\\1/') reana-rucio
        printf '%s\\n' "${COMPREPLY[@]}"
    """,
    "zsh": """
        _describe() { print -l -- ${(P)3} }; compadd() { print -- "$@" }
        words=(reana-rucio explain RR40); CURRENT=3
        ${_comps[reana-rucio]}
    """,
    "fish": """
        complete -C "reana-rucio explain RR40"
    """,
}


@pytest.mark.parametrize("shell", _TAB)
def test_shell_completes_when_it_has_read_the_documented_line(shell: str, tmp_path: Path) -> None:
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell} here")
    if importlib.metadata.version("click") < "8":
        pytest.skip("from Click 8 on")
    rows = (ROOT / "docs/editors.md").read_text().splitlines()
    line = next(each.split("`")[1] for each in rows if each.startswith(f"| {shell} ")).replace("\\|", "|")
    script = tmp_path / "script"
    script.write_text(f"{line}\n{_TAB[shell]}")
    bare = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["-N"]}[shell]
    variables = {**environment(tmp_path), "HOME": str(tmp_path), "NO_COLOR": "1"}
    ran = subprocess.run([shell, *bare, script], env=variables, capture_output=True, text=True)
    offered = re.findall(r"^(RR\d+)", ran.stdout, re.MULTILINE)
    assert "RR405" in offered, ran.stderr
    assert all(code.startswith("RR40") for code in offered)
