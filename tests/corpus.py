"""Wrong specifications: those written by hand under golden/errors/, and one change each to valid ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
ERRORS = (ROOT / "tests" / "golden" / "errors", ROOT / "tests" / "rucio" / "golden")
VALID = [*sorted((ROOT / "tests" / "golden" / "serial").iterdir()), *sorted((ROOT / "examples").glob("serial-*"))]
PLACES = 2  # at which each change is made in each specification: the first ones

# What makes a valid specification wrong: the code of the rule, where it applies, and what stands there then, with an
# @ where the diagnostic must point. Only plain expressions in block style are changed, which most are.
CALL = r"rucio\((?P<instance>\w+), (?P<scope>[\w.]+), (?P<name>[\w.{}-]+)(?P<options>(?:, [\w=-]+)*)\)"
ITEM = r"^(?P<dash> +- )"
STEP = r"^(?P<step> {6}(?:- |  ))"
END = r"(?P<end> *(?:#.*)?)$"
COMMAND = ITEM + r"(?P<command>(?:mkdir|python3|root|sh|awk|ls|cat|wc)\b[^:\n'\"]*)$"
MUTATIONS: tuple[tuple[str, str, str, str], ...] = (
    ("RR003", "tab", r"^  (?=files:|directories:|parameters:)", "@\t"),
    ("RR005", "key twice", r"^(?P<indent> {8})environment: .*$", r"\g<0>\n\g<indent>@environment: b:1"),
    ("RR008", "tag", STEP + r"environment: (?![&*])", r"\g<0>@!image "),
    ("RR101", "no parenthesis", ITEM + CALL + r"$", "{dash}rucio({instance}, {scope}, {name}{options}@"),
    ("RR101", "no comma", CALL, "rucio({instance}, {scope} @{name}{options})"),
    ("RR101", "no name", CALL, "rucio({instance}, {scope}, @)"),
    ("RR101", "two calls", ITEM + CALL + r"$", "\\g<0> @rucio(escape, a, b)"),
    ("RR102", "colon", ITEM + CALL, "{dash}@rucio({instance}, {scope}: {name}{options})"),
    ("RR102", "comment", ITEM + CALL + r"$", "{dash}@rucio({instance}, {scope}, {name} #1{options})"),
    ("RR102", "anchor", ITEM + r"(?P<path>[\w./-]+) -> " + CALL, "{dash}@&{path} -> rucio({instance}, {scope}, {name})"),
    ("RR103", "in a command", COMMAND, "{dash}cat @rucio(escape, user.jdoe, x) && {command}"),
    ("RR103", "in a name", r"^(?P<key> +(?:- )?name: )\w+$", "{key}@rucio(escape, user.jdoe, x)"),
    ("RR104", "input", ITEM + CALL + r" -> (?P<path>[\w./-]+)", "{dash}@{path} -> rucio({instance}, {scope}, {name})"),
    ("RR104", "output", ITEM + r"(?P<path>[\w./-]+) -> " + CALL, "{dash}@rucio({instance}, {scope}, {name}) -> {path}"),
    ("RR105", "unknown", CALL, "rucio({instance}, {scope}, {name}{options}, @colour=red)"),
    ("RR106", "twice", CALL, "rucio({instance}, {scope}, {name}, rse=A, @rse=B)"),
    ("RR107", "parameter", CALL, "rucio({instance}, {scope}, @${{unset}}{options})"),
    ("RR201", "colon", CALL, "rucio({instance}, {scope}, @a:b{options})"),
    ("RR201", "scope", CALL, "rucio({instance}, @a/b, {name}{options})"),
    ("RR202", "parent", CALL + r" -> [\w./-]+", "rucio({instance}, {scope}, {name}{options}) -> @../up"),
    ("RR202", "absolute", ITEM + r"[\w./-]+ -> " + CALL, "{dash}@/data -> rucio({instance}, {scope}, {name}{options})"),
    ("RR204", "path twice", ITEM + CALL + END, "\\g<0>\n{dash}@rucio(escape, other, {name})"),
    ("RR205", "misspelt", CALL, "rucio(@{instance}x, {scope}, {name}{options})"),
    ("RR206", "http", r"rucio_host: https://", "rucio_host: @http://"),
    ("RR206", "misspelt", r"(?<= )rucio_host:", "@rucio_hots:"),
    ("RR207", "no RSE", ITEM + r"(?P<path>[\w./-]+) -> rucio\(escape, ([\w.]+, [\w.{}-]+), rse=[\w-]+",
     "{dash}@{path} -> rucio(escape, \\3"),
    ("RR208", "twice", ITEM + r"(?P<path>[\w./-]+) -> " + CALL + END,
     "\\g<0>\n{dash}x.txt -> rucio({instance}, {scope}, @{name}{options})"),
    ("RR210", "fixed", r"(?P<call>-> rucio\(\w+, [\w.]+, )(?P<name>[\w.-]+)-\{run\}", "{call}@{name}"),
    ("RR211", "output", r"(?P<path>[\w./-]+) -> " + CALL, "{path} -> rucio({instance}, {scope}, @x*{options})"),
    ("RR301", "type", STEP + r"environment: [^&*].*$", "{step}environment: @[a, b]"),
    ("RR301", "boolean", r"^(?P<indent> {8})environment: .*$", r"\g<0>\n\g<indent>rucio: @'yes'"),
    ("RR302", "misspelt", r"^  (?P<key>files|directories):", "  @{key}x:"),
    ("RR302", "step", r"^(?P<indent> {8})environment: .*$", r"\g<0>\n\g<indent>@imgae: a"),
    ("RR405", "no name", COMMAND, "{dash}echo @$(date) && {command}"),
    ("RR405", "unknown", COMMAND, "{dash}cd @${{HOME}} && {command}"),
    ("RR406", "download", COMMAND, "{dash}@rucio download user.jdoe:a && {command}"),
    ("RR406", "upload", COMMAND, "{dash}{command} && @rucio upload --rse X --scope user.jdoe a.root"),
)  # fmt: skip

# The same for the workflow files of the engines.
IN_WORKFLOWS: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "cwl": (
        ("RR419", "step of a source", r"(?P<key>(?<!\$)\b(?!import)[\w-]+: )(?P<step>[a-z]\w+)/(?P<out>\w+)", "{key}@{step}xx/{out}"),
        ("RR419", "output of a source", r"(?P<key>(?<!\$)\b(?!import)[\w-]+: )(?P<step>[a-z]\w+)/(?P<out>\w+)", "{key}@{step}/{out}xx"),
        ("RR419", "out", r"(?P<key>\bout: \[)(?P<out>\w+)", "{key}@{out}xx"),
        ("RR009", "no such tool", r"\brun: (?P<file>[\w-]+\.cwl)$", "run: @xx{file}"),
        ("RR411", "version", r"cwlVersion: v1\.[012]$", "cwlVersion: @draft-3"),
        ("RR005", "key twice", r"^class: Workflow$", "class: Workflow\n@class: Workflow"),
    ),
    "yadage": (
        ("RR444", "key of a scheduler", r"\bscheduler_type:", "@scheduler_tpye:"),
        ("RR444", "kind of a scheduler", r"scheduler_type: (?P<kind>[a-z]+)-stage", "scheduler_type: @{kind}-stag"),
        ("RR444", "kind of a process", r"process_type: (?P<kind>[\w-]+)-cmd\b", "process_type: @{kind}-cdm"),
        ("RR444", "key of a publisher", r"\b(?P<key>outputmap|publish):", "@{key}x:"),
        ("RR444", "key of an environment", r"\bimage:", "@imgae:"),
        ("RR444", "number for a tag", r"imagetag: '?[\w.]+'?", "imagetag: @3.12"),
        ("RR444", "key of a stage", r"\bdependencies: \[", "@dependences: ["),
        ("RR443", "stage", r"dependencies: \[init\]", "dependencies: [@intt]"),
        ("RR443", "parameter", r"\{step: init, output: (?P<name>\w+)\}", "{{step: init, output: @{name}xx}}"),
        ("RR443", "key of a selection", r"\{step: init, (?P<rest>output: \w+)\}", "{{@stpe: init, {rest}}}"),
    ),
    "snakemake": (
        ("RR461", "no colon", r"^rule (?P<name>\w+):$", "@rule {name}"),
        ("RR461", "misspelt rule", r"^rule (?P<name>\w+):$", "@ruel {name}:"),
        ("RR461", "misspelt keyword", r"^(?P<indent> +)output:", "{indent}@outptu:"),
        ("RR461", "no end of a string", r"(?P<key>^ +input: )(?P<path>\"[^\"\n]+)\"$", "{key}@{path}"),
        ("RR461", "open bracket", r"(?P<key>^ +(?:input|output): )(?P<path>\"[^\"\n]+\")$", "{key}f@({path}"),
        ("RR461", "rule twice", r"^rule all:\n", "rule all:\n    input: []\n\n@rule all:\n"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A specification with one mistake, and where it must be reported: the line and the column, from 1."""

    case: str
    mutation: tuple[str, str, str, str]
    text: str
    line: int
    column: int
    file: str = "reana.yaml"


