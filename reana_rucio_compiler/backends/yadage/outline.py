"""The stages of the compiled workflow, for those who want to see it."""

from __future__ import annotations

from collections.abc import Sequence

from ...task import Step, in_order
from .layout import Layout, Use
from .workflow import INIT, Stage, names_in


def outline(stages: Sequence[Stage], uses: Sequence[Use], layout: Layout) -> tuple[Step, ...]:
    """Ours that stage in, then the user's, then ours that stage out."""
    found = [Step(each.name, _known(each.dependencies), (each.job,)) for each in layout.before]
    for index, (stage, use) in enumerate(zip(stages, uses)):
        after = [*layout.awaited_by(index), *_known([each.text for each in stage.dependencies])]
        found.append(Step(stage.name, tuple(after), (), tuple(sorted(use)), _pods(stage)))
    found += [Step(each.name, _known(each.dependencies), (each.job,)) for each in layout.after]
    return in_order(found)


def _known(dependencies: Sequence[str]) -> tuple[str, ...]:
    """The stages that dependencies name; what only a run tells is left out, and so is ``init``, which runs nothing."""
    names = dict.fromkeys(name for each in dependencies for name in sorted(names_in(each)))
    return tuple(name for name in names if name not in (INIT, "*"))


def _pods(stage: Stage) -> int | None:
    """How many steps a stage runs; None where a list, or a case, says which and how often."""
    if stage.scatters or len(stage.steps) + len(stage.workflows) != 1:
        return None
    total = len(stage.steps)
    for inner in (each for workflow in stage.workflows for each in workflow):
        pods = _pods(inner)
        if pods is None:
            return None
        total += pods
    return total
