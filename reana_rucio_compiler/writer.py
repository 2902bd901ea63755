"""Write what was compiled: atomically, saying what, and never over a file that is not ours."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .compiler import Compilation
from .ownership import head, specification_from
from .staging import is_ours


class Refused(Exception):
    """A file cannot be written; the message says why and what to do."""


def write(result: Compilation, spec: Path, output: str | None) -> None:
    """Write the side files beside the source, then the specification to ``output`` or to standard output.

    Every reason to refuse is found before the first byte is written. Raises ``Refused``.
    """
    targets = {result.base / name: text for name, text in result.files.items()}
    for path in targets:
        _check_ours(path)
    if output and output != "-":
        _check_output(Path(output), spec)
    changed = []
    for path, text in targets.items():
        was_there = path.exists()
        if _replace(path, text.encode()):
            sys.stderr.write(f"reana-rucio: wrote {path}\n")
            changed += [path] if was_there else []
    for other in _siblings(result, spec, output) if changed else ():
        message = f"{other} is compiled from {spec} too, and reads {changed[0]}, which has changed: compile it again"
        sys.stderr.write(f"reana-rucio: warning: {message}, or in a directory of its own if its -p differ\n")
    data = (result.text or "").encode()
    if output and output != "-":
        _replace(Path(output), data)
        if result.plan and Path(output).is_file() and not Path(output).parent.samefile(result.base):
            message = (
                f"the paths in {output} are relative to {result.base.resolve()}, and REANA 0.95 seeks them beside it"
            )
            sys.stderr.write(f"reana-rucio: warning: {message}: write it there\n")
    else:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def _siblings(result: Compilation, spec: Path, output: str | None) -> list[Path]:
    """The other compiled specifications of the same source, which share the files beside it."""
    beside = (path for path in sorted(result.base.glob("*.y*ml")) if not output or path.name != Path(output).name)
    return [path for path in beside if specification_from(path) == spec.name]


def write_lock(path: Path, text: str) -> bool:
    """Write a lock; whether it has changed. Raises ``Refused``."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise Refused(f'"{path}" is in the way of the lock; remove it')
    if path.exists() and '"dids"' not in head(path) and path.stat().st_size:  # in a conflict of git's, it is
        raise Refused(f'"{path}" exists and is no lock; rename or remove it')
    return _replace(path, text.encode())


def _check_ours(path: Path) -> None:
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise Refused(f'"{path}" is in the way of a generated file; remove it')
    if path.exists() and not is_ours(path.read_text(encoding="utf-8", errors="replace")):
        raise Refused(f'"{path}" exists and was not generated; rename or remove it')


def _check_output(path: Path, spec: Path) -> None:
    if path.exists() and spec.exists() and path.samefile(spec):
        raise Refused(f'"{path}" is the source; choose another name, such as {path.stem}.out{path.suffix}')
    if path.is_dir():
        raise Refused(f'"{path}" is a directory')
    if not path.parent.is_dir():
        raise Refused(f'"{path}" cannot be written: there is no directory "{path.parent}"')
    if path.is_file() and "Compiled by reana-rucio" not in head(path):
        raise Refused(f'"{path}" exists and was not compiled by reana-rucio; remove it, or choose another name')


def _replace(path: Path, data: bytes) -> bool:
    """Put the data at the path in one step; whether anything changed. A device or a pipe is written to."""
    if path.is_file() and path.read_bytes() == data:
        return False
    if path.exists() and not path.is_file():
        with path.open("wb") as stream:
            stream.write(data)
        return True
    import tempfile  # a twentieth of a run that writes to standard output

    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise Refused(f'"{path}" cannot be written: {error.strerror}') from None
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, path)
    except BaseException as error:  # KeyboardInterrupt, too, leaves nothing behind
        os.unlink(name)
        if not isinstance(error, OSError):
            raise
        raise Refused(f'"{path}" cannot be written: {error.strerror}') from None
    return True
