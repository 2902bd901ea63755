"""Ways to show diagnostics: one module each, with one function ``render(diagnostics) -> str``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..diagnostics import Diagnostic

FORMATS = ("text", "json", "github", "gitlab", "sarif")


def relative_path(found: Diagnostic) -> str:
    """The file of a diagnostic as CI wants it: relative to the current directory, normalised, with slashes."""
    path = Path(found.span.source.name)
    if path.is_absolute() and Path.cwd() in path.parents:
        path = path.relative_to(Path.cwd())
    return path.as_posix()


def region(found: Diagnostic) -> tuple[int, int, int, int]:
    """First line and column, last line and the column behind it, all counted from 1, in characters."""
    span = found.span
    return (span.line, span.column, *span.source.position(span.end))
