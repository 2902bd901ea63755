"""YAML in: a text becomes a tree whose every node knows where it stands. All of ruamel.yaml is here.

The tree is built from ruamel's *events*, not by its composer: the scanner then reads no further than the limits
below allow, so that hostile input is refused in milliseconds (100 KB of ``[`` take the composer 7 s), and marks are
exact for every style of scalar. Values have the types that REANA gives them, which reads YAML 1.1 with PyYAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any, Union

from . import rules
from .diagnostics import Report, Rule
from .not_yaml import RIGHT_FILE, report_not_yaml, report_trap
from .scalars import scalar_data
from .source import Source, Span
from .tuples import NamedTuple

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64
MAX_EXPANDED_NODES = 1_000_000

Key = Union[str, int]
Where = tuple[Key, ...]


class Node:
    """A YAML node. ``start`` and ``end`` are offsets in the text; those of a block collection end at its last leaf.

    ``kind`` is ``"scalar"``, ``"sequence"`` or ``"mapping"``; ``style`` is one of ``plain ' " | >`` for a scalar,
    ``flow`` or ``block`` for a collection. A scalar has ``value``, a sequence ``items``, a mapping ``pairs``.
    ``alias`` marks a ``*name``: the rest is then what the anchor stands for, but for ``start`` and ``end``.
    Nobody writes to it once it is made.
    """

    def __init__(
        self,
        kind: str,
        start: int,
        end: int,
        style: str,
        tag: str | None = None,
        anchor: str | None = None,
        value: str = "",
        items: tuple[Node, ...] = (),
        pairs: tuple[tuple[Node, Node], ...] = (),
    ) -> None:
        self.kind, self.start, self.end, self.style = kind, start, end, style
        self.tag, self.anchor, self.alias = tag, anchor, False
        self.value, self.items, self.pairs = value, items, pairs

    def at(self, start: int, end: int, alias: bool = False) -> Node:
        """The same node at another place, without an anchor. What it holds, and its ``data``, are one object."""
        node = copy(self)
        node.start, node.end, node.alias, node.anchor = start, end, alias, None
        return node

    def get(self, key: Key) -> Node | None:
        """The value of a key of a mapping (the last one, as PyYAML has it), or the item of an index, or None."""
        if isinstance(key, int):
            return self.items[key] if key < len(self.items) else None
        pair = self._by_key.get(key)
        return pair[1] if pair else None

    def key(self, key: str) -> Node | None:
        """The node of a key of a mapping."""
        pair = self._by_key.get(key)
        return pair[0] if pair else None

    @cached_property
    def _by_key(self) -> dict[str, tuple[Node, Node]]:
        return {pair[0].value: pair for pair in self.pairs}

    @property
    def children(self) -> Iterator[tuple[Key, Node]]:
        """The values under this node with their keys or indexes."""
        yield from enumerate(self.items)
        for name, value in self.pairs:
            yield name.value, value

    @property
    def data(self) -> Any:
        """The plain Python value that REANA sees. An alias and its anchor share one object."""
        # Of a scalar it is not kept: most nodes are scalars, and each would take twice the memory.
        if self.kind == "scalar":
            return scalar_data(self.value, (self.tag or "").rpartition(":")[2], self.style)
        return self._collected

    @cached_property
    def _collected(self) -> Any:
        if self.kind == "sequence":
            return [item.data for item in self.items]
        merged: dict[str, Any] = {}
        for name, value in self.pairs:
            if name.value == "<<" and name.style == "plain":
                for each in value.items or (value,):
                    merged = {**each.data, **merged} if isinstance(each.data, dict) else merged
        merged.update(
            (name.value, value.data) for name, value in self.pairs if (name.value, name.style) != ("<<", "plain")
        )
        return merged


class Document(NamedTuple):
    """A source and the root of its tree."""

    source: Source
    root: Node

    def at(self, path: Where) -> Node | None:
        """The node at a path of keys and indexes, or None."""
        node: Node | None = self.root
        for key in path:
            node = node.get(key) if node else None
        return node

    def span(self, path: Where) -> Span:
        """The span of the node at a path, or of the nearest node above it that exists."""
        node = self.at(path)
        while node is None:
            path = path[:-1]
            node = self.at(path)
        return self.span_of(node)

    def span_of(self, node: Node) -> Span:
        """The span of a node; of a long block collection only its first line, which is enough to find it."""
        end = node.end
        if node.kind != "scalar" and node.style == "block":
            end = min(end, self.source.line_end(node.start))
        while end > node.start and self.source.text[end - 1] in "\r\n":
            end -= 1
        return Span(self.source, node.start, end)

    def key_span(self, path: Where) -> Span:
        """The span of the key at a path of a mapping, or of the item at a path of a sequence."""
        parent = self.at(path[:-1]) if path else None
        key = parent.key(path[-1]) if parent and isinstance(path[-1], str) else None
        return self.span_of(key) if key else self.span(path)


def walk(node: Node, path: Where = ()) -> Iterator[tuple[Where, Node]]:
    """Every node from this one down, with its path, in order of place. What an alias stands for is left out."""
    yield path, node
    if not node.alias:
        for key, child in node.children:
            yield from walk(child, (*path, key))


def load(path: Path, report: Report, name: str | None = None) -> Document | None:
    """The document in a file, or None when it could not be read; the report then says why."""
    name = name or str(path)
    nowhere = Span(Source(name, ""), 0, 0)
    try:
        if path.is_dir():
            report.add(rules.UNREADABLE_FILE, nowhere, f'"{name}" is a directory', "name the reana.yaml in it")
            return None
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        is_missing = isinstance(error, FileNotFoundError)
        hint = "is the path right, and relative to the current directory?" if is_missing else ""
        report.add(rules.UNREADABLE_FILE, nowhere, f'"{name}" cannot be read: {error.strerror}', hint)
        return None
    return decode(raw, name, report)


def decode(raw: bytes, name: str, report: Report) -> Document | None:
    """The document in some bytes, or None when they are not the YAML we can read; the report then says why."""
    if len(raw) > MAX_BYTES:
        hint = "REANA takes specifications of about 95 KB; is this the right file?"
        message = f'"{name}" is larger than {MAX_BYTES // 1024 // 1024} MiB'
        report.add(rules.TOO_LARGE, Span(Source(name, ""), 0, 0), message, hint)
        return None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = Source(name, raw[: error.start].decode("utf-8"))
        place = Span(before, len(before.text), len(before.text))
        encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin1"
        message = f'"{name}" is not UTF-8: byte 0x{raw[error.start]:02x} at offset {error.start}'
        report.add(rules.NOT_UTF8, place, message, f"save the file in UTF-8 (iconv -f {encoding} -t utf-8)")
        return None
    return parse(Source(name, text), report)


def parse(source: Source, report: Report) -> Document | None:
    """The document in a source, or None when it is not YAML that REANA could read; the report then says why."""
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    builder = _Builder(source, report)
    try:
        root = builder.build()
    except MarkedYAMLError as error:
        mark, problem = error.problem_mark or error.context_mark, str(error.problem or error.context or "")
        # Found out on a later line than the one that has no colon, or has a quote or a bracket that is not closed.
        late = error.context_mark and mark and error.context_mark.line < mark.line
        if late and re.match(r".*expected ':'|expected ',' or|.*end of stream", problem):
            mark = error.context_mark
        report_not_yaml(source, mark.index if mark else 0, problem, report)
        return None
    except YAMLError as error:  # a character that YAML does not allow has a position and no mark
        at = getattr(error, "position", 0)
        report_not_yaml(source, at if isinstance(at, int) else 0, "a character that YAML does not allow", report)
        return None
    except (ValueError, OverflowError):  # of chr(), in ruamel
        found = re.search(_NO_CHARACTER, source.text)
        if found is None:
            raise
        report_not_yaml(source, found.start(), "no character has this number", report)
        return None
    if root is None:
        return None
    return Document(source, root)


_NO_CHARACTER = r"\\U(?!000|0010)[0-9a-fA-F]{8}"


class _Limit(Exception):
    """The text is beyond a limit, which has been reported."""


class _Builder:
    """Turns the events of one text into a tree, bounded in depth and in what its aliases amount to."""

    def __init__(self, source: Source, report: Report) -> None:
        self.source, self.report = source, report
        self.anchors: dict[str, Node] = {}
        self.sizes: dict[int, int] = {}
        self.heights: dict[int, int] = {}

    def build(self) -> Node | None:
        from .events import events as events_of  # imports ruamel

        # ruamel knows YAML up to 1.2 and asserts it; PyYAML, and so REANA, takes any 1.x.
        text = self.source.text
        if "%YAML" in text:
            text = re.sub(_VERSION, _known_version, text, flags=re.MULTILINE)
        events = events_of(text)
        root: Node | None = None
        try:
            for event in events:
                kind = type(event).__name__
                if kind == "DocumentStartEvent" and root is not None:
                    self.fail(
                        rules.NOT_A_SPECIFICATION,
                        event.start_mark.index,
                        "a second YAML document starts here",
                        "keep one document in the file",
                    )
                elif kind.startswith(("Scalar", "Sequence", "Mapping", "Alias")):
                    root = self.node(event, events, 0)
        except _Limit:
            return None
        if root is None:
            what = "holds nothing but comments" if self.source.text.strip("\ufeff \t\r\n") else "is empty"
            message = f'"{self.source.name}" {what}'
            self.report.add(rules.NOT_A_SPECIFICATION, Span(self.source, 0, 0), message, RIGHT_FILE)
        return root

    def fail(self, rule: Rule, at: int, message: str, hint: str = "") -> None:
        if rule in (rules.BAD_ALIAS, rules.YAML_TAG) and report_trap(self.source, at, self.report):
            raise _Limit
        self.report.add(rule, Span(self.source, at, at), message, hint)
        raise _Limit

    def node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        kind = type(event).__name__
        self.check_depth(event, depth)
        if kind == "AliasEvent":
            return self.alias(event, depth)
        if kind == "ScalarEvent":
            node = self.scalar(event)
        elif kind == "SequenceStartEvent":
            node = self.sequence(event, events, depth)
        else:
            node = self.mapping(event, events, depth)
        if node.anchor:
            self.anchors[node.anchor] = node
        return node

    def check_depth(self, event: Any, depth: int) -> None:
        if depth > MAX_DEPTH:
            self.fail(
                rules.TOO_LARGE,
                event.start_mark.index,
                f"nested more than {MAX_DEPTH} levels deep",
                "no REANA specification is nested so deeply; is this the right file?",
            )

    def alias(self, event: Any, depth: int) -> Node:
        start, end = event.start_mark.index, event.end_mark.index
        name = str(event.anchor)
        if name not in self.anchors:
            self.fail(
                rules.BAD_ALIAS,
                start,
                f'the alias "*{name}" has no anchor before it',
                f'"&{name}" must stand earlier in the file, and not around the alias; or quote the value',
            )
        target = self.anchors[name]
        self.check_depth(event, depth + self.heights.get(id(target), 0))
        _ = target.data  # made before, it is one object
        node = target.at(start, end, alias=True)
        self.measure(node, [target])
        return node

    def scalar(self, event: Any) -> Node:
        start, end = event.start_mark.index, event.end_mark.index
        if start == end:  # an empty value: ruamel puts its mark at the next token
            start = end = len(self.source.text[:start].rstrip())
        start = min(self.content(event), end) if start < end else start
        tag = self.tag(event)
        return Node("scalar", start, end, event.style or "plain", tag, event.anchor, value=event.value)

    def content(self, event: Any) -> int:
        """Where the content starts behind an anchor and a tag, at which the mark of the event stands."""
        start: int = event.start_mark.index
        for _ in filter(None, (event.anchor, event.tag)):
            found = re.compile(_PROPERTY).match(self.source.text, start)
            start = found.end() if found else start
        return start

    def tag(self, event: Any) -> str | None:
        tag = str(event.tag) if event.tag and event.tag != "!" else None
        if tag and tag not in _TAGS:
            message = f'the YAML tag "{tag.replace("tag:yaml.org,2002:", "!!")}" is refused by REANA'
            hint = "quote the value if the exclamation mark belongs to it"
            self.fail(rules.YAML_TAG, event.start_mark.index, message, hint)
        return tag

    def sequence(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        items = []
        for inner in events:
            if type(inner).__name__ == "SequenceEndEvent":
                break
            items.append(self.node(inner, events, depth + 1))
        node = self.collection("sequence", event, inner, items)
        node.items = tuple(items)
        return self.measured(node, items)

    def mapping(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        seen: dict[str, tuple[Node, Node]] = {}
        for inner in events:
            if type(inner).__name__ == "MappingEndEvent":
                break
            name = self.node(inner, events, depth + 1)
            if name.kind != "scalar":
                self.fail(rules.NOT_YAML, name.start, "a list or a mapping cannot be a key", "quote the key")
            value = self.node(next(events), events, depth + 1)
            if value.kind == "scalar" and value.start == value.end and not (value.anchor or value.tag):
                # an empty value stands behind its colon
                colon = self.source.text.find(":", name.end)
                space = " \t" if name.start < name.end else None  # a colon on another line is that of a key of its own
                own = colon > 0 and not self.source.text[name.end : colon].strip(space)
                behind = colon + 1 if own else name.end
                value = value.at(behind, behind)
            if name.value in seen:
                line = self.source.position(seen[name.value][0].start)[0]
                message = f'the key "{name.value}" stands here a second time; the first is on line {line}'
                hint = "YAML readers keep one of the two silently; merge them"
                if name.value == "<<":
                    hint = "YAML readers do not agree on what that means; write <<: [*one, *other]"
                self.report.add(rules.DUPLICATE_KEY, Span(self.source, name.start, name.end), message, hint)
            seen.pop(name.value, None)  # PyYAML keeps the last, and no path could tell the two apart
            seen[name.value] = name, value
        inside = [each for pair in seen.values() for each in pair]
        node = self.collection("mapping", event, inner, inside)
        node.pairs = tuple(seen.values())
        return self.measured(node, inside)

    def collection(self, kind: str, first: Any, last: Any, inside: list[Node]) -> Node:
        flow = bool(first.flow_style)
        end = last.end_mark.index if flow or not inside else inside[-1].end
        start = self.content(first)
        return Node(kind, start, end, "flow" if flow else "block", self.tag(first), first.anchor)

    def measured(self, node: Node, inside: list[Node]) -> Node:
        self.measure(node, inside)
        return node

    def measure(self, node: Node, inside: list[Node]) -> None:
        """Bound what the aliases expand to, in size and in depth: whoever walks the data later walks that much."""
        own = 0 if node.alias else 1
        self.heights[id(node)] = own + max((self.heights.get(id(each), 0) for each in inside), default=0)
        size = 1 + sum(self.sizes.get(id(each), 1) for each in inside)
        self.sizes[id(node)] = size
        if size > MAX_EXPANDED_NODES:
            self.fail(
                rules.TOO_LARGE,
                node.start,
                f"the aliases expand to more than {MAX_EXPANDED_NODES} nodes",
                "write the values out",
            )


_VERSION = r"^(\ufeff?%YAML[ \t]+)0*([0-9]+)\.[0-9]+"


def _known_version(found: re.Match[str]) -> str:
    """A directive of the same length with a version that ruamel knows, or with one that nobody does."""
    return (found[1] + ("1.2" if found[2] == "1" else "2.0")).ljust(len(found[0]))


_PROPERTY = r"(?:!<[^>\s]*>|[&!][^\s,\[\]{}]*)\s*(?:#.*\s*)*"

_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map"))
