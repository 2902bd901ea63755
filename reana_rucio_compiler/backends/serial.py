"""Serial: staging is a step in front of the user's and a step behind them.

    steps:                                  steps:
      - name: fit                             - name: rucio-stage-in
        commands: [root -b fit.C]      ->       voms_proxy: true
                                                rucio: true
                                                commands: [the stager, once for each instance]
                                              - name: fit
                                                commands: [root -b fit.C]
                                              - name: rucio-stage-out
                                                …

REANA runs each command as a pod of its own, one after the other, in the workspace, and stops at the first that fails;
it passes each command through ``string.Template``, so every dollar sign of ours is doubled (facts A.3, A.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..diagnostics import Report
from ..documents import Node
from ..edits import edit_sequence
from ..lint import uses
from ..staging import Embedding, Job, embed, stage_in_jobs, stage_out_jobs, unique
from ..task import Graft, Step, Task

STEPS = ("workflow", "specification", "steps")


def graft(task: Task, report: Report) -> Graft:
    """The edits that add the staging steps, and a file for the stager where it does not fit into them."""
    document, plan = task.document, task.plan
    steps = document.at(STEPS)
    if steps is None:
        raise AssertionError("REANA's schema lets no serial workflow pass without steps")
    first, last = stage_in_jobs(plan), stage_out_jobs(plan)
    embedding = embed((*first, *last))
    names = [node.value for node in (step.get("name") for step in steps.items) if node]
    elsewhere = any(_backend(step) not in ("", "kubernetes") for step in steps.items)
    before = _steps("rucio-stage-in" if plan.inputs else "rucio-stage-check", first, embedding, elsewhere, names)
    after = _steps("rucio-stage-out", last, embedding, elsewhere, [*names, *(step["name"] for step in before)])
    edits = edit_sequence(document, STEPS, prepend=before, append=after)
    return Graft(tuple(edits), embedding.files, outline=lambda: _outline(task, steps, before, first, after, last))


def _by_image(jobs: Iterable[Job]) -> Mapping[str, list[Job]]:
    """The jobs of each step: a step has one image, and a command for each instance that uses it."""
    found: dict[str, list[Job]] = {}
    for job in jobs:
        found.setdefault(job.instance.environment, []).append(job)
    return found


def _steps(
    name: str, jobs: Iterable[Job], embedding: Embedding, elsewhere: bool, taken: Iterable[str]
) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    for image, group in _by_image(jobs).items():
        step: dict[str, Any] = {
            "name": unique(name, [*taken, *(each["name"] for each in steps)]),
            "environment": image,
        }
        if any(job.instance.needs_sidecar for job in group):
            step.update(voms_proxy=True, rucio=True)
        if elsewhere:
            step["compute_backend"] = "kubernetes"
        step["commands"] = [embedding.command(job).replace("$", "$$") for job in group]
        steps.append(step)
    return steps


def _outline(
    task: Task,
    steps: Node,
    before: list[dict[str, Any]],
    first: Iterable[Job],
    after: list[dict[str, Any]],
    last: Iterable[Job],
) -> tuple[Step, ...]:
    """The steps one after the other; each command is a pod."""
    found = [Step(step["name"], jobs=tuple(jobs)) for step, jobs in zip(before, _by_image(first).values())]
    for number, step in enumerate(steps.items, 1):
        name, commands = step.get("name"), step.get("commands")
        takes = tuple(each.path for each in task.plan.inputs if uses(step, each))
        pods = len(commands.items) if commands else 0
        found.append(Step(name.value if name else f"step {number}", takes=takes, pods=pods))
    found += [Step(step["name"], jobs=tuple(jobs)) for step, jobs in zip(after, _by_image(last).values())]
    return tuple(
        step._replace(after=tuple(each.name for each in found[max(0, at - 1) : at]), pods=len(step.jobs) or step.pods)
        for at, step in enumerate(found)
    )


def _backend(step: Node) -> str:
    node = step.get("compute_backend")
    return node.value if node else ""