@cache
def mutants() -> tuple[Mutant, ...]:
    """Every mutation at every place of every valid specification, each text once."""
    found: dict[str, Mutant] = {}
    for case in VALID:
        text = (case / "reana.yaml").read_bytes().decode("utf-8")
        if (case / "args").exists() or "\r" in text or text.startswith("\ufeff"):
            continue  # the changes are written for plain texts
        for mutant in _mutants(case.name, text):
            found.setdefault(mutant.text, mutant)
    return tuple(found.values())


@cache
def mutants_of_workflows() -> tuple[Mutant, ...]:
    """The same of the workflow files of the other engines. ``case`` is the directory below tests/golden."""
    found: dict[tuple[str, str], Mutant] = {}
    for engine, mutations in IN_WORKFLOWS.items():
        for spec in sorted((ROOT / "tests" / "golden" / engine).glob("*/reana.yaml")):
            named = re.search(r"^  file: ([\w./-]+)$", spec.read_text(), re.MULTILINE)
            path = spec.parent / named[1] if named else spec
            text = path.read_bytes().decode("utf-8") if path.is_file() and path != spec else "\r"
            if not ((spec.parent / "args").exists() or "\r" in text):
                case = f"{engine}/{spec.parent.name}"
                for mutant in _mutants(case, text, mutations, str(path.relative_to(spec.parent))):
                    found.setdefault((case, mutant.text), mutant)
    return tuple(found.values())


