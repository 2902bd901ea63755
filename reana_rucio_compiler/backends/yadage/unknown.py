"""Names that nothing bears: stages, parameters and results that are waited for or selected, and are not there.

Yadage fails where a result is selected that is not there. A stage that waits for one that is not there never runs, nor
does what follows it, and yadage finishes without them (measured on REANA 0.9 and 0.95).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ... import rules
from ...diagnostics import Report
from ...instances import nearest
from .outputs import declared_outputs
from .tree import Cursor, Tree
from .workflow import INIT, SELECTORS, Selection, Stage, names_in

_SELECTION = frozenset({*SELECTORS, "output", "flatten", "unwrap", "expression_type"})


def check_names(tree: Tree, stages: Sequence[Stage], parameters: Collection[str] | None, report: Report) -> None:
    """Report what stages wait for and select, and is not there, sub-workflows included.

    ``parameters`` are the results of init, None where they are not known.
    """
    by_name = {stage.name: stage for stage in stages}
    for stage in stages:
        for place in stage.dependencies:
            for name in _unknown(names_in(place.text), by_name):
                message = f'"{stage.name}" waits for "{name}", and no stage is called so: it will never run'
                report.add(rules.UNKNOWN_NAME, place.span, message, _hint(name, [*by_name, INIT], "the stages are"))
        for selection in stage.selections:
            for name in _unknown(selection.names, by_name):
                message = f'"{stage.name}" takes results of "{name}", and no stage is called so'
                hint = _hint(name, [*by_name, INIT], "the stages are")
                report.add(rules.UNKNOWN_NAME, selection.query.span, message, hint)
            _check_result(tree, selection, by_name, parameters, report)
        _check_keys(tree, stage, report)
        # What a jq-stage hands on is computed.
        given = None if stage.kind == "jq-stage" else {name for name, _ in stage.parameters}
        for workflow in stage.workflows:
            check_names(tree, workflow, given, report)


def _check_keys(tree: Tree, stage: Stage, report: Report) -> None:
    """Report the keys that nearly make a selection: a mapping without them is handed on as it is, or selects all."""
    for _, value in stage.parameters:
        mapping = tree.resolved(value)
        keys = dict(tree.children(mapping)) if mapping and mapping.node.kind == "mapping" else {}
        known = ([] if "output" in keys else ["output"]) + ([] if keys.keys() & {*SELECTORS} else [*SELECTORS])
        if mapping and len(known) in (1, len(SELECTORS)):  # half of a selection
            for key in sorted(keys.keys() - _SELECTION):
                hint = nearest(key, known)
                if hint:
                    report.add(rules.UNKNOWN_NAME, tree.key_span(mapping, key), f'"{key}" selects nothing', hint)


def _unknown(names: Iterable[str], known: Collection[str]) -> list[str]:
    return sorted(name for name in names if name not in known and name not in (INIT, "*"))


def _check_result(
    tree: Tree, selection: Selection, by_name: dict[str, Stage], parameters: Collection[str] | None, report: Report
) -> None:
    """Report a result that the one stage whose results are selected has not, as far as it says which it has."""
    (name,) = selection.names if len(selection.names) == 1 else ("*",)
    known = parameters if name == INIT else _results(tree, by_name.get(name), selection.query)
    key = selection.key(frozenset(known)) if known is not None else None
    if known is None or key is None or key in known:
        return
    what = "parameter" if name == INIT else f'result of "{name}"'
    place = tree.get(selection.place, "output") or selection.place
    hint = _hint(key, known, f"there {'is' if len(known) == 1 else 'are'}")
    report.add(rules.UNKNOWN_NAME, place.span, f'there is no {what} called "{key}"', hint)


def _results(tree: Tree, stage: Stage | None, query: Cursor) -> list[str] | None:
    """The names of a stage's results; None where they are not known."""
    if stage is None or len(stage.steps) != 1 or stage.workflows or query.text.strip() != stage.name:
        return None
    return declared_outputs(tree, stage.steps[0])


def _hint(name: str, known: Iterable[str], these: str) -> str:
    known = sorted(known)
    return nearest(name, known) or (f"{these} {', '.join(known)}" if known else "there are none")
