"""How whole processes are measured and compared, and what a table is."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent

# The interpreter that runs this, not a shim that would find one first.
PYTHON = sys.executable

# What the script `reana-rucio` runs, which is not installed everywhere.
OURS = (PYTHON, "-c", "import sys; from reana_rucio_compiler.__main__ import main; sys.exit(main())")


def median(values: Iterable[float]) -> float:
    """The middle one, or the mean of the two. (The module of that name would add to the peak of what is measured.)"""
    found = sorted(values)
    return (found[(len(found) - 1) // 2] + found[len(found) // 2]) / 2


@dataclass(frozen=True)
class Command:
    """A process to be measured: exit codes other than those of ``good`` mean that nothing was measured."""

    args: Sequence[str | os.PathLike[str]]
    cwd: Path = ROOT
    good: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Cost:
    """What one process and those that it waited for took: CPU and wall seconds, peak memory in MiB.

    The system counts the peak from before the process has its own program: it is at least what this one has.
    """

    cpu: float
    wall: float
    peak: float


@dataclass(frozen=True)
class Series:
    """The costs of one command, a round each."""

    costs: tuple[Cost, ...]

    @property
    def cpu(self) -> float:
        """The median CPU seconds."""
        return median(cost.cpu for cost in self.costs)

    @property
    def peak(self) -> float:
        """The median peak memory, in MiB."""
        return median(cost.peak for cost in self.costs)

    def ratio(self, other: Series) -> float:
        """How many times the CPU seconds of another: the median of the rounds' ratios."""
        return median(mine.cpu / theirs.cpu for mine, theirs in zip(self.costs, other.costs))

    def more(self, other: Series) -> float:
        """How many CPU seconds more than another: the median of the rounds' differences."""
        return median(mine.cpu - theirs.cpu for mine, theirs in zip(self.costs, other.costs))


def measure(commands: Mapping[str, Command], rounds: int) -> dict[str, Series]:
    """Run the commands in turn, once unmeasured and then ``rounds`` times: a change of speed hits all of them."""
    for command in commands.values():
        run(command)
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            costs[name].append(run(command))
    return {name: Series(tuple(each)) for name, each in costs.items()}


def run(command: Command) -> Cost:
    """The cost of running a command once. Raises RuntimeError where it fails."""
    # What the caller has set must not decide what is measured, but for where the package is found.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    if command.args[: len(OURS)] == list(OURS):
        environment["PYTHONPATH"] = str(ROOT)
    with tempfile.TemporaryFile() as errors:
        began = os.times().elapsed
        process = subprocess.Popen(
            [os.fspath(each) for each in command.args],
            cwd=command.cwd, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        wall = os.times().elapsed - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in command.good:
            errors.seek(0)
            said = errors.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"{command.args} in {command.cwd} exited with {process.returncode}:\n{said}")
    # Kilobytes on Linux, bytes on macOS.
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / unit)


@dataclass(frozen=True)
class Table:
    """Figures as a reader sees them: texts, row by row, under a title and the names of the columns."""

    title: str
    columns: tuple[str, ...]
    rows: Iterable[tuple[str, ...]]
    notes: tuple[str, ...] = field(default=())

    def markdown(self) -> str:
        """The table as Markdown, with a heading and a blank line at its end."""
        lines = [self.columns, tuple("---" for _ in self.columns), *self.rows]
        body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return "\n\n".join([f"## {self.title}", body, *self.notes]) + "\n"
