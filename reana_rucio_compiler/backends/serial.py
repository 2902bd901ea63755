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

from collections.abc import Iterable
from typing import Any

from ..diagnostics import Report
from ..documents import Node
from ..edits import edit_sequence
from ..staging import Embedding, Job, embed, stage_in_jobs, stage_out_jobs, unique
from ..task import Graft, Task

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
    return Graft(tuple(edit_sequence(document, STEPS, prepend=before, append=after)), embedding.files)


def _steps(
    name: str, jobs: Iterable[Job], embedding: Embedding, elsewhere: bool, taken: Iterable[str]
) -> list[dict[str, Any]]:
    """One step for each image: a step has one, and a command for each instance that uses it."""
    by_image: dict[str, list[Job]] = {}
    for job in jobs:
        by_image.setdefault(job.instance.environment, []).append(job)
    steps: list[dict[str, Any]] = []
    for image, group in by_image.items():
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


def _backend(step: Node) -> str:
    node = step.get("compute_backend")
    return node.value if node else ""
