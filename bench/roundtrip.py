"""What a large analysis of each engine costs against merely reading and writing its YAML files with ruamel.yaml."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from . import analyses
from .frame import OURS, PYTHON, Command, Table, measure

INPUTS = 1_000

ROUND_TRIP = """
import io, sys
from ruamel.yaml import YAML
for name in sys.argv[1:]:
    yaml = YAML()
    with open(name) as stream:
        data = yaml.load(stream)
    yaml.dump(data, io.StringIO())
"""


def table(rounds: int) -> Table:
    """`compile` of 1 000 inputs, a row for each engine."""
    every = {
        "serial": analyses.serial(INPUTS, INPUTS),
        "CWL": analyses.cwl(INPUTS),
        "Yadage": analyses.yadage(INPUTS),
        "Snakemake": analyses.snakemake(INPUTS),
    }
    return Table(
        f"{INPUTS} inputs",
        ("`compile` of", "against reading and writing", "reach", "measured", "CPU time"),
        [_row(engine, files, rounds) for engine, files in every.items()],
    )


def _row(engine: str, files: dict[str, str], rounds: int) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        analyses.write(files, folder)
        yaml = [each for each in files if each.endswith((".yaml", ".yml", ".cwl"))]
        found = measure(
            {
                "ours": Command([*OURS, "compile", "reana.yaml"], folder),
                "theirs": Command([PYTHON, "-c", ROUND_TRIP, *yaml], folder),
            },
            rounds,
        )
    ours, theirs = found["ours"], found["theirs"]
    seconds = f"{ours.cpu:.2f} s, {theirs.cpu:.2f} s"
    return (engine, _listed(yaml), "2", f"{ours.ratio(theirs):.2f}", seconds)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
