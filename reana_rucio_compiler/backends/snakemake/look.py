"""What the user's Snakefiles show of who consumes what is staged, and what of that cannot work.

Only what is certain is reported. What depends on values that only executing tells is left to Snakemake, which refuses a
missing input or an ambiguous rule before anything is run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from os.path import exists
from posixpath import basename, join, normpath

from ... import rules
from ...checks import normalised
from ...diagnostics import Report
from ...instances import nearest
from ...model import Transfer
from ...source import Span
from ...task import Task
from ...tuples import NamedTuple
from .listed import listed
from .needed import Needs, takes, together
from .related import Related
from .snakefile import Directive, Rule, Snakefile
from .values import called, located
from .wildcards import bad_braces, matches, may_overlap, wildcards, without_constraints
from .workflow import Workflow

# What reads a file, or looks for files, when it is called. The last part of a dotted name is enough.
_READERS = frozenset({
    "open", "read_csv", "read_table", "read_json", "read_excel", "read_parquet", "read_pickle", "read_hdf", "loadtxt",
    "genfromtxt", "load_configfile", "read_text", "read_bytes", "exists", "isfile", "isdir", "getsize", "File",
    "validate",
})  # fmt: skip
_LISTERS = frozenset({"glob", "iglob", "rglob", "listdir", "scandir", "walk", "iterdir", "glob_wildcards"})
# Sections that name files which Snakemake loads; it seeks some beside the Snakefile that names them.
_LOADED = frozenset({"configfile", "include", "snakefile", "pepfile", "pepschema"})
_BESIDE = frozenset({"include", "snakefile", "pepschema", "validate"})
# What takes a path and certainly does not read it.
_HARMLESS = frozenset({
    "expand", "collect", "branch", "directory", "ancient", "protected", "temp", "touch", "report", "multiext", "Path",
    "join", "print", "str", "format", "append", "extend", "update", "setdefault", "get", "dict", "list", "set", "tuple",
    "sorted", "basename", "dirname", "abspath", "relpath", "normpath", "splitext", "replace", "split", "startswith",
    "endswith", "add", "debug", "info", "warning", "error",
})  # fmt: skip


def look(task: Task, workflow: Workflow, needs: Needs, report: Report) -> None:
    """Report what is certain not to work."""
    _check_workdir(workflow, report)
    readers = _READERS | _LISTERS | _LOADED | _readers(workflow)
    looks = Related((each.text, each) for each in _looks(workflow))
    good: list[Transfer] = []
    for transfer in _with_good_wildcards(task.plan.inputs, report):
        _check_other_producers(transfer, workflow, report)
        too_early = _check_reads(transfer, looks, readers, report)
        if not _takes_a_part(transfer, workflow, report) and not too_early:
            good.append(transfer)
    for staged in together(good):
        _check_needed(staged, needs, report)
    _check_made(task, workflow, report)


def _check_made(task: Task, workflow: Workflow, report: Report) -> None:
    """Whether a rule makes what is uploaded, or it is there already: Snakemake refuses the workflow otherwise."""
    kinds = ("output", "log", "benchmark")
    if not (workflow.complete and all(rule.knows(kind) for rule in workflow.rules for kind in kinds)):
        return
    made = [normalised(item.text) for rule in workflow.rules for kind in kinds for item in rule.items(kind)]
    names = [path for path in made if not wildcards(path)]
    for transfer in task.plan.outputs:
        path = transfer.path
        if any(may_overlap(each, path) or _inside(each, path) or _inside(path, each) for each in made):
            continue
        if not exists(task.workspace.path(path)):
            word = transfer.references[0].expression.path
            hint = nearest(path, names) or "Snakemake refuses a workflow with such an input of its last rule"
            message = f'no rule makes "{path}"'
            report.add(rules.OUTPUT_NOT_PRODUCED, word.span if word else transfer.span, message, hint)


def _with_good_wildcards(staged: Iterable[Transfer], report: Report) -> list[Transfer]:
    """Those whose wildcards are Snakemake's, with a path that says the value of each in the name."""
    good: list[Transfer] = []
    shapes: dict[str, Transfer] = {}
    for transfer in sorted(staged, key=lambda each: (each.span.source.name, each.span.start)):
        expression = transfer.references[0].expression
        path = expression.path or expression.name
        own, named = wildcards(transfer.path), wildcards(transfer.name)
        bad = bad_braces(transfer.path) or bad_braces(transfer.name)
        if bad:
            message = f'"{bad}" is no wildcard of Snakemake'
            report.add(rules.BAD_WILDCARD, path.span, message, "write {name}, with letters, digits and `_`")
            continue
        missing = [name for name in named if name not in own]
        if missing:
            message = f'the path "{transfer.path}" does not say the value of the wildcard "{missing[0]}" in the name'
            report.add(rules.BAD_WILDCARD, path.span, message, f"put {{{missing[0]}}} in the path too")
            continue
        extra = [name for name in own if name not in named]
        member = transfer.type == "directory" and extra == list(wildcards(basename(transfer.path)))
        if extra and not (member and len(extra) == 1):
            message = f'the wildcard "{extra[0]}" of the path is not in the name'
            hint = f"put {{{extra[0]}}} in the name too"
            if transfer.type == "directory":
                hint += f", or end the path with /{{{extra[0]}}} for one file of the dataset at a time"
            report.add(rules.BAD_WILDCARD, path.span, message, hint)
            continue
        shape = re.sub(r"\{\w+\}", "{}", without_constraints(transfer.path))
        other = shapes.setdefault(shape, transfer)
        if own and other is not transfer:
            message = f'"{transfer.path}" stands for the same paths as "{other.path}" on line {other.span.line}'
            report.add(rules.SAME_PATH, path.span, message, "give one of the two another path with `-> path`")
        good.append(transfer)
    return good


