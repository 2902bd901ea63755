"""The values of the Python expressions in a Snakefile, as far as they can be worked out without executing anything."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from ...source import Span
from ...tuples import NamedTuple

_MOST = 10_000  # strings of one expression, or characters of one string

# Functions of Snakemake and Python whose value is their first argument, as far as paths go.
_TRANSPARENT = frozenset({
    "ancient", "protected", "temp", "temporary", "touch", "report", "ensure", "local", "storage", "str", "list",
    "tuple", "sorted", "set", "os.path.normpath",
})  # fmt: skip

# Methods of strings that are worked out, with short strings as their arguments.
_METHODS = frozenset({"replace", "strip", "lstrip", "rstrip", "lower", "upper", "split", "rsplit"})


class Item(NamedTuple):
    """A string with its place. ``directory`` says that it is flagged ``directory(...)``."""

    text: str
    span: Span
    directory: bool = False


class _Unknown(Exception):
    """Only executing the expression would tell its value."""


class Values:
    """Works out expressions, given the configuration and the constants of the Snakefiles."""

    def __init__(self, config: Mapping[str, Any], modules: Iterable[ast.Module]) -> None:
        self.config = config
        self.constants = _constants(modules)
        self.found: dict[str, Any] = {}
        self.busy: set[str] = set()

    def arguments(self, call: ast.expr | None, body: Span) -> tuple[tuple[Item, ...], bool]:
        """The strings among the arguments of a directive, and whether they are all that there is."""
        if not isinstance(call, ast.Call):
            return (), False
        items: list[Item] = []
        complete = True
        for node in _leaves([*call.args, *(keyword.value for keyword in call.keywords)]):
            flagged = isinstance(node, ast.Call) and _name(node.func) == "directory" and len(node.args) == 1
            try:
                texts = self.strings(node.args[0] if flagged and isinstance(node, ast.Call) else node)
            except (_Unknown, RecursionError):
                complete = False
                continue
            place = located(node, body, 2)
            items += [Item(text, place, flagged) for text in texts]
        return tuple(items), complete

    def known(self, node: ast.expr) -> list[str]:
        """The strings that an expression amounts to, or none where they are unknown."""
        try:
            return self.strings(node)
        except (_Unknown, RecursionError):
            return []

    def strings(self, node: ast.expr) -> list[str]:
        """The strings that an expression amounts to, lists flattened; other values as text. Raises ``_Unknown``."""
        return list(islice(_flat(self.value(node)), _MOST))

    def value(self, node: ast.expr) -> Any:
        """The value of an expression. Raises ``_Unknown``."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return _bounded([self.value(item) for item in node.elts])
        if isinstance(node, ast.Starred):
            return self.value(node.value)
        if isinstance(node, ast.Name):
            return self._constant(node.id)
        if isinstance(node, ast.Subscript):
            return self._item(self.value(node.value), self.value(node.slice))
        if isinstance(node, ast.JoinedStr):
            return _bounded("".join(self._piece(piece) for piece in node.values))
        if isinstance(node, ast.BinOp):
            left, right = self.value(node.left), self.value(node.right)
            if isinstance(node.op, ast.Add) and type(left) is type(right) and isinstance(left, (str, list)):
                return _bounded(left + right)
            if isinstance(node.op, ast.Div) and isinstance(left, str) and isinstance(right, str):
                return _bounded(f"{left.rstrip('/')}/{right}")
        if isinstance(node, ast.Call):
            return self._call(node)
        raise _Unknown

    def _constant(self, name: str) -> Any:
        if name == "config":
            return self.config
        if name in self.found:
            return self.found[name]
        if name not in self.constants or name in self.busy:
            raise _Unknown
        self.busy.add(name)
        try:
            self.found[name] = self.value(self.constants[name])
        finally:
            self.busy.discard(name)
        return self.found[name]

    def _item(self, whole: Any, key: Any) -> Any:
        try:
            if isinstance(whole, (Mapping, list)) and isinstance(key, (str, int)):
                return whole[key]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            pass
        raise _Unknown

    def _piece(self, node: ast.expr) -> str:
        if isinstance(node, ast.FormattedValue):
            value = self.value(node.value)
            if node.format_spec is not None or node.conversion not in (-1, 115) or not isinstance(value, (str, int)):
                raise _Unknown
            return str(value)
        return str(self.value(node))

    def _call(self, node: ast.Call) -> Any:
        name, first = _name(node.func), node.args[0] if node.args else None
        if name in _TRANSPARENT and first is not None:
            return self.value(first)
        if name in ("expand", "collect") and first is not None:  # the patterns of what it makes
            return [text.replace("{{", "{").replace("}}", "}") for text in self.strings(first)]
        if name == "multiext" and first is not None and not node.keywords:
            return [stem + each for stem in self.strings(first) for end in node.args[1:] for each in self.strings(end)]
        if name in ("os.path.join", "join", "Path", "pathlib.Path"):
            parts = [self.value(each) for each in node.args]
            if parts and all(isinstance(part, str) for part in parts):
                return _bounded("/".join([*(part.rstrip("/") for part in parts[:-1]), parts[-1]]))
        if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS and not node.keywords:
            text, arguments = self.value(node.func.value), [self.value(each) for each in node.args]
            if isinstance(text, str) and all(isinstance(each, str) and len(each) < 100 for each in arguments):
                return _bounded(self._method(text, node.func.attr, arguments))
        if name.endswith(".get") and isinstance(node.func, ast.Attribute) and first is not None:
            whole, key = self.value(node.func.value), self.value(first)
            if isinstance(whole, Mapping):
                return whole[key] if key in whole else self.value(node.args[1]) if len(node.args) > 1 else None
        raise _Unknown

    def _method(self, text: str, name: str, arguments: list[str]) -> Any:
        try:
            return getattr(text, name)(*arguments)
        except (TypeError, ValueError):  # as for Python: a wrong number of arguments, an empty separator
            raise _Unknown from None


