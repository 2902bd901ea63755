"""What the user's stages wait for, and what they would have to.

Yadage starts a stage once its dependencies are met, whether or not the stages whose results it selects are among them.
One that is not has been started by chance, or yadage fails, or leaves its results out. Staging takes the chance away:
where a stage of ours delays one, those that select its results have to wait for it from now on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ... import rules
from ...diagnostics import Report
from .layout import Layout
from .tree import Cursor
from .workflow import INIT, Stage

Waits = Mapping[str, frozenset[str]]  # what each stage waits for, by its name


def amend_order(stages: Sequence[Stage], layout: Layout, started: bool, report: Report) -> dict[str, list[str]]:
    """Warn of the stages that do not wait for what they read; the result is what they are made to wait for, by name.

    ``started`` is whether there is a stage init.
    """
    said = {stage.name: stage.waits_for for stage in stages}
    staged = frozenset(stage.name for index, stage in enumerate(stages) if layout.awaited_by(index))
    waits = {name: names | {INIT} if started and name in staged else names for name, names in said.items()}
    added = _added(stages, waits, staged)
    for stage in stages:
        if INIT in closure(stage.name, said) and not started:
            message = f'"{stage.name}" waits for "init", which there is not without parameters: it will never run'
            hint = "add a parameter under inputs: parameters:, or remove init from the dependencies"
            report.add(rules.NO_INIT, stage.cursor.span, message, hint)
        for name, place in _forgotten(stage, waits):
            message = f'"{stage.name}" takes results of "{name}" and does not wait for it'
            hint = f"add {name} to its dependencies"
            if name in added.get(stage.name, ()):
                hint += ", as the compiled workflow does, where it has to wait for staged data"
            report.add(rules.UNORDERED, place.span, message, hint)
    return added


def _added(stages: Sequence[Stage], waits: Waits, staged: frozenset[str]) -> dict[str, list[str]]:
    """What those that read from a delayed stage have to wait for, and those that read from these, and so on."""
    added: dict[str, list[str]] = {stage.name: [] for stage in stages}
    while True:
        amended = {name: names.union(added[name]) for name, names in waits.items()}
        found = (
            (stage.name, name)
            for stage in stages
            for name, _ in _forgotten(stage, amended)
            if name in waits and staged & {name, *closure(name, amended)} and stage.name not in closure(name, amended)
        )
        reader, name = next(found, ("", ""))
        if not name:
            return added
        added[reader].append(name)


def _forgotten(stage: Stage, waits: Waits) -> Iterator[tuple[str, Cursor]]:
    """The stages that a stage reads from and does not wait for, each with where it does."""
    awaited = closure(stage.name, waits)
    if "*" not in awaited:
        for selection in stage.selections:
            for name in sorted(selection.names - awaited - {"*"}):
                yield name, selection.query


def closure(name: str, waits: Waits) -> set[str]:
    """All that a stage waits for, by others too."""
    found: set[str] = set()
    waiting = list(waits.get(name, ()))
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += waits.get(each, ())
    return found