def _check_workdir(workflow: Workflow, report: Report) -> None:
    for file in workflow.files:
        for section in file.section("workdir"):
            if any(normalised(item.text) for item in section.items):
                message = f'"workdir: {section.items[0].text}" is not where REANA runs the rules'
                hint = "remove it: REANA runs each rule in the workspace, and paths are relative to that"
                report.add(rules.WORKDIR, section.span, message, hint)


def _check_other_producers(transfer: Transfer, workflow: Workflow, report: Report) -> None:
    for number, item in workflow.outputs.to(transfer.path):
        name, path = workflow.rules[number].name, normalised(item.text)
        if wildcards(transfer.path):
            if wildcards(path) and may_overlap(path, transfer.path):
                message = f'the rule "{name}" may make what "{transfer.path}" stands for, and staging wins'
                hint = "say which names are staged, as in {name,[a-z]+}, or stage to a directory of their own"
                report.add(rules.SHARED_WILDCARDS, item.span, message, hint)
            continue
        same = path == transfer.path
        inside = _inside(path, transfer.path) or (item.directory and _inside(transfer.path, path))
        if same or inside:
            message = f'the rule "{name}" makes "{item.text}", and {_said(transfer)}'
            hint = "remove one of the two, or give what is staged another path with `-> path`"
            report.add(rules.OTHER_PRODUCER, item.span, message, hint)


