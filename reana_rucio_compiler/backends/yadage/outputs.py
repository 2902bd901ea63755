"""Which stages write an output, and which of their results a stage-out has to follow.

A dependency alone orders nothing: yadage takes the results of most stages for known before they have run, and starts
at once whoever only depends on them (measured on REANA 0.9 and 0.95). What orders is a parameter that is one of
these results. So a stage-out selects a result of every stage that it comes after.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Optional

from ... import rules
from ...model import Transfer
from .layout import literals
from .order import closure, waits_of
from .paths import Staged, named
from .tree import Cursor, Tree
from .workflow import Stage, quoted


@dataclass(frozen=True)
class Producer:
    """A step that may write an output: the JSONPath of its results, and the main workflow's stage that it is in."""

    query: str
    stage: Stage
    outermost: str


Result = tuple[str, Optional[str]]  # the JSONPath of steps, and an output of them, None for all


def follow(tree: Tree, stages: Sequence[Stage], transfers: Sequence[Transfer]) -> tuple[list[Result], list[str]]:
    """The results that the uploads of these outputs select, and the main workflow's stages that they wait for."""
    results: dict[Result, None] = {}
    names: dict[str, None] = {}
    for transfer in transfers:
        word = transfer.references[0].expression.path
        span = word.span if word else transfer.span
        producers = producers_of(tree, stages, transfer)
        found = {each: followed(tree, each, transfers) for each in producers}
        results.update((result, None) for result in found.values() if result)
        names.update((each.outermost, None) for each, result in found.items() if result)
        if not any(found.values()):
            which = f'"{producers[0].stage.name}"' if producers else "the workflow"
            message = f"{which} publishes nothing, so that no upload can wait for it"
            hint = "let its publisher publish the file that is uploaded"
            tree.report.add(rules.NOTHING_PUBLISHED, span, message, hint)
        skipping = next((each for each in (skipped(stages, one) for one in producers) if each), None)
        if skipping:
            message = f'where no case of "{skipping.name}" applies nothing is uploaded, and REANA says "finished"'
            hint = "add a last case, with `if: 'true'`, whose step fails"
            tree.report.add(rules.MAYBE_NO_UPLOAD, span, message, hint)
    return list(results), list(names)


def producers_of(tree: Tree, stages: Sequence[Stage], transfer: Transfer) -> list[Producer]:
    """The steps that write an output: those whose directory its path is in, else those that name it, else all."""
    found = list(_by_directory(stages, transfer.path.split("/")))
    if not found:
        wanted = Staged([transfer])
        naming = [
            stage for stage in stages if any(named(_OWN.sub("", each.text), wanted) for each in literals(tree, stage))
        ]
        found = [each for stage in naming or stages for each in _all(stage)]
        if not naming:
            _report_unknown(tree, stages, transfer)
    return found


_OWN = re.compile(r"\{workdir\}/+(?!\.\.)[^\s'\"]*")  # what is in the directory of the stage itself


def _by_directory(
    stages: Sequence[Stage], parts: list[str], above: str = "", outermost: str = ""
) -> Iterator[Producer]:
    for stage in stages:
        if not re.fullmatch(re.escape(stage.name) + (r"_\d+" if stage.scatters else ""), parts[0]):
            continue
        inner = [
            each
            for workflow in stage.workflows
            for each in _by_directory(
                workflow, parts[1:] or [""], f"{above}{quoted(stage.name)}[*].", outermost or stage.name
            )
        ]
        yield from inner or _all(stage, above, outermost)


def _all(stage: Stage, above: str = "", outermost: str = "") -> Iterator[Producer]:
    query = above + quoted(stage.name)
    if stage.steps:
        yield Producer(query, stage, outermost or stage.name)
    for workflow in stage.workflows:
        for inner in workflow:
            yield from _all(inner, f"{query}[*].", outermost or stage.name)


