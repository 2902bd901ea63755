"""What the user's stages wait for, and what they would have to.

Yadage starts a stage once its dependencies are met, whether or not the stages whose results it selects are among them.
If one of those has not been started by then, it fails, or leaves the results out. Which comes first is a matter of
chance, and of the number of stages in front: one of ours there, or one that has to wait for ours, makes a workflow fail
that ran (measured on REANA 0.9 and 0.95). So every stage of a compiled workflow waits for all that it reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ... import rules
from ...diagnostics import Report
from .layout import Layout
from .tree import Cursor
from .workflow import INIT, Stage

Waits = Mapping[str, frozenset[str]]  # what each stage waits for, by its name


def amend_order(stages: Sequence[Stage], layout: Layout, started: bool, report: Report) -> dict[str, list[str]]:
    """Warn of the stages that do not wait for what they read; the result is what each is made to wait for, by name.

    ``started`` is whether there is a stage init.
    """
    said = waits_of(stages)
    staged = {stage.name for index, stage in enumerate(stages) if layout.awaited_by(index)}
    waits = {name: names | {INIT} if started and name in staged else names for name, names in said.items()}
    known = {*said, INIT} if started else {*said}
    added: dict[str, list[str]] = {stage.name: [] for stage in stages}
    for stage in stages:
        if INIT in closure(stage.name, said) and not started:
            message = f'"{stage.name}" waits for "init", which there is not without parameters: it will never run'
            hint = "add a parameter under inputs: parameters:, or remove init from the dependencies"
            report.add(rules.NO_INIT, stage.cursor.span, message, hint)
        for name, place in _forgotten(stage, waits):
            message = f'"{stage.name}" takes results of "{name}" and does not wait for it'
            own = name == stage.name
            hint = "a stage has no results before it has run" if own else f"add {name} to its dependencies"
            if name in known and stage.name not in {name, *closure(name, waits)}:
                hint += ", as the compiled workflow does"
                waits[stage.name] |= {name}
                added[stage.name].append(name)
            report.add(rules.UNORDERED, place.span, message, hint)
    return added


def _forgotten(stage: Stage, waits: Waits) -> list[tuple[str, Cursor]]:
    """The stages that a stage reads from and does not wait for, each with where it does."""
    awaited = closure(stage.name, waits)
    if "*" in awaited:
        return []
    found: dict[str, Cursor] = {}
    for selection in stage.selections:
        own = {stage.name} if selection.registered else set()
        for name in sorted((selection.names & {*waits, INIT}) - awaited - own):  # of others unknown.py tells
            found.setdefault(name, selection.query)
    return list(found.items())


def waits_of(stages: Sequence[Stage]) -> Waits:
    """What each stage says that it waits for."""
    return {stage.name: stage.waits_for for stage in stages}


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
