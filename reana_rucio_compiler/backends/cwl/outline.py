"""The steps of the compiled Workflow, for those who want to see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...task import Step, in_order
from .binding import Bindings
from .jobs import StagingStep
from .reading import Entry, Place, Process


def outline(
    workflow: Process, bindings: Bindings, before: Iterable[StagingStep], after: Iterable[StagingStep]
) -> tuple[Step, ...]:
    """Ours that stage in, then the user's, then ours that stage out."""
    before, after = tuple(before), tuple(after)
    makers = {each.replaces: step.id for step in before for each in step.bound if each.replaces}
    known: dict[Place, int | None] = {}
    found = [Step(step.id, _fed_by(workflow, step, makers), (step.job,)) for step in before]
    found += [
        Step(step.id, _waits_for(workflow, step, before), (), _takes(bindings, step), _pods(workflow, step, known))
        for step in workflow.steps
    ]
    found += [Step(step.id, _fed_by(workflow, step, makers), (step.job,)) for step in after]
    return in_order(found)


def _fed_by(workflow: Process, staging: StagingStep, makers: Mapping[str, str]) -> tuple[str, ...]:
    """The steps whose results a step of ours takes or follows."""
    found: dict[str, None] = {}
    for link in (*(each.link for each in staging.feeds), *staging.after):
        sources = link["source"]
        for source in sources if isinstance(sources, list) else [sources]:
            step, name = workflow.reference(source)
            if step or name in makers:
                found[step or makers[name]] = None
    return tuple(found)


def _waits_for(workflow: Process, step: Entry, before: Iterable[StagingStep]) -> tuple[str, ...]:
    ours = [
        each.id for each in before if step.id in each.waiting or any(step.id in bound.steps for bound in each.bound)
    ]
    sources = (entry.field("source") for entry in workflow.step_inputs(step))
    theirs = [name for source in sources for _, name, _ in workflow.refers(source) if name]
    return tuple(dict.fromkeys([*ours, *theirs]))


def _takes(bindings: Bindings, step: Entry) -> tuple[str, ...]:
    bound = [each for one in bindings.bound if step.id in one.steps for each in one.transfers]
    return tuple(sorted({each.path for each in bound}))


def _pods(workflow: Process, step: Entry, known: dict[Place, int | None]) -> int | None:
    """How many tools a step runs; None where a list says how often, or where it cannot be seen.

    What is ``known`` of a process is not counted again: many steps may run it, and those in it another one.
    """
    run = workflow.run(step)
    if run is None or step.field("scatter") or step.field("when"):
        return None
    if run.kind != "Workflow":
        return int(run.kind == "CommandLineTool")
    if run.place not in known:
        known[run.place] = None  # a workflow that runs itself has no end
        pods = [_pods(run, inner, known) for inner in run.steps]
        known[run.place] = None if None in pods else sum(filter(None, pods))
    return known[run.place]
