"""What compiling costs grows with the file and no faster: counted in calls of functions, never in seconds."""

from __future__ import annotations

import cProfile
import pstats
from pathlib import Path

import pytest

from bench import analyses
from reana_rucio_compiler.compiler import compile_file

LEAST, SMALL, LARGE = 10, 60, 240
WRONG = "# all of this is wrong\n"


def wrong(size: int) -> dict[str, str]:
    """A specification with mistakes of several kinds, each many times, of which some are looked for among others."""
    files = "".join(f"    - rucio(nowhere, user.jdoe, a{number}.root\n" for number in range(size))
    parameters = "".join(f"    p{number}: 2020-01-01\n    q{number}: [rucio(escape, a)]\n" for number in range(size))
    steps = "".join(f"    - commands: ls\n      mistake{number}: x\n" for number in range(size))
    inputs = f"inputs:\n  files:\n{files}  parameters:\n{parameters}"
    return {"reana.yaml": f"{WRONG}{inputs}workflow:\n  type: serial\n  specification:\n    steps:\n{steps}"}


ANALYSES = {
    "serial": lambda size: analyses.serial(size, size),
    "cwl": analyses.cwl,
    "yadage": analyses.yadage,
    "snakemake": analyses.snakemake,
    "errors": wrong,
}


def calls(files: dict[str, str], folder: Path) -> int:
    """How many functions are called to compile an analysis."""
    analyses.write(files, folder)
    profile = cProfile.Profile()
    result = profile.runcall(compile_file, folder / "reana.yaml")
    assert (result.text is None) == (files.get("reana.yaml", "").startswith(WRONG)), result.diagnostics
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


@pytest.mark.parametrize("engine", ANALYSES)
def test_calls_grow_with_the_file(engine: str, tmp_path: Path) -> None:
    """Beyond what a small analysis takes; searching a list for each of its entries would be seen here."""
    make = ANALYSES[engine]
    calls(make(LEAST), tmp_path / "first")  # imports, and compiles regular expressions
    least = calls(make(LEAST), tmp_path / "least")
    small, large = (calls(make(size), tmp_path / str(size)) - least for size in (SMALL, LARGE))
    linear = (LARGE - LEAST) / (SMALL - LEAST)
    assert small > 10_000
    assert large / small <= 1.1 * linear
