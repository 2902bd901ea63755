"""Read a Snakefile without executing it: its rules, with the paths that they name and where those stand.

A Snakefile is Python with blocks of its own (``rule x:``, ``include: "y"``). The blocks are told from the Python by
Python's tokenizer and their indentation, and the arguments of a directive are Python expressions, of which the values
are worked out where they are plain: strings, ``config[...]``, constants, ``expand``, ``f"..."``. Everything else is
unknown, which is said (``complete``) and is no error: it is for Snakemake to execute.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from ...source import Source, Span
from ...tuples import NamedTuple
from .values import Item, Values

_RULES = ("rule", "checkpoint")
_SECTIONS = frozenset({
    "include", "workdir", "configfile", "pepfile", "pepschema", "report", "ruleorder", "localrules", "onsuccess",
    "onerror", "onstart", "wildcard_constraints", "singularity", "container", "containerized", "conda", "storage",
    "scattergather", "resource_scopes", "envvars", "subworkflow", "inputflags", "outputflags", "pathvars",
})  # fmt: skip


class Directive(NamedTuple):
    """``keyword: arguments``. ``items`` are the strings among them; ``complete`` says whether those are all."""

    keyword: str
    span: Span
    body: Span
    items: tuple[Item, ...] = ()
    complete: bool = False
    tree: ast.expr | None = None


class Rule(NamedTuple):
    """A rule or checkpoint (``kind``), or what ``use rule`` makes of one (``use``).

    ``whole`` says whether all of its directives are seen: not those of another rule, nor on the line of its name.
    """

    kind: str
    name: str
    span: Span
    directives: Mapping[str, Directive] = MappingProxyType({})
    whole: bool = True

    def items(self, keyword: str) -> tuple[Item, ...]:
        """The known strings of a directive; none where there is no such directive."""
        return self.directives[keyword].items if keyword in self.directives else ()

    def knows(self, keyword: str) -> bool:
        """Whether ``items`` are all that the directive holds."""
        return self.directives[keyword].complete if keyword in self.directives else self.whole


class Snakefile(NamedTuple):
    """What can be seen of one file, which stands in ``folder`` of the workspace.

    ``code`` is its Python, without the blocks; None where that cannot be parsed. ``whole`` says whether Python's
    tokenizer reads all of it: ``lines`` end where it stops.
    """

    source: Source
    rules: tuple[Rule, ...]
    sections: tuple[Directive, ...]
    modules: tuple[Directive, ...]
    code: ast.Module | None
    folder: str = ""
    lines: tuple[Line, ...] = ()
    whole: bool = True

    def section(self, keyword: str) -> Iterator[Directive]:
        """The sections of one keyword, such as ``include``, in order of place."""
        return (section for section in self.sections if section.keyword == keyword)


class Line(NamedTuple):
    """A logical line: all that Python reads up to its line break. ``tokens`` have their offsets in the text."""

    indent: int
    row: int
    last_row: int
    tokens: tuple[tuple[str, int, int], ...]

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(text for text, _, _ in self.tokens)


def read(source: Source, folder: str = "") -> Snakefile:
    """What can be seen of a Snakefile. The values of its directives are still unknown: see ``evaluated``."""
    lines, whole = _logical_lines(source)
    rules: list[Rule] = []
    sections: list[Directive] = []
    modules: list[Directive] = []
    blocks: list[tuple[Line, Line]] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        end = at + 1
        while end < len(lines) and lines[end].indent > line.indent:
            end += 1
        block = lines[at:end]
        if _is_rule(line.words):
            rules.append(_rule(source, block))
        elif line.words[0] == "module" and line.words[2:3] == (":",):
            modules += _directives(source, block[1:]).values()
        elif line.words[0] in _SECTIONS and line.words[1:2] == (":",):
            sections.append(_directive(source, block))
        else:
            at += 1
            continue
        blocks.append((line, block[-1]))
        at = end
    code = _code(source, blocks)
    return Snakefile(source, tuple(rules), tuple(sections), tuple(modules), code, folder, lines, whole)


def evaluated(file: Snakefile, values: Values) -> Snakefile:
    """The same with the strings of its directives."""

    def evaluate(directive: Directive) -> Directive:
        items, complete = values.arguments(directive.tree, directive.body)
        return directive._replace(items=items, complete=complete)

    rules = tuple(
        rule._replace(directives={key: evaluate(each) for key, each in rule.directives.items()}) for rule in file.rules
    )
    sections = tuple(map(evaluate, file.sections))
    return file._replace(rules=rules, sections=sections, modules=tuple(map(evaluate, file.modules)))


def _is_rule(words: tuple[str, ...]) -> bool:
    if words[0] in _RULES:
        return ":" in words[1:3]
    return words[:2] == ("use", "rule")


def _logical_lines(source: Source) -> tuple[tuple[Line, ...], bool]:
    """The logical lines up to the first that Python's tokenizer cannot read, and whether there is none such."""
    lines: list[Line] = []
    tokens: list[tuple[str, int, int]] = []
    indent = row = 0
    whole = True
    blank = {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    try:
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            if token.type == tokenize.NEWLINE:
                if tokens:
                    lines.append(Line(indent, row, token.start[0], tuple(tokens)))
                tokens = []
            elif token.type not in blank:
                if not tokens:
                    indent, row = token.start[1], token.start[0]
                start = source.line_start(token.start[0]) + token.start[1]
                tokens.append((token.string, start, source.line_start(token.end[0]) + token.end[1]))
                whole = whole and token.type != tokenize.ERRORTOKEN
    except (tokenize.TokenError, SyntaxError):
        whole = False
    return tuple(lines), whole


def _rule(source: Source, block: Sequence[Line]) -> Rule:
    words = block[0].words
    kind, name = words[0], words[1] if words[1] != ":" else ""
    if kind == "use":
        name = words[words.index("as") + 1] if "as" in words[:-1] else words[2]
    span = Span(source, block[0].tokens[0][1], block[0].tokens[-1][2])
    return Rule(kind, name, span, _directives(source, block[1:]), kind != "use" and words[-1] == ":")


def _directives(source: Source, lines: Sequence[Line]) -> dict[str, Directive]:
    found: dict[str, Directive] = {}
    for at, line in enumerate(lines):
        if line.indent == lines[0].indent and line.words[1:2] == (":",):
            end = at + 1
            while end < len(lines) and lines[end].indent > line.indent:
                end += 1
            found[line.words[0]] = _directive(source, lines[at:end])
    return found


def _directive(source: Source, block: Sequence[Line]) -> Directive:
    word, start, end = block[0].tokens[0]
    body = Span(source, block[0].tokens[1][2], block[-1].tokens[-1][2])
    return Directive(word, Span(source, start, end), body, tree=_arguments(body))


def _arguments(body: Span) -> ast.expr | None:
    """The arguments of a directive as those of a call, or None where they are no Python expressions."""
    try:
        return ast.parse(f"f({body.text}\n)", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _code(source: Source, blocks: list[tuple[Line, Line]]) -> ast.Module | None:
    """The Python of a Snakefile, each line where it stands, with ``pass`` for each block."""
    lines = source.text.split("\n")
    for first, last in blocks:
        lines[first.row - 1 : last.last_row] = [" " * first.indent + "pass", *[""] * (last.last_row - first.row)]
    try:
        return ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
