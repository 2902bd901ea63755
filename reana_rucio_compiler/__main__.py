"""The process ``reana-rucio``, also as ``python -m reana_rucio_compiler``: what is done once, around a command."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command of ``sys.argv``, and leave with its exit code."""
    # Looking for garbage while everything is imported costs a tenth of a small run and finds none.
    gc.set_threshold(100_000, 50, 50)
    _fill_streams()
    try:
        command()
    except SystemExit as end:
        _leave(end.code)
        raise
    raise AssertionError("a command ends by an exit code")


def _fill_streams() -> None:
    """Give a process that was started without them (``>&-``) a standard output that cannot be written, and an error.

    A file that is opened later would take their numbers otherwise.
    """
    for name, mode in (("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.open(os.devnull, mode), "w", encoding="utf-8"))  # noqa: SIM115


def command() -> None:
    """Run the command of ``sys.argv``, which ends by SystemExit."""
    from . import plain

    try:
        code = plain.run(sys.argv[1:])
    except KeyboardInterrupt:  # as click says it
        sys.stderr.write("\nAborted!\n")
        code = 1
    if code is not None:
        raise SystemExit(code)
    from .cli import main as any_command

    any_command(prog_name="reana-rucio")


def _leave(code: object) -> None:
    """End the process at once where all that is left to do is to free its memory, which takes as long as a small run.

    Not where a library has threads, or work to do at exit.
    """
    threads = sys.modules.get("threading")
    if not isinstance(code, (int, type(None))) or "rucio" in sys.modules or (threads and threads.active_count() > 1):
        return
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # what is lost has been told, or is told by Python, which finds its own exit code
        if not code:
            return
    os._exit(code or 0)


if __name__ == "__main__":
    main()
