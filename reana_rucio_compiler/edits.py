"""YAML out: changes spliced into the original text, so that everything they do not touch survives byte for byte.

Every function returns edits and changes nothing; ``apply`` makes the text. What is inserted has the style of its
surroundings: block with the user's indentation, or flow where the user's collection is flow.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .documents import Document, Node
from .source import Source, Span
from .tuples import NamedTuple


class Edit(NamedTuple):
    """Replace the characters ``start`` to ``end`` by ``text``. Insertions at one place keep the order of ``rank``."""

    start: int
    end: int
    rank: int
    text: str


class Uneditable(Exception):
    """YAML in which an edit cannot be made, mostly as an anchor shares it with other places: where, why, the remedy."""

    def __init__(self, source: Source, node: Node, message: str = "", hint: str = "write it out") -> None:
        self.message = message or "the compiler must write here, and an alias cannot be changed"
        super().__init__(self.message)
        self.span, self.hint = Span(source, node.start, node.end), hint


def apply(document: Document, edits: Iterable[Edit]) -> str:
    """The text with the edits made. Edits must not overlap: that would be a mistake of ours.

    Raises ``Uneditable`` where an alias that stays repeats what is changed or removed, or a key stands behind a ``?``.
    """
    source, made = document.source, sorted(edits)
    _check_keys(document)
    _check_aliases(document, made)
    parts, at = [], 0
    for edit in made:
        if edit.start < at:
            raise AssertionError(f"overlapping edits at {edit.start} in {source.name}")
        parts += [source.text[at : edit.start], edit.text.replace("\n", source.newline)]
        at = edit.end
    return "".join(parts) + source.text[at:]


def _check_keys(document: Document) -> None:
    """Raise ``Uneditable`` for a key behind a question mark: it may stand on another line than these."""
    source = document.source
    if "?" not in source.text or not re.search(r"\?\s", source.text):
        return
    for node in _nodes(document.root):
        for key, _ in node.pairs:
            if re.search(_MARK_OF_KEY, source.text[max(0, key.start - 200) : key.start], re.MULTILINE):
                raise Uneditable(source, key, "a key behind a question mark cannot be edited", "write key: value")


_MARK_OF_KEY = (
    r"^\ufeff?[ \t:?-]*\?\s(?:\s|#.*\n|[&!]\S*\s)*\Z"  # in a block, also on a line before
    r"|[\[{,][ \t]*\?[ \t]+(?:[&!]\S*[ \t]+)*\Z"  # in a list or mapping on one line
)


def _check_aliases(document: Document, edits: Sequence[Edit]) -> None:
    """Raise ``Uneditable`` for an alias that stays, where its anchor, or what has it, is changed or removed."""
    source = document.source
    if "*" not in source.text:
        return
    starts, ends = [edit.start for edit in edits], [edit.end for edit in edits]

    def touched(start: int, end: int) -> bool:
        first = bisect_right(ends, start)
        return first < len(edits) and starts[first] < end

    def appended(node: Node) -> bool:
        if node.kind == "scalar" or node.style == "flow":
            return False
        behind, rank = _line_behind(source, node), _LAST - source.position(node.start)[1] + 1
        these = edits[bisect_left(starts, behind) : bisect_right(starts, behind)]
        return any(edit.start == edit.end and _SECOND < edit.rank <= rank for edit in these)

    changed: dict[str, bool] = {}
    for node in _nodes(document.root):
        if node.alias:
            if changed[source.text[node.start + 1 : node.end]] and not touched(node.start, node.end):
                raise Uneditable(source, node, "this alias repeats what the compiler must change")
        elif node.anchor:
            at = source.text.rfind("&" + node.anchor, 0, node.start)
            changed[node.anchor] = touched(at, node.end) or appended(node)


def _nodes(node: Node) -> Iterator[Node]:
    """Every node from this one down, the keys of mappings too, in order of place."""
    yield node
    if not node.alias:
        for item in node.items:
            yield from _nodes(item)
        for pair in node.pairs:
            yield from _nodes(pair[0])
            yield from _nodes(pair[1])


def replace_scalar(node: Node, value: str, in_flow: bool = False) -> Edit:
    """Put another string in the place of a scalar, in the user's quotes where it had some."""
    text = scalar(value, in_flow)
    if node.style == '"':
        text = json.dumps(value)
    elif node.style == "'" and value.isprintable():
        text = _single_quoted(value)
    if node.style in ("|", ">"):  # the end of a block scalar is behind its line break
        text += "\n"
    return Edit(node.start, node.end, 0, text)


