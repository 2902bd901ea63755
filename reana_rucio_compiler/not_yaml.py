"""What a text that is not YAML, or not what it looks like, was meant to be."""

from __future__ import annotations

import re

from . import rules
from .diagnostics import Report
from .source import Source, Span

_OTHER_BREAK = "\r(?!\n)|[\x85\u2028\u2029]"


def check_line_breaks(source: Source, report: Report) -> bool:
    """Whether a text has line breaks, of those that YAML 1.1 knows, at which it cannot be edited line by line.

    The first is then reported.
    """
    if source.text.isascii() and "\r" not in source.text:
        return False
    found = re.search(_OTHER_BREAK, source.text)
    if found:
        message = f"here is a line break (U+{ord(found.group()):04X}) that not every program takes for one"
        hint = "save the file with the line breaks of Unix (LF) or of Windows (CR LF)"
        report.add(rules.NOT_YAML, Span(source, found.start(), found.start()), message, hint)
    return found is not None


def report_trap(source: Source, at: int, report: Report) -> bool:
    """Whether a YAML error stands in an output whose path begins with YAML syntax; that is then what is reported."""
    line = source.line(source.position(at)[0])
    start = source.line_start(source.position(at)[0])
    trap = re.search(r"(?:^|\s)-\s+([*&{\[!@%\"`|>'].*?)\s*->\s*rucio\s*\(", line)
    if trap:
        text = line[trap.start(1) :].strip()
        place = Span(source, start + trap.start(1), start + trap.start(1) + len(text))
        message = f"YAML takes the {text[0]} at the start of this path for its own syntax"
        quoted = text.replace("'", "''")
        report.add(rules.YAML_TRAP, place, message, f"quote it: '{quoted}'")
    return trap is not None


def report_not_yaml(source: Source, at: int, problem: str, report: Report) -> None:
    """Report why a text is not YAML, in the words of the reader unless what was meant is clear."""
    at = min(at, len(source.text))
    line = source.line(source.position(at)[0])
    if report_trap(source, at, report) or _report_conflict(source, report) or check_line_breaks(source, report):
        return
    sign = source.text[at : at + 1]
    hints = [*_HINTS, *_GENERAL_HINTS]
    if re.search(r"\brucio\s*\(", line):
        hints.insert(len(_HINTS), ("", "quote the whole rucio(...) expression"))
    hint = next((hint for part, hint in hints if part in problem), "")
    if "\t" in line[: len(line) - len(line.lstrip())]:
        hint = "indent with spaces: YAML does not allow tabs there"
    elif "end of stream" in problem and sign in ("'", '"'):
        problem, hint = "the quote that begins here is not closed", "close it"
    elif problem.startswith("expected ',' or") and sign in ("[", "{"):
        problem, hint = f'the "{sign}" that begins here is not closed', f'close it by "{_CLOSED_BY[sign]}"'
    report.add(rules.NOT_YAML, Span(source, at, at), f"this is not YAML: {problem}", hint)


RIGHT_FILE = "is this the right file? a specification is a mapping with workflow:, inputs: and outputs:"

_CLOSED_BY = {"[": "]", "{": "}"}

# What to do, by a part of what the reader says; an expression in the line is looked at between the two.
_HINTS = (
    ("'<document start>'", RIGHT_FILE),
    ("expected ':'", 'a key ends with ":", and an entry of a list begins with "- "'),
    ("'<block sequence start>'", "is it indented like what it belongs to?"),
    ("'<block mapping start>'", "is it indented like what it belongs to?"),
)
_GENERAL_HINTS = (
    ("mapping values are not allowed", 'quote a value that holds ": ", or indent the line as its neighbours'),
    ("cannot start any token", "quote the value"),
    ("'<scalar>'", "put quotes around the whole value"),
    ("unknown escape", "a backslash is itself between single quotes"),
    ("expected ',' or", "close what is open before, or quote the value"),
    ("end of stream", "close what is open before"),
    ("does not allow", "remove it"),
    ("has this number", "write the character itself"),
    ("incompatible YAML", "remove the line, or write %YAML 1.1"),
)


def _report_conflict(source: Source, report: Report) -> bool:
    """Whether a text that is not YAML has marks of a merge that Git could not make; the first is then reported."""
    found = re.search(r"^<{7} .*$", source.text, re.MULTILINE)
    if found:
        message = "this is not YAML: here begins a conflict that Git left to you"
        report.add(rules.NOT_YAML, Span(source, *found.span()), message, "resolve it, and remove its three marks")
    return found is not None
