"""Diagnostics for a person: place, rule and message, the line, a caret under the exact span, the remedy."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import TextIO

from ..diagnostics import Diagnostic, Severity

_COLOURS = {Severity.ERROR: "31;1", Severity.WARNING: "33;1", Severity.NOTE: "36;1"}
_WIDTH = 160  # of the snippet, in characters: what stands farther right is cut


def render(diagnostics: Iterable[Diagnostic], colour: bool = False) -> str:
    """All diagnostics, one after the other, each ending in a line break."""
    return "".join(_render(diagnostic, colour) for diagnostic in diagnostics)


def summary(found: Sequence[Diagnostic]) -> str:
    """How many errors, warnings and notes there are, in words."""
    words = [each.severity.value for each in found]
    counts = [(words.count(word), word) for word in ("error", "warning", "note")]
    return ", ".join(f"{count} {word}{'s' * (count > 1)}" for count, word in counts if count) or "all is well"


def named(specs: Sequence[str]) -> str:
    """What was looked at: a name, or how many there are."""
    return printable(specs[0]) if len(specs) == 1 else f"{len(specs)} specifications"


def coloured(stream: TextIO) -> bool:
    """Whether a stream is a terminal, whose user does not object (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def _render(diagnostic: Diagnostic, colour: bool) -> str:
    span, severity = diagnostic.span, diagnostic.severity
    label = _paint(f"{severity.value}[{diagnostic.rule.code}]", _COLOURS[severity], colour)
    name = printable(span.source.name)
    place = f"{name}:{span.line}:{span.column}" if span.source.text else name
    lines = [f"{place}: {label}: {printable(diagnostic.message)}"]
    if span.source.text:
        lines += _snippet(diagnostic, colour)
    if diagnostic.hint:
        lines.append(f"    {_paint('hint:', '1', colour)} {printable(diagnostic.hint)}")
    return "\n".join(lines) + "\n"


def _snippet(diagnostic: Diagnostic, colour: bool) -> list[str]:
    span = diagnostic.span
    text, column = span.source.line(span.line), span.column - 1
    length = max(1, min(span.end, span.source.line_start(span.line) + len(text)) - span.start)
    cut = max(0, column + min(length, 40) - _WIDTH)
    shown = printable(text[cut : cut + _WIDTH])
    carets = "^" * min(length, len(text) - column if column < len(text) else 1, _WIDTH)
    margin = f"{span.line:>5} | "
    # A tab is shown as one space, so that the caret stands under the right character.
    return [
        margin + shown,
        " " * (len(margin) - 2) + "| " + " " * (column - cut) + _paint(carets, _COLOURS[diagnostic.severity], colour),
    ]


def printable(text: str) -> str:
    """The text in one line, without what a terminal would obey, and without passwords: they would stay in CI's logs."""
    text = re.sub(r"(?<=://)[^\s/@]+(?=@)", lambda found: "*" * len(found.group()), text)
    text = re.sub(_HIDDEN, lambda found: found[1] + "*" * len(found[2]), text, flags=re.IGNORECASE)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " if char == "\t" else "\ufffd" for char in text)


_HIDDEN = r"((?:password|passwd|passphrase|token|secret)[\"']?[ \t]*[:=][ \t]*[\"']?)([^\s\"'$][^\s\"']*)"


def _paint(text: str, code: str, colour: bool) -> str:
    return f"\033[{code}m{text}\033[0m" if colour else text