def edit_sequence(
    document: Document,
    path: tuple[Any, ...],
    remove: Iterable[int] = (),
    replace: Mapping[int, str] = {},
    prepend: Sequence[Any] = (),
    append: Sequence[Any] = (),
) -> list[Edit]:
    """Change the items of the sequence at a path, which must exist. One that loses its last item becomes ``[]``."""
    node = document.at(path)
    if node is None or node.kind != "sequence":
        raise AssertionError(f"no sequence at {path}")
    removed = frozenset(remove)
    if node.alias and (removed or replace or prepend or append):
        raise Uneditable(document.source, node)
    edits = [replace_scalar(node.items[at], text, node.style == "flow") for at, text in replace.items()]
    if node.style == "flow":
        before, behind = [flow(value) for value in prepend], [flow(value) for value in append]
        return edits + _edit_flow(document.source, node, removed, before, behind)
    return edits + _edit_block(document, path, node, removed, prepend, append)


def _edit_block(
    document: Document,
    path: tuple[Any, ...],
    node: Node,
    removed: frozenset[int],
    prepend: Sequence[Any],
    append: Sequence[Any],
) -> list[Edit]:
    source = document.source
    indent = source.position(node.start)[1] - 1
    edits = []
    for at in removed:
        start = source.line_start(source.position(_dash(source, node, at))[0])
        edits.append(Edit(start, _line_behind(source, node.items[at]), 0, ""))
    if len(removed) == len(node.items) and not prepend and not append:
        key = document.at(path[:-1]).key(path[-1])  # type: ignore[union-attr]
        behind = _BEHIND_KEY.match(source.text, key.end).end()  # type: ignore[union-attr]
        return [*edits, Edit(behind, behind, 0, " []")]
    if prepend:
        text = "".join(item(value, indent) for value in prepend)
        edits.append(_insertion(source, _before(document, path, node), text, 1))
    if append:
        text = "".join(item(value, indent) for value in append)
        edits.append(_insertion(source, _line_behind(source, node.items[-1]), text, _LAST - indent))
    return edits


_BEHIND_KEY = re.compile(r"\s*:(?:[ \t]+[&!]\S*)*")  # a colon, an anchor, a tag


def _dash(source: Source, node: Node, at: int) -> int:
    """Where the dash of an item stands."""
    if at == 0:
        return node.start
    return source.text.rindex("-", 0, max(node.items[at].start, 1)) if node.items[at].start else 0


def _before(document: Document, path: tuple[Any, ...], node: Node) -> int:
    """Where items go in front: right behind the key, so that a comment above the first item stays with that."""
    source = document.source
    parent = document.at(path[:-1])
    key = parent.key(path[-1]) if parent and isinstance(path[-1], str) else None
    if key is not None:
        behind = source.line_end(key.end)
        between = source.text[key.end : node.start]
        if behind <= node.start and (
            between.strip() == ":" or re.fullmatch(r"\s*:[ \t]*(#[^\n]*)?(\s|#[^\n]*\n)*", between)
        ):
            return behind
    return source.line_start(source.position(node.start)[0])


def _line_behind(source: Source, node: Node) -> int:
    """The start of the line that follows a node; a comment at its end stays with it."""
    end = node.end
    if node.kind == "scalar" or node.style == "flow" or node.alias:
        if node.style in ("|", ">") and not node.alias and source.position(end)[1] == 1 and end > node.start:
            return end
        return source.line_end(end)
    last = node
    while last.kind != "scalar" and last.style == "block" and not last.alias:
        last = last.items[-1] if last.kind == "sequence" else last.pairs[-1][1]
    return _line_behind(source, last)


_SECOND = 2  # the highest rank of what is put at the end of a collection on one line
_LAST = 1_000_000  # what is appended to several nested collections that end on one line: the innermost comes first


def _insertion(source: Source, at: int, text: str, rank: int) -> Edit:
    """Insert whole lines at the start of a line, also where the last line of the file has no line break."""
    if at == len(source.text) and source.text and not source.text.endswith("\n"):
        return Edit(at, at, rank, "\n" + text.rstrip("\n"))
    return Edit(at, at, rank, text)


def _edit_flow(
    source: Source, node: Node, removed: frozenset[int], prepend: Sequence[str], append: Sequence[str]
) -> list[Edit]:
    edits = [_removal(source, node, at, removed) for at in sorted(removed)]
    kept = len(node.items) - len(removed)
    if prepend:
        text = ", ".join(prepend) + (", " if kept or append else "")
        edits.append(Edit(node.start + 1, node.start + 1, 1, text))
    if append:
        end = node.items[-1].end if node.items else node.start + 1
        text = ", ".join(append)
        comma = source.text[end : node.end - 1].find(",") >= 0 and "#" not in source.text[end : node.end - 1]
        place = node.end - 1 if comma or not kept else end
        edits.append(Edit(place, place, 2, text if comma or not kept else ", " + text))
    return edits


