"""What each format promises to the program that reads it, for every wrong specification written by hand."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from jsonschema import Draft7Validator

import reana_rucio_compiler
from reana_rucio_compiler.diagnostics import Diagnostic, Severity, merged
from reana_rucio_compiler.render import FORMATS, github, gitlab, sarif, text
from reana_rucio_compiler.render import json as report
from reana_rucio_compiler.rules import NOT_YAML, RULES
from reana_rucio_compiler.source import Source, Span
from tests.examples import environment

ROOT = Path(__file__).parent.parent
ERRORS = ROOT / "tests" / "golden" / "errors"


@pytest.fixture(scope="module")
def found() -> tuple[Diagnostic, ...]:
    """The diagnostics of every case that needs no arguments."""
    cases = [case for case in sorted(ERRORS.iterdir()) if not (case / "args").exists()]
    runs = [reana_rucio_compiler.check(case / "reana.yaml") for case in cases if (case / "reana.yaml").exists()]
    every = merged([*runs, reana_rucio_compiler.check(ROOT / "no such file.yaml")])
    assert len(every) > 150
    return every


@pytest.fixture
def at_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI the current directory is that of the repository."""
    monkeypatch.chdir(ROOT)


def _one(name: str, message: str, text: str = "a\nbc\n", start: int = 2, end: int = 4, hint: str = "") -> Diagnostic:
    return Diagnostic(NOT_YAML, Span(Source(name, text), start, end), message, hint)


