"""Run the command in this process; click's own CliRunner tells the two output streams apart only since 8.2."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from unittest import mock

from reana_rucio_compiler.cli import main


@dataclass(frozen=True)
class Result:
    """What a command said and how it ended. An exception of ours, which no user may meet, is raised instead."""

    exit_code: int
    stdout_bytes: bytes
    stderr_bytes: bytes

    @property
    def stdout(self) -> str:
        return self.stdout_bytes.decode()

    @property
    def stderr(self) -> str:
        return self.stderr_bytes.decode()


def run(*args: str, stdin: bytes = b"") -> Result:
    """``reana-rucio ARGS`` in the current directory."""
    streams = [io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="") for data in (stdin, b"", b"")]
    code = 0
    with contextlib.ExitStack() as stack:
        for name, stream in zip(("stdin", "stdout", "stderr"), streams):
            stack.enter_context(mock.patch.object(sys, name, stream))
        try:
            main(list(args), prog_name="reana-rucio")
        except SystemExit as stop:
            code = int(stop.code or 0)
    for stream in streams[1:]:
        stream.flush()
    return Result(code, *(stream.buffer.getvalue() for stream in streams[1:]))