def _takes_a_part(transfer: Transfer, workflow: Workflow, report: Report) -> bool:
    """Whether a rule takes what is below a staged directory, or the directory of a staged path: facts A.8.

    Files of a directory may be taken where the lock lists them.
    """
    files = listed(transfer, workflow)
    found = False
    for number, item in workflow.inputs.to(transfer.path):
        rule, path = workflow.rules[number], normalised(item.text)
        if item.text.startswith("/") or "://" in item.text:
            continue
        if files and _inside(path, transfer.path):
            if not wildcards(path) and path not in files:
                message = f'the rule "{rule.name}" takes "{item.text}", and the lock has no such file of {transfer.did}'
                hint = nearest(path, files) or "see the lock, or make it again with reana-rucio lock"
                report.add(rules.PART_OF_STAGED, item.span, message, hint)
        elif transfer.type == "directory" and not wildcards(transfer.path) and _inside(path, transfer.path):
            message = f'the rule "{rule.name}" takes "{item.text}", and {_said(transfer)}, as a whole'
            hint = (
                f"write rucio(...) -> {transfer.path}/{{name}} to stage its files one by one,"
                f' let the rule take "{transfer.path}", or lock the dataset, for its files to be known'
            )
            found = True
            report.add(rules.PART_OF_STAGED, item.span, message, hint)
        elif _inside(transfer.path, path) and not any(takes(other, transfer) for other in rule.items("input")):
            message = f'the rule "{rule.name}" takes the directory "{item.text}", and {_said(transfer)} in it'
            hint = f'add "{transfer.path}" to the input: of the rule, or stage the whole directory'
            if wildcards(transfer.path):
                hint = "name the files that the rule needs in its input:, or stage the whole directory"
            found = True
            report.add(rules.PART_OF_STAGED, item.span, message, hint)
    return found


def _said(transfer: Transfer) -> str:
    return f'{transfer.did} is staged to "{transfer.path}"'


def _inside(path: str, directory: str) -> bool:
    return path.startswith(directory + "/")


class _Look(NamedTuple):
    """Something by the name of ``reader`` that is given ``text`` while Snakemake still makes its plan."""

    reader: str
    text: str
    span: Span


def _looks(workflow: Workflow) -> Iterator[_Look]:
    """What the Snakefiles may read before any job has run."""
    for file in workflow.files:
        for section in (*file.sections, *file.modules):
            if section.keyword in _LOADED:
                for item in section.items:
                    yield _Look(section.keyword, _sought(section.keyword, item.text, file), item.span)
        for call, body, before in _calls(file):
            name = called(call).rpartition(".")[2] or getattr(call.func, "attr", "")
            for node in _operands(call) if name not in _HARMLESS else ():
                texts = workflow.values.known(node)
                span = located(node, body, before) if texts else body
                yield from (_Look(name, _sought(name, text, file), span) for text in texts)


def _sought(reader: str, text: str, file: Snakefile) -> str:
    """Where in the workspace a reader seeks what is named so."""
    return normpath(join(file.folder, text)) if reader in _BESIDE and file.folder else text


def _check_reads(transfer: Transfer, looks: Related[_Look], readers: Collection[str], report: Report) -> bool:
    """Whether code reads what is staged while Snakemake still makes its plan, before any job has run."""
    found = {each.span: each for each in looks.to(transfer.path) if _reads(each.reader, each.text, transfer)}
    for each in found.values():
        _report_read(transfer, each.reader, each.span, readers, report)
    return any(each.reader in readers for each in found.values())


def _readers(workflow: Workflow) -> set[str]:
    """The functions of the Snakefiles that hand an argument of theirs to one that reads it."""
    found = set()
    for file in workflow.files:
        for node in ast.walk(file.code or ast.Module([], [])):
            if isinstance(node, ast.FunctionDef):
                names = {each.arg for each in (*node.args.args, *node.args.kwonlyargs)}
                calls = (each for each in ast.walk(node) if isinstance(each, ast.Call))
                reading = (each for each in calls if called(each).rpartition(".")[2] in _READERS | _LISTERS)
                if any(isinstance(each, ast.Name) and each.id in names for call in reading for each in _operands(call)):
                    found.add(node.name)
    return found


def _report_read(transfer: Transfer, name: str, span: Span, readers: Collection[str], report: Report) -> None:
    hint = "upload this file instead of staging it, or write what it says into the parameters"
    if name in readers:
        message = f'"{name}" looks at "{transfer.path}" while the Snakefile is read, before anything is staged'
        report.add(rules.READ_TOO_EARLY, span, message, hint)
    else:
        message = f'"{name}" is given "{transfer.path}" while the Snakefile is read, before anything is staged'
        report.add(rules.MAYBE_READ_TOO_EARLY, span, message, f"if it reads the file: {hint}")


