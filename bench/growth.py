"""What a large specification costs against one a tenth as large: nothing may grow faster than the file."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from .frame import OURS, PYTHON, ROOT, Command, Table, measure

SIZES = (1, 1_000, 10_000)

MAKE = """
import sys
from pathlib import Path
from bench import analyses
size = int(sys.argv[1])
analyses.write(analyses.serial(size, size), Path(sys.argv[2]))
"""


def table(rounds: int) -> Table:
    """Serial specifications of as many inputs as steps, and what CPU time and memory they add to one of one."""
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            # By another process: the peak of this one would count for each that it starts.
            subprocess.run([PYTHON, "-c", MAKE, str(size), str(Path(folder, str(size)))], cwd=ROOT, check=True)
        commands = {str(size): Command([*OURS, "compile", "reana.yaml"], Path(folder, str(size))) for size in SIZES}
        found = measure(commands, rounds)
    least, small, large = found.values()
    time = large.more(least) / small.more(least)
    memory = (large.peak - least.peak) / (small.peak - least.peak)
    rows = [
        ("CPU time of 10 000 inputs and steps", "that of 1 000", "12", f"{large.ratio(small):.1f}"),
        ("the same, without start-up", "the same", "12", f"{time:.1f}"),
        ("growth of memory with 10 000 inputs and steps", "that with 1 000", "12", f"{memory:.1f}"),
    ]
    figures = ", ".join(f"{name} {each.cpu:.2f} s and {each.peak:.0f} MiB" for name, each in found.items())
    return Table("Growth", ("work", "against", "reach", "measured"), rows, (f"CPU time and peak: {figures}.",))
