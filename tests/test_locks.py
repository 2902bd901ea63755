"""Locks that are no files, or too large for one: told of at once, whatever reading them would take."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reana_rucio_compiler import locks, writer
from reana_rucio_compiler.diagnostics import Report
from reana_rucio_compiler.locks import read_lock, render
from tests.command import run

SPEC = (
    "inputs: {files: ['rucio(escape, u, a.root)']}\n"
    "workflow: {type: serial, specification: {steps: [{environment: 'a:1', commands: [wc a.root]}]}}\n"
)


def _said(path: Path) -> str:
    report = Report()
    assert read_lock(path, report) is None
    (found,) = report.diagnostics
    assert found.rule.code == "RR501"
    return found.message


def test_a_pipe_and_a_device_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    for name in ("pipe", "device"):
        assert _said(tmp_path / name) == "this lock cannot be read: it is no file"
    assert _said(tmp_path) == "this lock cannot be read: it is a directory"


def test_a_lock_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as stream:
        stream.truncate(locks.MOST_BYTES + 1)
    assert _said(path) == "this lock cannot be read: it has 100 MiB, and a lock has at most 100"


def test_only_a_lock_is_written_over(tmp_path: Path) -> None:
    path, text = tmp_path / "reana.rucio-lock.json", render({})
    for old in ("", text.replace('"dids"', '<<<<<<< HEAD\n "dids"')):
        path.write_text(old)
        assert writer.write_lock(path, text)
    path.write_text('{"mine": 1}\n')
    with pytest.raises(writer.Refused, match="exists and is no lock; rename or remove it"):
        writer.write_lock(path, text)
    assert path.read_text() == '{"mine": 1}\n'


def test_standard_input_has_no_lock() -> None:
    result = run("compile", "--locked", "-", stdin=SPEC.encode())
    assert result.exit_code == 1
    assert "error[RR503]: there is no lock\n" in result.stderr