def _mutants(
    case: str, text: str, mutations: tuple[tuple[str, str, str, str], ...] = MUTATIONS, file: str = "reana.yaml"
) -> Iterator[Mutant]:
    for mutation in mutations:
        _, _, pattern, template = mutation
        places = [found for found in re.finditer(pattern, text, re.MULTILINE) if _is_live(text, found)]
        for found in places[:PLACES]:
            changed = template.format(**found.groupdict()) if "{" in template else template
            changed = found.expand(changed)
            at = found.start() + changed.index("@")
            whole = text[: found.start()] + changed.replace("@", "", 1) + text[found.end() :]
            line = whole.count("\n", 0, at) + 1
            column = at - whole.rfind("\n", 0, at)
            yield Mutant(case, mutation, whole, line, column, file)


def _is_live(text: str, found: re.Match[str]) -> bool:
    """Whether a place is not in a comment, and not on a line on which diagnostics are ignored."""
    before = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
    behind = text[found.start() : text.find("\n", found.end())]
    return "#" not in before and "rucio: ignore" not in behind


def by_hand() -> dict[str, str]:
    """What is said of each case under golden/errors/, and of those with a real server, where something is said."""
    paths = [path for folder in ERRORS for path in sorted(folder.glob("*/expected"))]
    said = {path.parent.name: path.read_text() for path in paths}
    return {name: text for name, text in said.items() if "[RR" in text}
