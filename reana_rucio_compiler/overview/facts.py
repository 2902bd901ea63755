"""From a compilation to what it will do: pure counting over its plan, its steps and their staging jobs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from posixpath import dirname

from ..compiler import Compilation
from ..locks import can_be_locked
from ..model import Transfer
from ..plan import engine_of
from ..staging import Job
from ..task import Step

# How often the workspace holds what is staged: CWL's engine copies the outputs of each job, and the inputs of the next
# (facts A.4), for each job that runs at the time; elsewhere a step reads what stands at its path.
COPIES = {"cwl": (2, 3)}


@dataclass(frozen=True)
class Move:
    """One transfer. ``step`` and ``job`` move it; ``used_by`` are the steps that are known to read what is staged in.

    ``files`` and ``bytes`` are what the lock says, None where it says nothing.
    """

    transfer: Transfer
    step: str
    job: str
    used_by: tuple[str, ...] = ()

    @property
    def files(self) -> int | None:
        """How many files are staged: those of a dataset, or one."""
        lock = self.transfer.lock
        return lock.length if lock else 1 if _is_one_file(self.transfer) else None

    @property
    def bytes(self) -> int | None:
        """How much that is."""
        return self.transfer.lock.bytes if self.transfer.lock else None


@dataclass(frozen=True)
class Overview:
    """All of it. ``inputs`` and ``outputs`` are in the order in which they are moved."""

    source: str
    engine: str
    steps: tuple[Step, ...]
    inputs: tuple[Move, ...]
    outputs: tuple[Move, ...]

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The runs of the stager, each a pod; those with wildcards may be several."""
        return tuple(job for step in self.steps for job in step.jobs)

    @property
    def other_pods(self) -> tuple[int, bool]:
        """How many pods the user's steps run in, and whether that is all of them: a scatter may be any number."""
        known = [step.pods for step in self.steps if not step.jobs]
        return sum(each or 0 for each in known), None not in known

    @property
    def exact_jobs(self) -> bool:
        """Whether each staging job runs once."""
        return not any(job.wildcards for job in self.jobs)

    @property
    def bytes(self) -> int:
        """What is staged in, as far as it is known."""
        return sum(move.bytes or 0 for move in self.inputs)

    @property
    def files(self) -> int:
        """How many files are staged in, as far as it is known."""
        return sum(move.files or 0 for move in self.inputs)

    @property
    def unknown(self) -> tuple[Move, ...]:
        """The inputs whose size no lock says."""
        return tuple(move for move in self.inputs if move.bytes is None)

    @property
    def largest(self) -> tuple[str, int] | None:
        """The staging job that fetches most, and how much; None where nothing is known."""
        sizes: dict[str, int] = {}
        for move in self.inputs:
            sizes[move.job] = sizes.get(move.job, 0) + (move.bytes or 0)
        name = max(sizes, key=lambda each: sizes[each], default="")
        return (name, sizes[name]) if name and sizes[name] else None

    @property
    def workspace(self) -> tuple[int, int]:
        """The least and the most that what is staged takes in the workspace at a time, without what the steps write.

        The most is for one job of each step: of a scatter, any number may run, each with copies (``scattered``).
        """
        if self.engine not in COPIES:
            return self.bytes, self.bytes
        low, high = COPIES[self.engine]
        most = sum((move.bytes or 0) * max(high, 1 + len(move.used_by)) for move in self.inputs)
        return self.bytes * low, most

    @property
    def scattered(self) -> bool:
        """Whether a step that runs in any number of pods has, in each, a copy of something that is staged."""
        names = {name for move in self.inputs for name in move.used_by}
        return self.engine in COPIES and any(step.pods is None and step.name in names for step in self.steps)


def gather(result: Compilation, source: str) -> Overview:
    """What a compilation of the file ``source`` will do; without a ``rucio(...)`` that is nothing."""
    steps = result.steps
    inputs = [
        Move(each, step.name, job.name, _users(steps, each))
        for step in steps
        for job in step.jobs
        for each in job.downloads
    ]
    outputs = [
        Move(each, step.name, job.name)
        for step in steps
        for job in step.jobs
        if job.action == "stage-out"
        for each in job.uploads
    ]
    engine = engine_of(result.document) if result.document else ""
    return Overview(source, engine, steps, tuple(inputs), tuple(outputs))


def _users(steps: Iterable[Step], transfer: Transfer) -> tuple[str, ...]:
    return tuple(step.name for step in steps if {transfer.path, dirname(transfer.path)} & set(step.takes))


def _is_one_file(transfer: Transfer) -> bool:
    return transfer.type in ("file", "member") and "*" not in transfer.name and "{" not in transfer.path


def human(count: int) -> str:
    """A number of bytes as people say it, in powers of 1000."""
    value, units = float(count), ["B", "kB", "MB", "GB", "TB", "PB"]
    while value >= 999.5 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.3g} {units[0]}"


def number(count: int, thing: str) -> str:
    """``1 pod``, ``2 pods``."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def landing(move: Move) -> str:
    """The path of a transfer, with a slash behind a directory."""
    return move.transfer.path + "/" * (move.transfer.type == "directory")


def size(move: Move) -> str:
    """``1.2 GB in 12 files``, as far as it is known."""
    if move.bytes is None:
        return "?"
    many = move.transfer.type == "directory" or move.files != 1
    return human(move.bytes) + (f" in {number(move.files or 0, 'file')}" if many else "")


def totals(overview: Overview) -> list[tuple[str, str]]:
    """What it amounts to, as a name and a sentence each."""
    pods, exact = overview.other_pods
    ours = number(len(overview.jobs), "staging pod") + ("" if overview.exact_jobs else " or more")
    found = [("pods", f"{ours}, {pods}{'' if exact else ' or more'} of the workflow's own")]
    if overview.inputs:
        known = len(overview.inputs) - len(overview.unknown)
        text = f"{human(overview.bytes)} in {number(overview.files, 'file')}" if known else "not known"
        lockable = [move for move in overview.unknown if can_be_locked(move.transfer)]
        if lockable:
            every = len(lockable) == len(overview.inputs)
            missing = "the inputs" if every else f"{len(lockable)} of {number(len(overview.inputs), 'input')}"
            text += f"; reana-rucio lock says the size of {missing}"
        if len(lockable) < len(overview.unknown):
            text += f"; only a run knows that of {number(len(overview.unknown) - len(lockable), 'input')}"
        found.append(("staged in", text))
    if overview.largest:
        name, most = overview.largest
        found.append(("largest pod", f"{human(most)}, {name}"))
    if overview.bytes:
        low, high = overview.workspace
        text = human(low) if low == high else f"{human(low)} to {human(high)}, as CWL copies what its steps hand on"
        text += ", or more, as it does for each job of a scatter" if overview.scattered else ""
        found.append(("workspace", f"{'at least ' * bool(overview.unknown)}{text}, and what the steps write"))
    return found
