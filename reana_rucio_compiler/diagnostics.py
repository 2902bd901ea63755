"""What is said to the user: rules, diagnostics, and the report that collects them."""

from __future__ import annotations

import enum
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from .source import Source, Span
from .tuples import NamedTuple


class Severity(enum.Enum):
    """How bad it is. Only an error stops the compilation."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Rule(NamedTuple):
    """A bad pattern, named after it; ``code`` is stable and never reused. Why it is bad is told by explanations/.

    ``ignorable`` says whether a comment ``# rucio: ignore[CODE]`` silences it: an error after which the line has no
    meaning cannot be silenced.
    """

    code: str
    name: str
    severity: Severity
    title: str
    ignorable: bool = False


class Diagnostic(NamedTuple):
    """One finding: where (``span``), what (``message``, lower case, the thing in quotes), and the remedy (``hint``)."""

    rule: Rule
    span: Span
    message: str
    hint: str = ""

    @property
    def severity(self) -> Severity:
        """The severity of its rule."""
        return self.rule.severity

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        """By file, then by place, then by code: the order in which diagnostics are shown."""
        return (self.span.source.name, self.span.start, self.span.end, self.rule.code, self.message)


class Report:
    """The diagnostics of one run, beginning with those that were ``found``. Every pass adds to it."""

    def __init__(self, found: Iterable[Diagnostic] = ()) -> None:
        self._found = list(found)
        self._wrong: dict[Source, tuple[list[int], list[int]]] = {}  # where errors start and end
        for each in self._found:
            if each.severity is Severity.ERROR:
                self._cover(each.span)

    def add(self, rule: Rule, span: Span, message: str, hint: str = "") -> None:
        """Record a finding, unless the user's line says that it is to be ignored."""
        diagnostic = Diagnostic(rule, span, message, hint)
        if not (rule.ignorable and rule.code in ignored_codes(span.source, span.line)):
            self._found.append(diagnostic)
            if rule.severity is Severity.ERROR:
                self._cover(span)

    def _cover(self, span: Span) -> None:
        """Add a span to those of errors, which are kept apart and in order, so that thousands are soon looked up."""
        starts, ends = self._wrong.setdefault(span.source, ([], []))
        low, high = span.start, max(span.start, span.end)
        first, last = bisect_left(ends, low), bisect_right(starts, high)
        if first < last:
            low, high = min(low, starts[first]), max(high, ends[last - 1])
        starts[first:last], ends[first:last] = [low], [high]

    def covers(self, span: Span) -> bool:
        """Whether an error has been found at a place that begins where this one does, or around it."""
        starts, ends = self._wrong.get(span.source, ([], []))
        at = bisect_right(starts, span.start) - 1
        return at >= 0 and span.start <= ends[at]

    def meets(self, span: Span) -> bool:
        """Whether an error has been found at a place that has a character in common with this one."""
        starts, ends = self._wrong.get(span.source, ([], []))
        at = bisect_right(starts, span.end) - 1
        return at >= 0 and span.start <= ends[at]

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything found, each once, in order of place."""
        return tuple(sorted(dict.fromkeys(self._found), key=lambda found: found.order))

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return any(found.severity is Severity.ERROR for found in self._found)


def merged(runs: Iterable[Iterable[Diagnostic]]) -> tuple[Diagnostic, ...]:
    """The diagnostics of several runs in order, each once: two runs may read one file."""
    every = {(found.order, found.hint): found for run in runs for found in run}
    return tuple(every.values())


_IGNORE = r"#\s*rucio:\s*ignore\[([^\]]*)\]"


def ignored_codes(source: Source, line: int) -> frozenset[str]:
    """The codes in ``# rucio: ignore[RRnnn, …]`` on a line (counted from 1)."""
    found = re.search(_IGNORE, source.line(line))
    return frozenset(re.findall(r"[^\s,]+", found.group(1))) if found else frozenset()
