"""What compiling costs grows with the file and no faster: counted in calls of functions, never in seconds."""

from __future__ import annotations

import cProfile
import pstats
from pathlib import Path

import pytest

from bench import analyses
from reana_rucio_compiler.compiler import compile_file

LEAST, SMALL, LARGE = 10, 60, 240
ANALYSES = {
    "serial": lambda size: analyses.serial(size, size),
    "cwl": analyses.cwl,
    "yadage": analyses.yadage,
    "snakemake": analyses.snakemake,
}


def calls(files: dict[str, str], folder: Path) -> int:
    """How many functions are called to compile an analysis."""
    analyses.write(files, folder)
    profile = cProfile.Profile()
    result = profile.runcall(compile_file, folder / "reana.yaml")
    assert result.text is not None, result.diagnostics
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
