"""An overview for programs: one JSON object, described by schemas/plan.json."""

from __future__ import annotations

import json
from typing import Any

from ..task import Step
from .facts import Move, Overview

FORMAT = 1


def render(overview: Overview) -> str:
    """The whole overview; null stands for what is not known."""
    pods, exact = overview.other_pods
    low, high = overview.workspace
    report = {
        "format": FORMAT,
        "source": overview.source,
        "engine": overview.engine,
        "inputs": [_input(move) for move in overview.inputs],
        "outputs": [_output(move) for move in overview.outputs],
        "steps": [_step(step) for step in overview.steps],
        "totals": {
            "staging_pods": len(overview.jobs),
            "staging_pods_exact": overview.exact_jobs,
            "other_pods": pods,
            "other_pods_exact": exact,
            "files": overview.files,
            "bytes": overview.bytes,
            "inputs_of_unknown_size": len(overview.unknown),
            "largest_pod": dict(zip(("job", "bytes"), overview.largest)) if overview.largest else None,
            "workspace_bytes": {"least": low, "most": None if overview.scattered else high},
        },
    }
    return json.dumps(report, indent=2) + "\n"


def _input(move: Move) -> dict[str, Any]:
    transfer = move.transfer
    return {
        **_common(move),
        "first": transfer.first,
        "files": move.files,
        "bytes": move.bytes,
        "used_by": list(move.used_by),
    }


def _output(move: Move) -> dict[str, Any]:
    transfer = move.transfer
    return {**_common(move), "dataset": transfer.dataset, "lifetime": transfer.lifetime}


def _common(move: Move) -> dict[str, Any]:
    transfer = move.transfer
    return {
        "instance": transfer.instance,
        "did": transfer.did,
        "type": "directory" if transfer.type == "directory" else "file",
        "path": transfer.path,
        "rse": transfer.rse,
        "step": move.step,
        "job": move.job,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "after": list(step.after),
        "pods": step.pods,
        "jobs": [
            {"name": job.name, "action": job.action, "instance": job.instance.name, "image": job.instance.environment}
            for job in step.jobs
        ],
    }
