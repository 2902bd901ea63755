"""What Snakemake cannot read in a Snakefile, as far as it is certain without executing any of it.

Only what no version of Snakemake or Python reads is told: a newer one may know words that are not known here, and
strings in f-strings in the quotes of these.
"""

from __future__ import annotations

import io
import keyword
import re
import tokenize
from collections.abc import Iterable, Iterator

from ... import rules
from ...diagnostics import Report
from ...instances import nearest
from ...source import Source, Span
from ...tuples import NamedTuple
from .snakefile import Line, Rule, Snakefile

RULE_KEYWORDS = (
    "name", "input", "output", "params", "threads", "resources", "retries", "priority", "version", "log", "message",
    "benchmark", "conda", "singularity", "container", "containerized", "envmodules", "wildcard_constraints", "shadow",
    "group", "cache", "handover", "default_target", "localrule", "pathvars", "run", "shell", "script", "notebook",
    "wrapper", "template_engine", "cwl",
)  # fmt: skip
_NO_BLOCKS = (*keyword.kwlist, "match", "case", "rule", "checkpoint", "module")
_F_STRING = re.compile(r"\bf[rb]?[\"']", re.IGNORECASE)
_OPENING, _CLOSING = "([{", ")]}"


class Fault(NamedTuple):
    """What is wrong, where, and what to write."""

    span: Span
    message: str
    hint: str


def check_form(files: Iterable[Snakefile], report: Report) -> None:
    """Report what cannot be read in Snakefiles."""
    for file in files:
        unended = [] if file.whole else list(_unended(file.source))
        for fault in unended or (*_blocks(file), *_twice(file.rules)):
            report.add(rules.SNAKEFILE_FORM, *fault)


def _unended(source: Source) -> Iterator[Fault]:
    """The string, bracket or indentation at which Python stops reading."""
    opened: list[Span] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            start = source.line_start(token.start[0]) + token.start[1]
            if token.type == tokenize.ERRORTOKEN and token.string[:1] in "\"'":  # until Python 3.11
                yield from _string(source, start)
                return
            if token.type == tokenize.OP and token.string in _OPENING:
                opened.append(Span(source, start, start + 1))
            elif token.type == tokenize.OP and token.string in _CLOSING and opened:
                opened.pop()
    except IndentationError as error:
        line = source.line_start(error.lineno or 1)
        span = Span(source, line, max(source.line_end(line), line + 1))
        yield Fault(span, "this line is indented like none before it", "indent it like the others of its block")
    except (tokenize.TokenError, SyntaxError) as error:
        message, (row, column) = error.args[0], error.args[1][-2:] if len(error.args[1]) == 2 else error.args[1][1:3]
        if "string literal" in message and "triple" not in message:  # from Python 3.12 on
            yield from _string(source, source.line_start(row) + max(column - 1, 0))
        elif "string" in message:
            yield Fault(_last_triple(source), "this string does not end", "close it with the same three quotes")
        elif opened:
            pair = _CLOSING[_OPENING.index(opened[-1].text)]
            yield Fault(opened[-1], f'this "{opened[-1].text}" is never closed', f'write the "{pair}" that closes it')


def _string(source: Source, start: int) -> Iterator[Fault]:
    end = source.line_end(start)
    start = next((at for at in range(start, end) if source.text[at] in "\"'"), start)
    if not _F_STRING.search(source.line(source.position(start)[0])):
        message = "this string does not end on its line"
        yield Fault(Span(source, start, end), message, f"close it with {source.text[start]}, or use three of them")


def _last_triple(source: Source) -> Span:
    found = [match.start() for match in re.finditer(r"\"{3}|'{3}", source.text)]
    at = found[-1] if found else 0
    return Span(source, at, at + 3)


def _blocks(file: Snakefile) -> Iterator[Fault]:
    """Lines that must begin a block, and do not; what stands in a rule, and is no directive."""
    inside: list[tuple[int, int | None]] = []  # the rules around a line: their indent, and that of their directives
    for line in file.lines:
        while inside and line.indent <= inside[-1][0]:
            inside.pop()
        words = line.words
        if inside:
            indent, inner = inside[-1]
            inner = line.indent if inner is None else inner
            inside[-1] = indent, inner
            if line.indent == inner:
                yield from _directive(file.source, line)
            continue
        if words[0] in ("rule", "checkpoint", "module") and len(words) == 2 and words[1].isidentifier():
            yield Fault(_span(file.source, line, 0, 2), f'a colon is missing behind "{words[0]} {words[1]}"', "add it")
        elif len(words) == 3 and words[2] == ":" and words[0] not in _NO_BLOCKS and words[1].isidentifier():
            hint = nearest(words[0], ("rule", "checkpoint", "module"))
            if hint and words[0].isidentifier():
                yield Fault(_span(file.source, line, 0, 1), f'nothing is called "{words[0]}"', hint)
        if words[0] in ("rule", "checkpoint") and (words[-1] == ":" or len(words) == 2):
            inside.append((line.indent, None))
    for rule in file.rules:
        for key, each in rule.directives.items():
            if (
                key != "run"
                and each.tree is None
                and each.body.text.strip()
                and not re.search(r"\bf[rb]?[\"']", each.body.text)
            ):
                hint = "look for a missing quote, comma or bracket"
                yield Fault(each.span, f'Python cannot read what stands behind "{key}:"', hint)


def _directive(source: Source, line: Line) -> Iterator[Fault]:
    word, behind = line.words[0], line.words[1:2]
    span = _span(source, line, 0, 1)
    if word in RULE_KEYWORDS:
        if behind != (":",):
            yield Fault(span, f'a colon is missing behind "{word}"', f"write {word}:")
    elif behind == (":",) and word.isidentifier() and nearest(word, RULE_KEYWORDS):
        yield Fault(span, f'a rule has no "{word}"', nearest(word, RULE_KEYWORDS))


def _twice(found: Iterable[Rule]) -> Iterator[Fault]:
    """Rules of one name, but for those that Python may choose between."""
    seen: dict[str, Rule] = {}
    for rule in found:
        at_margin = rule.kind != "use" and rule.span.column == 1
        if at_margin and rule.name and rule.name in seen:
            other = seen[rule.name].span.line
            yield Fault(
                rule.span, f'the rule on line {other} is called "{rule.name}", too', "give one of them another name"
            )
        elif at_margin and rule.name:
            seen[rule.name] = rule


def _span(source: Source, line: Line, first: int, end: int) -> Span:
    return Span(source, line.tokens[first][1], line.tokens[end - 1][2])
