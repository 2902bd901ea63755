"""An overview for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from ..task import Step
from .facts import Overview, landing, number, size, totals


def render(overview: Overview) -> str:
    """Tables of what moves and of the steps, then the totals."""
    inputs = [
        (
            move.transfer.did,
            move.transfer.instance,
            landing(move),
            size(move),
            move.step,
            " ".join(move.used_by) or "-",
        )
        for move in overview.inputs
    ]
    outputs = [
        (landing(move), move.transfer.instance, move.transfer.did, move.transfer.rse or "", move.step)
        for move in overview.outputs
    ]
    steps = [(step.name, said(step), " ".join(step.after) or "-") for step in overview.steps]
    parts = [f"{overview.source}: {overview.engine}\n"]
    if inputs:
        parts.append(_table(("STAGED IN", "FROM", "TO", "SIZE", "BY", "USED BY"), inputs))
    if outputs:
        parts.append(_table(("STAGED OUT", "TO", "AS", "AT", "BY"), outputs))
    if steps:
        parts.append(_table(("STEP", "RUNS", "AFTER"), steps))
    parts.append("".join(f"{name + ':':<13}{text}\n" for name, text in totals(overview)))
    return "\n".join(parts)


def said(step: Step) -> str:
    """What a step runs, in one line."""
    return "; ".join(runs(step))


def runs(step: Step) -> list[str]:
    """What each job of a step does, or in how many pods it is the user's."""
    if not step.jobs:
        return ["some pods" if step.pods is None else number(step.pods, "pod") if step.pods else "nothing"]
    found = []
    for job in step.jobs:
        does = [f"check {number(len(job.uploads), 'output')}"] if job.uploads and job.action != "stage-out" else []
        does += [f"fetch {number(len(job.downloads), 'input')}"] if job.downloads else []
        does += [f"upload {number(len(job.uploads), 'output')}"] if job.action == "stage-out" else []
        found.append(f"{job.instance.name}: {', '.join(does)}")
    return found


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as what is in them; what cannot be printed is not."""
    shown = [[printable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[at]) for row in shown) for at in range(len(head))]
    return "".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() + "\n" for row in shown)


def printable(text: str) -> str:
    """The text without what would move a cursor, or turn the direction of writing."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
