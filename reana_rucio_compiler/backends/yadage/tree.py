"""The files of a Yadage workflow as the one tree that yadage makes of them, and edits of that tree.

``{$ref: file#/pointer}`` stands for what it points to. In the workflow's own file the path is relative to the
workspace, in every other to the directory of the file that says it (measured on REANA 0.9 and 0.95). A ``Cursor`` is a
place in the tree that remembers the references that led to it: editing there means to compile each of those files to
a new one, and to point the references to the new ones.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from ... import rules
from ...diagnostics import Report
from ...documents import Document, Node, Where
from ...edits import Edit, Uneditable, apply, edit_sequence, flow, replace_scalar, set_key
from ...model import Transfer
from ...source import Span
from ...specification import compiled_name, side_header
from ...task import Task
from ...workspace import Workspace
from .paths import concerns

MAX_DEPTH = 200  # of the tree that yadage makes
MAX_REFERENCES = 100  # one behind another; more are a circle


@dataclass(frozen=True, eq=False)
class File:
    """A workflow file: its path in the workspace, and the directory that its references are relative to."""

    name: str
    base: str
    document: Document


@dataclass(frozen=True, eq=False)
class Cursor:
    """A node of the tree. ``path`` leads to it in its file; ``via`` are the references passed, the outermost first.

    ``shared`` is the alias or merge key through which it was reached, if any: what stands there stands elsewhere too.
    """

    file: File
    node: Node
    path: Where = ()
    via: tuple[Cursor, ...] = ()
    shared: Node | None = None

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.file.document.span_of(self.node)

    @property
    def text(self) -> str:
        """The value of a scalar; an empty string for anything else."""
        return self.node.value if self.node.kind == "scalar" else ""


@dataclass
class Tree:
    """The files read so far, the edits of them so far, and the number of stages read."""

    workspace: Workspace
    staged: tuple[Transfer, ...]
    report: Report
    files: dict[tuple[str, str], File | None] = field(default_factory=dict)
    edits: dict[File, dict[Edit, None]] = field(default_factory=dict)
    stages: int = 0
    checked: set[tuple[File, Where]] = field(default_factory=set)  # the steps whose form is checked
    following: list[Node] = field(default_factory=list)  # the references whose target is being sought

    def open(self, name: str, base: str, at: Span, hint: str = "") -> File | None:
        """The file of that name; what is wrong with it is reported at the span, with the hint where there is none."""
        if (name, base) not in self.files:
            self.files[name, base] = None
            if any(concerns(name, each) for each in self.staged):
                message = f'"{name}" is read when the workflow is loaded, before anything can be staged'
                self.report.add(rules.STAGED_TOO_LATE, at, message, "keep this file beside reana.yaml")
                return None
            document = self.workspace.load(name, self.report, at, hint)
            self.files[name, base] = File(name, base, document) if document else None
        return self.files[name, base]

    def resolved(self, cursor: Cursor) -> Cursor | None:
        """What a place stands for: itself, or the target of the references there. None where that cannot be read."""
        for _ in range(MAX_REFERENCES):
            reference = cursor.node.get("$ref") if cursor.node.kind == "mapping" else None
            if reference is None or reference.kind != "scalar":
                return cursor
            said = Cursor(cursor.file, reference, (*cursor.path, "$ref"), cursor.via, _shared(cursor, reference))
            target = self._target(said)
            if target is None:
                return None
            cursor = target
        self.report.add(rules.NOT_A_WORKFLOW, cursor.span, "these references go round in a circle")
        return None

    def _target(self, reference: Cursor) -> Cursor | None:
        address, _, pointer = reference.text.partition("#")
        file: File | None = reference.file
        if address:
            if "://" in address:
                return None
            name = posixpath.normpath(posixpath.join(reference.file.base, unquote(address)))
            if name.startswith(("/", "../")):
                message = f'"{address}" leads out of the workspace'
                hint = "references are relative to the workspace in the workflow's own file, to their file elsewhere"
                self.report.add(rules.NOT_A_WORKFLOW, reference.span, message, hint)
                return None
            file = self.open(name, posixpath.dirname(name), reference.span, self._misplaced(reference, address))
        if file is None:
            return None
        # A pointer within one file needs no new name for that file: who edits there edits the file in any case.
        place: Cursor | None = Cursor(
            file, file.document.root, (), (*reference.via, reference) if address else reference.via
        )
        if any(each is reference.node for each in self.following):
            self.report.add(rules.NOT_A_WORKFLOW, reference.span, "these references go round in a circle")
            return None
        self.following.append(reference.node)
        for part in unquote(pointer.lstrip("/")).split("/") if pointer.strip("/") else []:
            place = self.resolved(place) if place else None
            place = self.child(place, part.replace("~1", "/").replace("~0", "~")) if place else None
        self.following.pop()
        if place is None:
            if self.report.covers(reference.span):
                return None
            message = f'"{reference.text}" points to nothing'
            self.report.add(rules.NOT_A_WORKFLOW, reference.span, message, "yadage cannot load the workflow either")
        elif place.node.kind != "mapping":
            message = f'"{reference.text}" points to a {"list" if place.node.kind == "sequence" else "scalar"}'
            self.report.add(rules.NOT_A_WORKFLOW, reference.span, message, "REANA loads mappings only: write it out")
        return place

    def _misplaced(self, reference: Cursor, address: str) -> str:
        """The hint for a file that is not where a reference is relative to, if it is where it might have been."""
        directory = posixpath.dirname(reference.file.name)
        place = posixpath.normpath(posixpath.join("" if reference.file.base else directory, unquote(address)))
        if place.startswith(("/", "../")) or not self.workspace.exists(place):
            return ""
        said = posixpath.relpath(place, reference.file.base or ".")
        where = (
            "those in this file are relative to its directory"
            if reference.file.base
            else ("those in the workflow's own file are relative to the workspace")
        )
        return f"write {said}: of the references, {where}"

    def child(self, cursor: Cursor, key: str | int) -> Cursor | None:
        """What stands under a key of a mapping or at an index of a sequence, references not followed."""
        if cursor.node.kind == "sequence":
            if not str(key).isdecimal():
                return None
            key = int(key)
        node = cursor.node.get(key)
        if node is not None:
            return Cursor(cursor.file, node, (*cursor.path, key), cursor.via, _shared(cursor, node))
        return next((each for name, each in self._merged(cursor) if name == key), None)

    def get(self, cursor: Cursor | None, *keys: str | int) -> Cursor | None:
        """What stands under these keys one in the other, all references followed."""
        cursor = self.resolved(cursor) if cursor else None
        for key in keys:
            cursor = self.child(cursor, key) if cursor else None
            cursor = self.resolved(cursor) if cursor else None
        return cursor

    def key_span(self, cursor: Cursor, key: str) -> Span:
        """Where a key of a mapping stands, be it in a mapping that is merged; where there is none, the mapping."""
        child = self.child(cursor, key)
        mappings = [cursor.node, *([child.shared] if child and child.shared else [])]
        found = next((name for each in mappings for name, value in each.pairs if child and value is child.node), None)
        return cursor.file.document.span_of(found) if found else cursor.span

    def children(self, cursor: Cursor) -> Iterator[tuple[str, Cursor]]:
        """The keys of a mapping, or the indexes of a sequence, with what is under them, references not followed."""
        known = set()
        for key, node in cursor.node.children:
            if key != "<<" or cursor.node.kind == "sequence":
                known.add(key)
                yield (
                    str(key),
                    Cursor(cursor.file, node, (*cursor.path, key), cursor.via, _shared(cursor, node)),
                )
        for name, each in self._merged(cursor):
            if name not in known:
                yield name, each

    def _merged(self, cursor: Cursor) -> Iterator[tuple[str, Cursor]]:
        merge = cursor.node.get("<<") if cursor.node.kind == "mapping" else None
        for mapping in (merge.items or (merge,)) if merge else ():
            for key, node in mapping.pairs:
                yield key.value, Cursor(cursor.file, node, (*cursor.path, key.value), cursor.via, mapping)

    def scalars(self, cursor: Cursor) -> Iterator[Cursor]:
        """Every scalar below a place, through all references; what is referred to several times comes once."""
        seen: set[tuple[File, Where]] = set()
        waiting = [cursor]
        while waiting:
            place = self.resolved(waiting.pop())
            if place is None or (place.file, place.path) in seen:
                continue
            seen.add((place.file, place.path))
            if place.node.kind == "scalar":
                yield place
            else:
                waiting += [each for _, each in self.children(place)]

    def size(self, cursor: Cursor, known: dict[tuple[File, Where], int] | None = None, depth: int = 0) -> int:
        """About how many characters a place has as JSON, all references written out as REANA does."""
        known = {} if known is None else known
        place = self.resolved(cursor)
        if place is None:
            return 0
        if depth > MAX_DEPTH:
            message = f"what the references here lead to is nested more than {MAX_DEPTH} levels deep"
            self.report.add(rules.TOO_LARGE, cursor.span, message, "REANA cannot load a workflow of that depth")
            return 0
        if place.node.kind == "scalar":
            return len(place.text) + place.text.count("\n") + 4
        if (place.file, place.path) not in known:
            known[place.file, place.path] = 0  # what holds itself has no size, and no meaning
            known[place.file, place.path] = sum(
                len(key) * (place.node.kind == "mapping") + 6 + self.size(each, known, depth + 1)
                for key, each in self.children(place)
            )
        return known[place.file, place.path]

    def edit(self, cursor: Cursor, edits: Iterable[Edit]) -> None:
        """Record edits that are made at a place, and those of the references on the way to it."""
        self.edits.setdefault(cursor.file, {}).update(dict.fromkeys(edits))
        for reference in cursor.via:
            address, hash_, pointer = reference.text.partition("#")
            text = compiled_name(address) + hash_ + pointer
            self.edits.setdefault(reference.file, {})[_replaced(reference, text)] = None

    def replace(self, cursor: Cursor, text: str) -> None:
        """Put another string in the place of a scalar. Raises ``Uneditable`` where it stands elsewhere too."""
        self.edit(cursor, [_replaced(cursor, text)])

    def write(self, cursor: Cursor, value: object) -> None:
        """Put a value, on one line, in the place of a scalar or of an alias."""
        if cursor.shared is not cursor.node:
            _check_own(cursor)
        self.edit(cursor, [Edit(cursor.node.start, cursor.node.end, 0, flow(value))])

    def add_item(self, cursor: Cursor, items: list[str]) -> None:
        """Append to the sequence at a place. Raises ``Uneditable`` where it stands elsewhere too."""
        _check_own(cursor)
        self.edit(cursor, edit_sequence(cursor.file.document, cursor.path, append=items))

    def set(self, cursor: Cursor, key: str, value: object) -> None:
        """Give a key of the mapping at a place a value. Raises ``Uneditable`` where it stands elsewhere too."""
        _check_own(cursor)
        self.edit(cursor, set_key(cursor.file.document, (*cursor.path, key), value))

    def surround(self, cursor: Cursor, before: list[dict[str, object]], after: list[dict[str, object]]) -> None:
        """Put mappings in front of those of the sequence at a place, and behind them."""
        _check_own(cursor)
        self.edit(cursor, edit_sequence(cursor.file.document, cursor.path, prepend=before, append=after))

    def texts(self, task: Task) -> dict[str, str]:
        """The edited files under their new names."""
        return {
            compiled_name(file.name): compiled(task, file.document, file.name, edits)
            for file, edits in self.edits.items()
        }

    @property
    def names(self) -> list[str]:
        """The files read."""
        return sorted({file.name for file in self.files.values() if file})


def compiled(task: Task, document: Document, name: str, edits: Iterable[Edit]) -> str:
    """The text of a file with the edits made, and a first line that says what it is compiled from."""
    start = 1 if document.source.text.startswith("\ufeff") else 0
    return apply(document, [*edits, Edit(start, start, -1, side_header(task, name))])


def _shared(parent: Cursor, node: Node) -> Node | None:
    return parent.shared or (node if node.alias else parent.node if parent.node.alias else None)


def _check_own(cursor: Cursor) -> None:
    if cursor.shared:
        raise Uneditable(cursor.file.document.source, cursor.shared)


def _replaced(cursor: Cursor, text: str) -> Edit:
    _check_own(cursor)
    parent = cursor.file.document.at(cursor.path[:-1])
    return replace_scalar(cursor.node, text, parent is not None and parent.style == "flow")
