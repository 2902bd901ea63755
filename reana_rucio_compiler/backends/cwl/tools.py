"""The text of a staging tool: a CommandLineTool that runs the driver, which runs the stager."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ...digests import sha256
from ...edits import block
from ...staging import Embedding, Job, encode, script
from .jobs import MANIFEST_INPUT, PROGRAM_INPUT, RECEIPT, Feed, StagingStep
from .reading import Place, Process


def driver() -> str:
    """The text of the driver."""
    return Path(__file__).with_name("driver.py").read_text(encoding="ascii")


def overhead(steps: Iterable[StagingStep]) -> int:
    """The most that a command holds beyond the stager and its manifest, in bytes."""
    return len(driver()) + max(len(encode(_told(step))) for step in steps)


def side_feeds(job: Job, embedding: Embedding, names: Mapping[str, str]) -> dict[str, Feed]:
    """The files that a job gets beside its command, by the name that the driver gives them.

    ``names`` are the inputs of the Workflow, by file.
    """
    program, manifest = embedding.program_file(), embedding.manifest_file(job)
    feeds = {}
    if program:
        feeds["stager.py"] = Feed(PROGRAM_INPUT, "File", {"source": names[program]})
    if manifest:
        feeds["manifest.json"] = Feed(MANIFEST_INPUT, "File", {"source": names[manifest]})
    return feeds


def tool(
    step: StagingStep,
    embedding: Embedding,
    sides: Mapping[str, Feed],
    workflow: Process,
    elsewhere: bool,
) -> str:
    """The tool as YAML, without a header.

    ``elsewhere`` is whether a step of the workflow runs on another backend than kubernetes, where alone the sidecars
    are.
    """
    job, version = step.job, workflow.version
    required = workflow.requirement("DockerRequirement") is not None  # over which no hint wins
    reana: dict[str, Any] = {}
    if job.instance.needs_sidecar:
        reana.update(voms_proxy=True, rucio=True)
    if elsewhere:
        reana["compute_backend"] = "kubernetes"
    image = {"DockerRequirement": {"dockerPull": job.instance.environment}}
    requirements: dict[str, Any] = dict(image) if required else {}
    # What the Workflow requires reaches this tool too, where its expressions have no inputs to refer to.
    inherited = {
        each for section in ("requirements", "hints") for each in _NEUTRAL if workflow.requirement(each, section)
    }
    requirements.update((name, _NEUTRAL[name]) for name in sorted(inherited))
    if version != "v1.0":
        requirements["NetworkAccess"] = {"networkAccess": True}
    hints: dict[str, Any] = {} if required else dict(image)
    if reana:
        hints["reana"] = reana
    feeds = (*sides.values(), *step.feeds)
    outputs: dict[str, Any] = {each.id: _output(each.type, each.secondary) for each in step.bound}
    outputs[RECEIPT] = {"type": "File", "outputBinding": {"glob": job.receipt}}
    text: dict[str, Any] = {
        "cwlVersion": version,
        "class": "CommandLineTool",
        **({"$namespaces": {"reana": _namespace(workflow)}} if reana else {}),
        "doc": _DOC[job.action],
        **({"requirements": requirements} if requirements else {}),
        **({"hints": hints} if hints else {}),
        "inputs": {each.id: _input(each, number) for number, each in enumerate(feeds, 1)},
        "outputs": outputs,
        # Only here does REANA tell a job its own output directory (driver.py). The file stays empty: the command
        # joins its standard error to the job's log.
        "stderr": f"{job.name}.log",
        "baseCommand": ["bash", "-c"],
        "arguments": [_command(step, embedding, sides), job.name],
    }
    return block(text, 0)


def _namespace(workflow: Process) -> str:
    """What the prefix of REANA's hints stands for: as in the user's file, for packing brings the two together."""
    namespaces = Place(workflow.place.document, ()).get("$namespaces")
    given = namespaces.get("reana") if namespaces else None
    return given.text if given else "https://www.reana.io/"


_NEUTRAL: Mapping[str, Any] = {
    "EnvVarRequirement": {"envDef": {}},
    "InitialWorkDirRequirement": {"listing": []},
    "ResourceRequirement": {"coresMin": 1},
    "ToolTimeLimit": {"timelimit": 0},
    "WorkReuse": {"enableReuse": False},
}

_DOC = {
    "stage-in": "Files from Rucio, verified; the receipt is written last.",
    "stage-check": "Whether the outputs can be uploaded at the end; the receipt is written last.",
    "stage-out": "Files to Rucio, read back; the receipt is written last.",
}


def _output(type_: Any, secondary: Any) -> Any:
    if secondary and type_ != "Any":
        return {"type": type_, "secondaryFiles": secondary if isinstance(secondary, list) else [secondary]}
    return {"type": type_} if isinstance(type_, dict) else type_


def _input(feed: Feed, number: int) -> dict[str, Any]:
    return {"type": feed.type, "inputBinding": {"position": number, "prefix": f"--{feed.id}"}}


def _told(step: StagingStep) -> dict[str, Any]:
    """What the driver is told."""
    told: dict[str, Any] = {"name": step.job.name, "receipt": step.job.receipt}
    if step.job.action == "stage-out":
        told["uploads"] = {path: list(feed) for path, feed in step.uploads.items()}
    else:
        told["outputs"] = {each.id: each.value for each in step.bound}
    return told


def _command(step: StagingStep, embedding: Embedding, sides: Mapping[str, Feed]) -> str:
    job, told = step.job, _told(step)
    if sides:
        side_files = {"stager.py": embedding.program_file(), "manifest.json": embedding.manifest_file(job)}
        told["files"] = {
            name: [sides[name].id, file, sha256(embedding.files[file])] for name, file in side_files.items() if file
        }
    here = {name: text for name, text in embedding.texts(job).items() if name not in sides}
    here.update({"driver.py": driver(), "job.json": encode(told)})
    return script(here, 'python3 "$stage/driver.py" "$stage" "$@"', ["exec 3>&2 2>&1"])