def _removal(source: Source, node: Node, at: int, removed: frozenset[int]) -> Edit:
    """Take an item of a flow sequence out with the comma that separates it from what is kept."""
    this = node.items[at]
    later = [index for index in range(at + 1, len(node.items)) if index not in removed]
    if at and not later and source.text[node.items[at - 1].end : this.start].strip() == ",":
        return Edit(node.items[at - 1].end, this.end, 0, "")
    if at + 1 < len(node.items):
        between = source.text[this.end : node.items[at + 1].start]
        if not later and between.strip() == ",":  # the comma goes with the next
            return Edit(this.start, this.end, 0, "")
        if "#" not in between:
            return Edit(this.start, node.items[at + 1].start, 0, "")
        return Edit(this.start, this.end + between.index(",") + 1, 0, "")
    tail = re.match(r"\s*,", source.text[this.end :])
    return Edit(this.start, this.end + (tail.end() if tail else 0), 0, "")


def edit_mapping(
    document: Document,
    path: tuple[Any, ...],
    remove: Iterable[str] = (),
    prepend: Mapping[str, Any] = {},
    append: Mapping[str, Any] = {},
) -> list[Edit]:
    """Change the keys of the mapping at a path, which must exist. One that loses its last key becomes ``{}``."""
    source, node = document.source, document.at(path)
    if node is None or node.kind != "mapping":
        raise AssertionError(f"no mapping at {path}")
    removed = frozenset(at for at, (key, _) in enumerate(node.pairs) if key.value in frozenset(remove))
    if not (removed or prepend or append):
        return []
    if node.alias:
        raise Uneditable(document.source, node)
    if node.style == "flow":
        pairs = tuple(Node("scalar", key.start, max(key.end, value.end), "plain") for key, value in node.pairs)
        before, behind = (
            [f"{scalar(key, True)}: {flow(value)}" for key, value in each.items()] for each in (prepend, append)
        )
        return _edit_flow(
            source, Node("mapping", node.start, node.end, node.style, items=pairs), removed, before, behind
        )
    return _edit_block_mapping(document, path, node, removed, prepend, append)


def _edit_block_mapping(
    document: Document,
    path: tuple[Any, ...],
    node: Node,
    removed: frozenset[int],
    prepend: Mapping[str, Any],
    append: Mapping[str, Any],
) -> list[Edit]:
    source, first = document.source, node.start  # of a key's anchor or tag, where it has one
    indent = source.position(first)[1] - 1
    compact = bool(source.text[source.line_start(source.position(first)[0]) : first].strip())
    if len(removed) == len(node.pairs) and compact:
        end = node.pairs[-1][1].end
        return [Edit(first, end, 0, flow({**prepend, **append}) + "\n" * source.text[:end].endswith("\n"))]
    edits = _remove_lines(source, node, removed, compact)
    if len(removed) == len(node.pairs) and not (prepend or append):
        return [*edits, _emptied(document, path, first)]
    if prepend:
        text = block(prepend, indent)
        if compact:
            edits.append(Edit(first, first, 1, text[indent:] + " " * indent))
        else:
            edits.append(_insertion(source, _before(document, path, node), text, 1))
    if append:
        edits.append(_insertion(source, _line_behind(source, node), block(append, indent), _LAST - indent))
    return edits


def _emptied(document: Document, path: tuple[Any, ...], first: int) -> Edit:
    """The edit that leaves ``{}`` where the lines of all pairs are removed."""
    parent = document.at(path[:-1]) if path else None
    key = parent.key(path[-1]) if parent else None
    if key is None:
        at = document.source.line_start(document.source.position(first)[0])
        return Edit(at, at, -1, " " * (first - at) + "{}\n")
    behind = _BEHIND_KEY.match(document.source.text, key.end).end()  # type: ignore[union-attr]
    return Edit(behind, behind, 0, " {}")


def _remove_lines(source: Source, node: Node, removed: frozenset[int], compact: bool) -> list[Edit]:
    """Take pairs out with their lines. With ``compact`` the first stands behind a dash, which the first kept gets."""
    edits = []
    kept = min(at for at in range(len(node.pairs) + 1) if at not in removed)
    if compact and kept:
        line = source.line_start(source.position(node.pairs[kept][0].start)[0])
        edits.append(Edit(node.start, line + source.position(node.start)[1] - 1, 0, ""))
    for at in removed:
        if not compact or at > kept:
            key, value = node.pairs[at]
            start = source.line_start(source.position(key.start)[0])
            edits.append(Edit(start, max(_line_behind(source, value), source.line_end(key.end)), 0, ""))
    return edits


