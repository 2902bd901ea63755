"""The examples compile to what stands beside them, and do what they say with real data."""

from __future__ import annotations

import json
import math
import random
import shutil
from pathlib import Path

import pytest

from reana_rucio_compiler.compiler import compile_file
from tests.engines.serial_runner import run_serial
from tests.rucio.server import Server

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.parametrize("name", sorted(path.parent.name for path in EXAMPLES.glob("*/reana.yaml")))
def test_compiled_example_is_fresh(name: str) -> None:
    """After a change that shows in compiled files, run `reana-rucio compile reana.yaml -o reana.out.yaml` in each."""
    result = compile_file(EXAMPLES / name / "reana.yaml")
    assert not result.diagnostics
    assert result.text == (EXAMPLES / name / "reana.out.yaml").read_text()
    for file, text in result.files.items():
        assert text == (EXAMPLES / name / file).read_text()


def test_dimuon_mass_finds_the_z(rucio_server_tls: Server, tmp_path: Path) -> None:
    """A dataset of simulated Z decays comes in, the spectrum peaks at its mass, and is uploaded."""
    chance = random.Random(1)
    (tmp_path / "muon-calibration-v3.json").write_text(json.dumps({"scale": 1.01}))
    rucio_server_tls.upload(
        tmp_path / "muon-calibration-v3.json", "user.jdoe:muon-calibration-v3.json", "SITE1_SCRATCHDISK", "jdoe"
    )
    for number in range(3):
        path = tmp_path / f"dimuons-{number}.csv"
        path.write_text("".join(_event(chance, 91.19 / 1.01) for _ in range(400)))
        rucio_server_tls.upload(path, f"user.jdoe:{path.name}", "SITE2_SCRATCHDISK", "jdoe", "user.jdoe:dimuons-2022")
    project = shutil.copytree(EXAMPLES / "serial-dimuon-mass", tmp_path / "project")
    text = (project / "reana.out.yaml").read_text().replace("CERN-EOS", "CERN-DISK")
    (project / "reana.out.yaml").write_text(text)
    sidecar = rucio_server_tls.sidecar(tmp_path / "sidecar", "jdoe")
    result = run_serial(project / "reana.out.yaml", workspace_base=tmp_path / "reana", sidecar_env=sidecar)
    assert result.returncode == 0, [job.stderr for job in result.jobs]
    spectrum = (result.workspace / "results/spectrum.csv").read_text()
    counts = {float(mass): int(count) for mass, count in (line.split(",") for line in spectrum.splitlines())}
    assert abs(max(counts, key=lambda mass: counts[mass]) - 91.19) < 2
    assert sum(counts.values()) > 1000
    stored = rucio_server_tls.replica_path(f"user.jdoe:dimuon-spectrum-{result.workspace.name}.csv", "CERN-DISK")
    assert stored.read_text() == spectrum
    assert (result.workspace / "results/spectrum.svg").read_text().startswith("<svg")


def _event(chance: random.Random, mass: float) -> str:
    """Two back-to-back muons of about that invariant mass, in GeV."""
    eta, phi, pt = chance.uniform(-1, 1), chance.uniform(-3, 3), chance.gauss(mass, 1.5) / 2 / math.cosh(0)
    return f"{pt:.4f},{eta:.4f},{phi:.4f},{pt:.4f},{eta:.4f},{phi + math.pi:.4f}\n"


def test_two_instances_fit_a_line(rucio_server_tls: Server, second_rucio_server: Server, tmp_path: Path) -> None:
    """Measurements come from one server and resolutions from another; the fitted line is uploaded to the second."""
    wires = range(40)
    (tmp_path / "drift-times.csv").write_text("".join(f"{n},{n / 10},{5 + 2.5 * n / 10}\n" for n in wires))
    (tmp_path / "resolution.csv").write_text("".join(f"{n},{1 + n % 3}\n" for n in wires))
    rucio_server_tls.upload(tmp_path / "drift-times.csv", "user.jdoe:drift-times.csv", "SITE1_SCRATCHDISK", "jdoe")
    second_rucio_server.upload(tmp_path / "resolution.csv", "group.other:resolution.csv", "OTHER1_SCRATCHDISK")
    project = shutil.copytree(EXAMPLES / "serial-two-instances", tmp_path / "project")
    text = (project / "reana.yaml").read_text()
    text = text.replace("https://vre-rucio-auth.cern.ch", second_rucio_server.url).replace(
        "account: jdoe", "account: alice"
    )
    text = text.replace("https://vre-rucio.cern.ch", second_rucio_server.url).replace(
        "rse: CERN-EOS", "rse: OTHER1_SCRATCHDISK"
    )
    text = text.replace("(vre, user.jdoe", "(vre, group.other")
    (project / "reana.yaml").write_text(text)
    (project / "reana.out.yaml").unlink()
    compiled = compile_file(project / "reana.yaml")
    assert compiled.text
    for name, content in {"reana.out.yaml": compiled.text, **compiled.files}.items():
        (project / name).write_text(content)
    result = run_serial(
        project / "reana.out.yaml",
        workspace_base=tmp_path / "reana",
        sidecar_env=rucio_server_tls.sidecar(tmp_path / "sidecar", "jdoe"),
        secrets_env={"RUCIO_VRE_USERNAME": "alice", "RUCIO_VRE_PASSWORD": second_rucio_server.accounts["alice"]},
    )
    assert result.returncode == 0, [job.stderr for job in result.jobs]
    fit = (result.workspace / "results/fit.txt").read_text()
    assert fit.startswith("velocity 2.500000 +- ")
    stored = second_rucio_server.replica_path(
        f"group.other:drift-fit-{result.workspace.name}.txt", "OTHER1_SCRATCHDISK"
    )
    assert stored.read_text() == fit