def _leaves(nodes: Iterable[ast.expr]) -> Iterable[ast.expr]:
    """The expressions of nested list displays, each with a place of its own."""
    for node in nodes:
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            yield from _leaves(node.elts)
        else:
            yield node


def _flat(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _flat(each)
    elif isinstance(value, (int, float)) or value is None:
        yield str(value)
    else:
        raise _Unknown


def _bounded(value: Any) -> Any:
    if len(value) > _MOST:
        raise _Unknown
    return value


def _name(node: ast.expr) -> str:
    """The dotted name of what is called, or an empty string."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return ""


def _constants(modules: Iterable[ast.Module]) -> dict[str, ast.expr]:
    """The names that are given a value once, outside of every function, loop and condition."""
    found: dict[str, ast.expr] = {}
    often: set[str] = set()
    for module in modules:
        simple = {
            id(statement.targets[0]): statement
            for statement in module.body
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1
        }
        for node in ast.walk(module):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                if node.id in found or id(node) not in simple:
                    often.add(node.id)
                else:
                    found[node.id] = simple[id(node)].value
    return {name: value for name, value in found.items() if name not in often}


def called(node: ast.Call) -> str:
    """The dotted name of what a call calls, or an empty string."""
    return _name(node.func)


def located(node: ast.expr, body: Span, before: int = 0) -> Span:
    """Where an expression stands that was parsed from the text of ``body`` behind ``before`` other characters."""
    end_row, end_column = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
    start = _offset(body, before, node.lineno, node.col_offset)
    return Span(body.source, start, _offset(body, before, end_row, end_column))


def _offset(body: Span, before: int, row: int, column: int) -> int:
    """The offset of a place that ``ast`` gives, which counts bytes."""
    if row == 1:
        start, column = body.start, max(0, column - before)
    else:
        start = body.source.line_start(body.line + row - 1)
    line = body.source.text[start : body.source.line_end(start)]
    return start + len(line.encode()[:column].decode(errors="ignore"))