def remove_key(document: Document, path: tuple[Any, ...]) -> list[Edit]:
    """Take a key of a mapping out, with its value and the whole lines that they stand on."""
    source, parent = document.source, document.at(path[:-1])
    if parent is None:
        raise AssertionError(f"no mapping at {path[:-1]}")
    keys = [key for key, _ in parent.pairs]
    index = next(at for at, key in enumerate(keys) if key.value == path[-1])
    key, value = parent.pairs[index]
    if parent.style == "block":
        return [Edit(source.line_start(source.position(key.start)[0]), _line_behind(source, value), 0, "")]
    if index + 1 < len(keys):
        return [Edit(key.start, keys[index + 1].start, 0, "")]
    if index:
        return [Edit(parent.pairs[index - 1][1].end, value.end, 0, "")]
    return [Edit(parent.start + 1, parent.end - 1, 0, "")]


def set_key(document: Document, path: tuple[Any, ...], value: Any) -> list[Edit]:
    """Give a key of an existing mapping a value: in place of a null or empty one, or as its last key."""
    source, parent = document.source, document.at(path[:-1])
    if parent is None or parent.kind != "mapping":
        raise AssertionError(f"no mapping at {path[:-1]}")
    if parent.alias:
        raise Uneditable(source, parent)
    old = parent.get(path[-1])
    if parent.style == "flow":
        if old is not None:
            return [Edit(old.start, old.end, 0, " " * (old.start == old.end) + flow(value))]
        end = parent.pairs[-1][1].end if parent.pairs else parent.start + 1
        return [Edit(end, end, 1, (", " if parent.pairs else "") + f"{scalar(path[-1], True)}: {flow(value)}")]
    indent = source.position(parent.start)[1] - 1
    if old is not None:
        if not value:
            return [Edit(old.start, old.end, 1, " " * (old.start == old.end) + flow(value))]
        start = len(source.text[: old.start].rstrip(" "))
        return [Edit(start, old.end, 1, "\n" + block(value, indent + 2).rstrip("\n"))]
    lines = " " * indent + scalar(path[-1], False) + ":" + _value(value, indent)
    return [_insertion(source, _line_behind(source, parent), lines, _LAST - indent)]


def item(value: Any, indent: int) -> str:
    """A value as an item of a block sequence whose dashes stand ``indent`` columns in."""
    pad = " " * indent
    if isinstance(value, Mapping) and value:
        return pad + "- " + block(value, indent + 2)[indent + 2 :]
    return pad + "-" + _value(value, indent)


def block(value: Any, indent: int) -> str:
    """A non-empty mapping or sequence in block style, each line ``indent`` columns in."""
    pad = " " * indent
    if isinstance(value, Mapping):
        return "".join(f"{pad}{scalar(str(key), False)}:{_value(each, indent)}" for key, each in value.items())
    return "".join(item(each, indent) for each in value)


def _value(value: Any, indent: int) -> str:
    """What follows a colon or a dash, with its line break."""
    if isinstance(value, (Mapping, list, tuple)) and value:
        return "\n" + block(value, indent + 2)
    if isinstance(value, str) and "\n" in value and _fits_literal(value):
        lines = value.split("\n")
        chomp = "" if value.endswith("\n") else "-"
        lines = lines[:-1] if value.endswith("\n") else lines
        return f" |{chomp}\n" + "".join(f"{' ' * (indent + 2)}{line}\n" if line else "\n" for line in lines)
    return f" {flow(value)}\n" if not isinstance(value, str) else f" {scalar(value, False)}\n"


def _fits_literal(value: str) -> bool:
    """Whether a literal block scalar can hold a text: printable, no space at its start, no blank line at its end."""
    return (
        not value.startswith((" ", "\n", "\t")) and not value.endswith("\n\n") and value.replace("\n", "").isprintable()
    )


_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./+@%-]*(?::[A-Za-z0-9_./+@%-]+)*\Z")


def scalar(value: str, in_flow: bool) -> str:
    """A string as a YAML scalar on one line that every YAML reader takes for this string."""
    if _PLAIN.match(value) and isinstance(_resolved(value), str):
        return value
    if value.isprintable() and not in_flow:
        return _single_quoted(value)
    return json.dumps(value)


def _single_quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _resolved(value: str) -> Any:
    return Node("scalar", 0, 0, "plain", value=value).data


def flow(value: Any | Mapping[str, Any] | Sequence[Any]) -> str:
    """A value on one line, as JSON has it, which YAML reads too."""
    return json.dumps(value)
