"""Laws of the language and of the compiler, in one sentence each."""

from __future__ import annotations

import json
import random
import re
import string

import yaml
from hypothesis import given
from hypothesis import strategies as st

from reana_rucio_compiler.compiler import Compilation, compile_bytes
from reana_rucio_compiler.diagnostics import Report
from reana_rucio_compiler.documents import parse as parse_yaml
from reana_rucio_compiler.documents import walk
from reana_rucio_compiler.references import find_references, locate
from reana_rucio_compiler.source import Source

from .strategies import HOSTILE_NAMES, Wanted, inputs, specifications, yaml_scalar


def compiled(text: str) -> Compilation:
    return compile_bytes(text.encode(), "reana.yaml")


def manifests(text: str) -> list[dict[str, object]]:
    """The manifests in the commands of a compiled serial specification, as its jobs will read them."""
    found = []
    for step in yaml.safe_load(text)["workflow"]["specification"]["steps"]:
        for command in step["commands"]:
            command = string.Template(command).substitute()
            found += [
                json.loads(each) for each in re.findall(r"'END_OF_MANIFEST'\n(.*?)END_OF_MANIFEST", command, re.S)
            ]
    return found


@given(inputs(), st.data())
def test_an_expression_printed_and_parsed_is_the_same(wanted: Wanted, data: st.DataObject) -> None:
    """The words found in an expression are those that were written, and the text at each word's span is that word."""
    source = Source(
        "x", f"inputs:\n  files:\n    - {data.draw(st.builds(lambda: yaml_scalar(data.draw, wanted.expression)))}\n"
    )
    document = parse_yaml(source, Report())
    assert document
    report = Report()
    (reference,) = find_references(document, report)
    assert not report.diagnostics
    expression = reference.expression
    assert (expression.scope.text, expression.name.text) == (wanted.scope, wanted.name)
    assert (expression.path.text if expression.path else None) == wanted.path
    assert expression.instance.span.text == "escape"
    written = yaml.safe_load("- " + source.text.partition("- ")[2])[0]
    assert written == wanted.expression
    assert yaml.safe_load(f'"{expression.scope.span.text}"') == wanted.scope


@given(st.text("ab\"'\\ \n#:-[]{}é☃\t", max_size=40), st.sampled_from(["'", '"', "|", ">"]))
def test_every_character_of_a_scalar_is_located(value: str, style: str) -> None:
    """The text at the place of a character of a scalar is that character, or the escape that stands for it."""
    text = yaml.dump({"k": value}, default_style=style, allow_unicode=True, width=20)
    document = parse_yaml(Source("x", text), Report())
    assert document
    node = next(node for path, node in walk(document.root) if path == ("k",))
    assert node.value == value
    offsets = locate(text, node)
    assert len(offsets) == len(value) + 1
    assert offsets == sorted(offsets)
    for char, at in zip(value, offsets):
        if not char.isspace():
            assert text[at] == char or text[at] == "\\"


@given(st.text("abc:-#'\"{}[]&*!|>% \n\t", max_size=80))
def test_text_without_expressions_is_untouched(text: str) -> None:
    """A specification without an expression compiles to itself, byte for byte, or is refused."""
    result = compiled(text)
    assert result.text in (None, text)


@given(specifications())
def test_only_the_lines_with_expressions_change(drawn: tuple[str, list[Wanted], list[str]]) -> None:
    """Lines that hold neither an expression nor the list it stood in survive, in order; all else is as planned."""
    text, wanted, plain = drawn
    result = compiled(text)
    assert result.text is not None, result.diagnostics
    if not wanted:
        assert result.text == text
        return
    before, after = yaml.safe_load(text), yaml.safe_load(result.text)
    staged = {each["path"]: each["name"] for found in manifests(result.text) for each in found["downloads"]}  # type: ignore[attr-defined]
    assert staged == {each.path or each.name: each.name for each in wanted}
    assert sorted(after["inputs"]["files"]) == plain
    assert after["workflow"]["specification"]["steps"][1:] == before["workflow"]["specification"]["steps"]
    kept = [line for line in text.splitlines() if "rucio(" not in line and "files:" not in line]
    lines = iter(result.text.splitlines())
    assert all(line in lines for line in kept)
    assert ("\r\n" in text) == ("\r\n" in result.text)


@given(specifications())
def test_compiling_is_idempotent_and_deterministic(drawn: tuple[str, list[Wanted], list[str]]) -> None:
    """Compiling a compiled specification changes nothing, and the same input gives the same bytes."""
    result = compiled(drawn[0])
    assert result.text is not None
    assert compiled(result.text).text == result.text
    assert compiled(drawn[0]).text == result.text


@given(specifications(), st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_the_order_of_declarations(
    drawn: tuple[str, list[Wanted], list[str]], chance: random.Random
) -> None:
    """Shuffling the entries of inputs.files changes no manifest."""
    document = yaml.safe_load(drawn[0])
    plans = []
    for _ in range(2):
        result = compiled(json.dumps(document))
        assert result.text
        plans.append(manifests(result.text))
        chance.shuffle(document["inputs"]["files"])
    assert plans[0] == plans[1]


@given(specifications(HOSTILE_NAMES))
def test_a_hostile_name_is_data(drawn: tuple[str, list[Wanted], list[str]]) -> None:
    """Whatever a DID is called, the job's manifest says just that, and the command around it is the same."""
    text, wanted, _ = drawn
    result = compiled(text)
    if result.text is None or not wanted:
        return
    found = {each["name"] for manifest in manifests(result.text) for each in manifest["downloads"]}  # type: ignore[attr-defined]
    assert found == {each.name for each in wanted}
    assert "$(" not in result.text.replace("$$", "$")


@given(specifications(), st.data())
def test_no_mutation_makes_us_crash(drawn: tuple[str, list[Wanted], list[str]], data: st.DataObject) -> None:
    """Any change of a few characters gives a compiled text or located errors, and no exception."""
    text = drawn[0]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        size = data.draw(st.integers(0, 6))
        text = text[:at] + data.draw(st.text("a:-#'\"{}[]&*!|>%@`,() \n\t\x00é", max_size=3)) + text[at + size :]
    result = compiled(text)
    assert (result.text is None) == any(found.severity.value == "error" for found in result.diagnostics)
    for found in result.diagnostics:
        assert 0 <= found.span.start <= found.span.end <= max(len(found.span.source.text), found.span.end)
        assert found.span.line >= 1