def _report_unknown(tree: Tree, stages: Sequence[Stage], transfer: Transfer) -> None:
    first = transfer.path.split("/")[0]
    names = [stage.name + "_0" * stage.scatters for stage in stages]
    near = get_close_matches(first, names, n=1, cutoff=0.6)
    hint = f'did you mean "{near[0]}/"? ' if near else ""
    word = transfer.references[0].expression.path
    message = f'no stage works in "{first}" or names "{transfer.path}", so the upload waits for all stages'
    hint += "a stage writes to {workdir}, which is its name, and its name with _0, _1… where it scatters"
    tree.report.add(rules.UNKNOWN_PRODUCER, word.span if word else transfer.span, message, hint)


def followed(tree: Tree, producer: Producer, transfers: Sequence[Transfer]) -> Result | None:
    """What to select of the results of a step: its JSONPath and an output of it, None for all; None if it has none."""
    outputs: dict[str, None] = {}
    for step in producer.stage.steps:
        keys = _outputs(tree, step)
        if keys is None or len(producer.stage.steps) > 1:
            return producer.query, None
        outputs.update(dict.fromkeys(keys))
    if not outputs:
        return None
    parameters = {key: value.text for key, value in producer.stage.parameters}
    names = {posixpath.basename(each.path) for each in transfers}
    step = producer.stage.steps[0]
    best = next((key for key in outputs if _writes(tree, step, key, parameters) in names), next(iter(outputs)))
    return producer.query, best


def skipped(stages: Sequence[Stage], producer: Producer) -> Stage | None:
    """A stage that may run nothing, and without which the producer has no results, if there is one.

    Whoever waits for such a stage never runs, and yadage finishes without it (measured on REANA 0.9; 0.95 refuses cases
    in the main workflow).
    """
    if producer.stage.conditional:
        return producer.stage
    by_name = {stage.name: stage for stage in stages}
    outermost = by_name[producer.outermost]
    before = (by_name[name] for name in closure(outermost.name, waits_of(stages)) if name in by_name)
    found = (each for each in (*before, *_awaited(outermost)) if each.conditional)
    return min(found, key=lambda stage: stage.name, default=None)


def _awaited(stage: Stage) -> Iterator[Stage]:
    """The stages of the workflows of a stage that others there wait for."""
    for workflow in stage.workflows:
        names = frozenset().union(*(each.waits_for for each in workflow))
        for inner in workflow:
            if inner.name in names:
                yield inner
            yield from _awaited(inner)


def declared_outputs(tree: Tree, step: Cursor) -> list[str] | None:
    """The names of the results of a step, be they empty; None where they are known at run time only."""
    publisher = tree.get(step, "publisher")
    kind = tree.get(publisher, "publisher_type")
    if publisher is None or kind is None or kind.text not in ("frompar-pub", "interpolated-pub", "constant-pub"):
        return None
    declared = _published(tree, publisher, kind)
    return None if declared is None else [key for key, _ in tree.children(declared)]


def _published(tree: Tree, publisher: Cursor, kind: Cursor) -> Cursor | None:
    """The mapping of a publisher's results, by name."""
    declared = tree.get(publisher, "outputmap" if kind.text == "frompar-pub" else "publish")
    return declared if declared and declared.node.kind == "mapping" else None


def _outputs(tree: Tree, step: Cursor) -> list[str] | None:
    """The names of the outputs that the publisher of a step declares; None where they are known at run time only."""
    publisher = tree.get(step, "publisher")
    kind = tree.get(publisher, "publisher_type")
    if publisher is None or kind is None:
        return None
    if kind.text == "fromglob-pub":
        named_key = tree.get(publisher, "outputkey")
        return [named_key.text] if named_key else None
    declared = _published(tree, publisher, kind)
    if declared is None:
        return None
    keys = []
    for key, each in tree.children(declared):
        place = tree.resolved(each)
        if place and any(True for _ in tree.scalars(place)):
            keys.append(key)
    return keys


def _writes(tree: Tree, step: Cursor, key: str, parameters: dict[str, str]) -> str:
    """The file name that an output of a step has, as far as it stands there."""
    publisher = tree.get(step, "publisher")
    said = tree.get(publisher, "outputmap", key) or tree.get(publisher, "publish", key)
    text = said.text if said else ""
    text = parameters.get(text.strip("{}"), text)
    return posixpath.basename(text)
