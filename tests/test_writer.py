"""What is written where: files of all kinds, streams that are closed, and nothing half-written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from reana_rucio_compiler import writer
from reana_rucio_compiler.compiler import compile_file

from .examples import ROOT

EXAMPLE = ROOT / "examples" / "serial-dimuon-mass"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    shutil.copytree(EXAMPLE, home)
    monkeypatch.chdir(home)
    return home


def _process(script: str) -> subprocess.CompletedProcess[str]:
    """A shell command in which ``RR`` is ``reana-rucio``."""
    path = os.pathsep.join(filter(None, sys.path))
    program = f"'{sys.executable}' -m reana_rucio_compiler"
    return subprocess.run(
        ["sh", "-c", script.replace("RR", program)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


@pytest.mark.parametrize("call", ["compile reana.yaml", "schema", "--help", "check --format json"])
def test_a_closed_standard_output_is_told_in_words(call: str, folder: Path) -> None:
    ran = _process(f"RR {call} >&-")
    assert (ran.returncode, ran.stderr) == (1, "reana-rucio: error: standard output: Bad file descriptor\n")


def test_nothing_is_written_where_the_output_has_no_directory(folder: Path) -> None:
    Path("reana.out.yaml").unlink(missing_ok=True)
    Path("rucio-stager.py").unlink()
    before = sorted(os.listdir())
    ran = _process("RR compile reana.yaml -o build/new.yaml")
    message = 'reana-rucio: error: "build/new.yaml" cannot be written: there is no directory "build"\n'
    assert (ran.returncode, ran.stderr) == (1, message)
    assert sorted(os.listdir()) == before


def test_a_closed_standard_input_is_told_in_words(folder: Path) -> None:
    ran = _process("RR check - <&-")
    assert (ran.returncode, ran.stderr.splitlines()[-1]) == (2, "Error: standard input is closed")


@pytest.mark.parametrize("call", ["check", "compile reana.yaml -o new.yaml", "check reana.yaml"])
def test_a_closed_standard_error_changes_nothing_else(call: str, folder: Path) -> None:
    ran = _process(f"RR {call} 2>&-")
    assert (ran.returncode, ran.stdout) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_device_is_written_to_and_not_read(folder: Path) -> None:
    assert _process("RR compile reana.yaml -o /dev/null").returncode == 0
    assert _process("RR compile reana.yaml -o /dev/stdout").stdout == (EXAMPLE / "reana.out.yaml").read_text()
    ran = _process("RR compile reana.yaml -o /dev/full")
    assert (ran.returncode, ran.stderr.count("No space left on device")) == (1, 1)
    assert "Traceback" not in ran.stderr


def test_a_pipe_with_a_name_is_written_to(folder: Path) -> None:
    ran = _process("mkfifo pipe && { cat pipe & RR compile reana.yaml -o pipe; wait; }")
    assert (ran.returncode, ran.stdout) == (0, (EXAMPLE / "reana.out.yaml").read_text())


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_nothing_is_left_of_a_file_that_could_not_be_finished(error: object, folder: Path) -> None:
    before = sorted(os.listdir())
    broken = mock.patch.object(writer.os, "replace", side_effect=error)
    with broken, pytest.raises((KeyboardInterrupt, writer.Refused)):
        writer.write(compile_file(Path("reana.yaml")), Path("reana.yaml"), "new.yaml")
    assert sorted(os.listdir()) == before


def test_another_compilation_of_the_same_source_is_told_to_be_stale(folder: Path) -> None:
    shutil.copytree(ROOT / "examples" / "cwl-dimuon-scatter", "cwl")
    spec = Path("cwl", "reana.yaml")
    spec.write_text(spec.read_text().replace("calibration-v3", "calibration-${v}"))
    Path("cwl", "reana.out.yaml").unlink()
    for path in Path("cwl").rglob("*rucio*"):
        path.unlink()
    first = _process("RR compile cwl/reana.yaml -p v=1 -o cwl/one.out.yaml")
    assert "warning" not in first.stderr
    assert "warning" not in _process("RR compile cwl/reana.yaml -p v=1 -o cwl/two.out.yaml").stderr
    second = _process("RR compile cwl/reana.yaml -p v=2 -o cwl/two.out.yaml")
    (line,) = [each for each in second.stderr.splitlines() if "warning" in each]
    assert line.startswith("reana-rucio: warning: cwl/one.out.yaml is compiled from cwl/reana.yaml too, and reads cwl/")


def test_a_compiled_specification_away_from_its_files_is_told(folder: Path) -> None:
    Path("build").mkdir()
    assert "REANA 0.95 seeks them beside it: write it there" in _process("RR compile reana.yaml -o build/x.yaml").stderr
    assert "warning" not in _process("cd build && RR compile ../reana.yaml -o ../reana.out.yaml").stderr
    assert "warning" not in _process("RR compile reana.yaml -o /dev/null").stderr