def _calls(file: Snakefile) -> Iterator[tuple[ast.Call, Span, int]]:
    """Every call outside of the commands, with the text that its place counts from."""
    whole = Span(file.source, 0, len(file.source.text))
    if file.code:
        yield from ((node, whole, 0) for node in ast.walk(file.code) if isinstance(node, ast.Call))
    directives: list[Directive] = [*file.sections, *(each for rule in file.rules for each in rule.directives.values())]
    for directive in directives:
        if directive.tree and directive.keyword not in ("shell", "run", "onstart", "onsuccess", "onerror"):
            inner = (node for node in ast.walk(directive.tree) if isinstance(node, ast.Call))
            yield from ((node, directive.body, 2) for node in inner if node is not directive.tree)


def _operands(call: ast.Call) -> list[ast.expr]:
    """The arguments of a call, and for ``Path("x").open()`` what stands before the dot."""
    own = [call.func.value] if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call) else []
    return [*own, *call.args, *(keyword.value for keyword in call.keywords)]


def _reads(name: str, text: str, transfer: Transfer) -> bool:
    path = normalised(text)
    if not path or text.startswith("/") or "://" in text:
        return False
    if name == "glob_wildcards":
        return may_overlap(path, transfer.path) or (transfer.type == "directory" and _inside(path, transfer.path))
    if name in _LISTERS and (_inside(transfer.path, path) or fnmatchcase(transfer.path, path)):
        return True
    if transfer.type == "directory" and _inside(path, transfer.path):
        return True
    return path == transfer.path or (bool(wildcards(transfer.path)) and matches(transfer.path, path))


def _check_needed(staged: Sequence[Transfer], needs: Needs, report: Report) -> None:
    """Whether something is seen to need what one job stages; only then Snakemake stages it."""
    for transfer in staged:
        for number in sorted(needs.takers(transfer)):
            _warn_other_backend(transfer, needs.workflow.rules[number], needs.workflow, report)
    if wildcards(staged[0].path):
        _check_named(staged[0], needs, report)
        return
    for transfer in needs.waits(staged).unseen:
        message = f'no rule takes "{transfer.path}" as its input or names it, so Snakemake does not stage it'
        if not needs.workflow.knows_inputs:
            message = f'no rule is seen to take "{transfer.path}" as its input or to name it, so it may not be staged'
        report.add(rules.NOT_NEEDED, transfer.span, message, _ADD_IT)


def _check_named(transfer: Transfer, needs: Needs, report: Report) -> None:
    """The same for one that is staged by wildcards, of which only the inputs of rules say the values."""
    for number, place in needs.named_by_wildcards(transfer).items():
        name = needs.workflow.rules[number].name
        message = f'the rule "{name}" names "{place.text}", which wildcards stage, and has it not in its input:'
        hint = "add it there: otherwise it is not staged, or not before the rule runs"
        report.add(rules.NOT_AN_INPUT, place, message, hint)
    if needs.workflow.knows_inputs and not needs.takers(transfer):
        message = f'no rule takes "{transfer.path}" as its input, so Snakemake does not stage it'
        report.add(rules.NOT_NEEDED, transfer.span, message, _ADD_IT)


_ADD_IT = "add it to the input: of the rules that read it"


def _warn_other_backend(transfer: Transfer, rule: Rule, workflow: Workflow, report: Report) -> None:
    resources = rule.directives.get("resources")
    for keyword in resources.tree.keywords if resources and isinstance(resources.tree, ast.Call) else ():
        for backend in workflow.values.known(keyword.value) if keyword.arg == "compute_backend" else ():
            if resources and backend != "kubernetes":
                message = f'"{transfer.path}" is staged into the workspace, which {backend} copies to the job'
                hint = "the copy costs time and space there; read it on kubernetes if it is large"
                report.add(rules.OTHER_BACKEND, located(keyword.value, resources.body, 2), message, hint)