def test_each_format_has_a_renderer() -> None:
    modules = {path.stem for path in Path(report.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(FORMATS) == modules


def test_colour_adds_nothing_but_colour(found: tuple[Diagnostic, ...]) -> None:
    plain, coloured = text.render(found), text.render(found, colour=True)
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    for severity in Severity:
        (one, *_) = (each for each in found if each.severity is severity)
        assert re.search(rf"\x1b\[[0-9;]+m{severity.value}\[RR\d+\]\x1b\[0m: ", text.render([one], colour=True))


@pytest.mark.parametrize(("no_color", "expected"), [(None, True), ("", True), ("1", False)])
def test_colour_is_for_terminals(no_color: str | None, expected: bool, tmp_path: Path) -> None:
    (tmp_path / "\x1b[31mred.yaml").write_text("inputs: []\n")
    variables = {key: value for key, value in environment(tmp_path).items() if key != "NO_COLOR"}
    variables.update({} if no_color is None else {"NO_COLOR": no_color})
    for arguments, to_terminal in (["check"], "stdout"), (["compile"], "stderr"):
        terminal, end = pty.openpty()
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, to_terminal: end}
        command = ["reana-rucio", *arguments, "\x1b[31mred.yaml"]
        ran = subprocess.run(command, cwd=tmp_path, env=variables, **streams)
        said = os.read(terminal, 65536).decode()
        os.close(end)
        os.close(terminal)
        assert "[RR" in said
        assert ("\x1b[31;1merror[RR" in said) == expected
        assert "\x1b[31mred" not in said
        assert b"\x1b" not in (ran.stdout or b"")


@pytest.mark.usefixtures("at_root")
def test_json_is_as_its_schema_says(found: tuple[Diagnostic, ...]) -> None:
    schema = json.loads((ROOT / "schemas" / "report.json").read_text(encoding="utf-8"))
    rendered = json.loads(report.render(found))
    assert list(Draft7Validator(schema).iter_errors(rendered)) == []
    entries = rendered["diagnostics"]
    assert rendered["errors"] == sum(entry["severity"] == "error" for entry in entries)
    assert rendered["errors"] + rendered["warnings"] + rendered["notes"] == len(entries) == len(found)
    for entry, diagnostic in zip(entries, found):
        if diagnostic.span.source.text:
            text = Path(entry["file"]).read_bytes().decode("utf-8", errors="ignore")
            start, end = entry["start"], entry["end"]
            assert text[start["offset"] : end["offset"]] == diagnostic.span.text
            assert text[: start["offset"]].count("\n") + 1 == start["line"]
            assert set(entry) == set(schema["definitions"]["diagnostic"]["properties"])
    assert json.loads(report.render(()))["diagnostics"] == []


@pytest.mark.usefixtures("at_root")
def test_github_commands_are_read_back_as_they_were_meant(found: tuple[Diagnostic, ...]) -> None:
    lines = github.render(found).splitlines()
    assert len(lines) == len(found)
    for line, diagnostic in zip(lines, found):
        command, properties, message = _as_the_runner_reads(line)
        assert command == {"error": "error", "warning": "warning", "note": "notice"}[diagnostic.severity.value]
        assert message.partition("\nhint: ")[0] == diagnostic.message
        assert ROOT / properties["file"] == Path(diagnostic.span.source.name)
        assert int(properties["line"]) == diagnostic.span.line
        assert int(properties["endLine"]) >= diagnostic.span.line
        assert properties["title"] == f"{diagnostic.rule.code} {diagnostic.rule.name}"


def test_github_commands_escape_what_would_end_them() -> None:
    diagnostic = _one("a,b:c%d.yaml", "100%: a\r\nb::c,d", hint="x%0Ay")
    (line,) = github.render([diagnostic]).splitlines()
    assert line == (
        "::error file=a%2Cb%3Ac%25d.yaml,line=2,endLine=2,col=1,endColumn=2,title=RR003 not-yaml"
        "::100%25: a%0D%0Ab::c,d%0Ahint: x%250Ay"
    )
    assert _as_the_runner_reads(line)[1]["file"] == "a,b:c%d.yaml"
    several_lines = github.render([_one("a", "m", start=0, end=4)])
    assert "line=1,endLine=2,title" in several_lines


def _as_the_runner_reads(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command taken apart by the rules that GitHub documents for them."""
    found = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line)
    assert found, line
    pairs = (pair.split("=", 1) for pair in found[2].split(","))
    properties = {
        key: value.replace("%3A", ":").replace("%2C", ",").replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
        for key, value in pairs
    }
    return found[1], properties, found[3].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


@pytest.mark.usefixtures("at_root")
def test_gitlab_report_has_what_code_quality_needs(found: tuple[Diagnostic, ...]) -> None:
    entries = json.loads(gitlab.render(found))
    assert len({entry["fingerprint"] for entry in entries}) == len(entries) == len(found)
    for entry, diagnostic in zip(entries, found):
        assert set(entry) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert diagnostic.message in entry["description"]
        path = entry["location"]["path"]
        assert not path.startswith(("/", "./"))
        assert ROOT / path == Path(diagnostic.span.source.name)
        assert entry["location"]["lines"] == {"begin": diagnostic.span.line}


def test_gitlab_fingerprint_does_not_change_when_a_finding_moves() -> None:
    def fingerprints(*diagnostics: Diagnostic) -> list[str]:
        return [entry["fingerprint"] for entry in json.loads(gitlab.render(diagnostics))]

    here, moved = _one("a", "m"), _one("a", "m", "a\n\n\n\nbc\n", 5, 7)
    assert fingerprints(here) == fingerprints(moved)
    assert fingerprints(here, moved)[0] == fingerprints(here)[0] != fingerprints(here, moved)[1]
    assert fingerprints(_one("b", "m")) != fingerprints(here) != fingerprints(_one("a", "n"))


@pytest.mark.usefixtures("at_root")
def test_sarif_keeps_what_the_standard_asks_for(found: tuple[Diagnostic, ...]) -> None:
    log = json.loads(sarif.render(found))
    assert [error.message for error in Draft7Validator(SARIF).iter_errors(log)] == []
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules) == len({each.rule for each in found})
    for result, diagnostic in zip(run["results"], found):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == diagnostic.rule.code
        place = result["locations"][0]["physicalLocation"]
        assert ROOT / unquote(place["artifactLocation"]["uri"]) == Path(diagnostic.span.source.name)
        assert ("region" in place) == bool(diagnostic.span.source.text)
        if "region" in place:
            region = place["region"]
            assert (region["startLine"], region["startColumn"]) <= (region["endLine"], region["endColumn"])
    assert json.loads(sarif.render(()))["runs"][0]["results"] == []


def test_sarif_describes_every_rule() -> None:
    every = [Diagnostic(rule, Span(Source("a", "b"), 0, 1), "m") for rule in RULES]
    log = json.loads(sarif.render(every))
    assert list(Draft7Validator(SARIF).iter_errors(log)) == []
    for rule, described in zip(RULES, log["runs"][0]["tool"]["driver"]["rules"]):
        assert described["shortDescription"]["text"] == rule.title
        assert "```" not in described["help"]["text"]
        assert "\n" not in described["fullDescription"]["text"]


def _object(required: str, **properties: Any) -> dict[str, Any]:
    """An object with these properties only: what the standard allows beyond them we do not write."""
    return {
        "type": "object",
        "required": required.split(),
        "additionalProperties": False,
        "properties": properties,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_TEXT = {"type": "string", "minLength": 1}
_FROM_ONE = {"type": "integer", "minimum": 1}
_MESSAGE = _object("text", text=_TEXT, markdown=_TEXT)
_LEVEL = {"enum": [severity.value for severity in Severity]}  # the standard has "none", too
_REGION = _object(
    "startLine startColumn endLine endColumn",
    startLine=_FROM_ONE, startColumn=_FROM_ONE, endLine=_FROM_ONE, endColumn=_FROM_ONE,
)  # fmt: skip
_PLACE = _object(
    "artifactLocation",
    artifactLocation=_object("uri", uri={"type": "string", "pattern": r"^[A-Za-z0-9._~/%-]+$"}),
    region=_REGION,
)
_RULE = _object(
    "id shortDescription fullDescription help defaultConfiguration",
    id={"type": "string", "pattern": "^RR[0-9]{3}$"},
    name={"type": "string", "pattern": "^[A-Z][A-Za-z0-9]+$"},
    shortDescription=_MESSAGE,
    fullDescription=_MESSAGE,
    help=_MESSAGE,
    defaultConfiguration=_object("level", level=_LEVEL),
)
_RESULT = _object(
    "ruleId ruleIndex level message locations",
    ruleId=_TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=_LEVEL,
    message=_MESSAGE,
    locations={**_list(_object("physicalLocation", physicalLocation=_PLACE)), "minItems": 1, "maxItems": 1},
)
_DRIVER = _object("name rules", name=_TEXT, semanticVersion=_TEXT, rules={**_list(_RULE), "uniqueItems": True})
_RUN = _object(
    "tool results", tool=_object("driver", driver=_DRIVER), columnKind={"const": "unicodeCodePoints"},
    results=_list(_RESULT),
)  # fmt: skip
# The constraints of SARIF 2.1.0 on the objects that we write, stated anew.
_SCHEMA = {"const": "https://json.schemastore.org/sarif-2.1.0.json"}  # GitHub asks for it
SARIF = _object("$schema version runs", **{"$schema": _SCHEMA}, version={"const": "2.1.0"}, runs=_list(_RUN))
