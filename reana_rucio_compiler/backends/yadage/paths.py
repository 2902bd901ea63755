"""Which strings of a workflow mean what is staged.

A stage that waits without need costs some minutes; one that does not wait fails. So wherever a string may mean a
staged path, it is taken to.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from ...checks import parents
from ...model import Transfer

GLOB = re.compile(r"[*?\[]")
# What leads from a stage's directory, or any other, to the workspace: the rest, up to white space, quotes and the like,
# is relative to that.
_TO_WORKSPACE = re.compile(
    r"""(?:(?:\.\./)+|\$\{*REANA_WORKSPACE\}*/+)(?P<path>[^\s'"`;|&()<>{}$,]*)"""
    r"""|(?<![\w.])\.\.(?![\w./])|\$\{*REANA_WORKSPACE(?![\w/}])"""
)


def workspace_path(value: str, directory: str = "") -> str | None:
    """The workspace path that a string means, relative to a directory of it; None where it is not inside, or is it."""
    if not value or value.startswith(("/", "~")) or "://" in value or not value.isprintable():
        return None
    path = posixpath.normpath(posixpath.join(directory, value))
    return None if path == "." or path.split("/")[0] == ".." else path


class Staged:
    """What is staged, by its paths."""

    def __init__(self, transfers: Iterable[Transfer]) -> None:
        self.transfers = tuple(transfers)
        self._at: dict[str, list[int]] = {}
        self._below: dict[str, list[int]] = {}
        for number, transfer in enumerate(self.transfers):
            self._at.setdefault(transfer.path, []).append(number)
            for directory in parents(transfer.path):
                self._below.setdefault(directory, []).append(number)

    def concerned_by(self, path: str) -> tuple[Transfer, ...]:
        """What a workspace path, or a glob of some, is, or holds, or is in: in the order of the plan."""
        return tuple(self.transfers[at] for at in sorted(self.numbers(path)))

    def numbers(self, path: str) -> set[int]:
        """The same, as indexes of ``transfers``."""
        if GLOB.search(path):
            return {at for at, each in enumerate(self.transfers) if concerns(path, each)}
        around = [at for directory in parents(path) for at in self._at.get(directory, ())]
        inside = [at for at in around if self.transfers[at].type == "directory"]
        return {*self._at.get(path, ()), *self._below.get(path, ()), *inside}


def concerns(path: str, transfer: Transfer) -> bool:
    """Whether a workspace path, or a glob of some, is what a transfer stages, or holds it, or is in it."""
    return _meet(path.split("/"), transfer.path.split("/"), transfer.type == "directory")


def _meet(wanted: Sequence[str], staged: Sequence[str], is_directory: bool) -> bool:
    if not wanted or wanted[0] == "**":
        return True
    if not staged:
        return is_directory
    return (wanted[0] == staged[0] or fnmatchcase(staged[0], wanted[0])) and _meet(wanted[1:], staged[1:], is_directory)


def of_dataset(path: str, transfer: Transfer) -> bool:
    """Whether a path, or a glob, is of files of a dataset, which are all directly in its directory."""
    return transfer.type == "directory" and len(posixpath.normpath(path).split("/")) == transfer.path.count("/") + 2


def below_dataset(path: str, transfer: Transfer) -> bool:
    """Whether a path, or a glob, is of what is in a directory in that of a dataset, where there is none."""
    parts = posixpath.normpath(path).split("/")
    return transfer.type == "directory" and "**" not in parts and len(parts) > transfer.path.count("/") + 2


def named(text: str, staged: Staged) -> list[Transfer]:
    """The transfers whose path a text names, be it the value of a parameter, a command or a script."""
    paths = [workspace_path(found["path"] or "") for found in _TO_WORKSPACE.finditer(text)]
    if None in paths:  # the workspace itself
        return list(staged.transfers)
    paths.append(None if "\n" in text else workspace_path(text))
    concerned = {at for path in paths if path for at in staged.numbers(path)}
    return [each for at, each in enumerate(staged.transfers) if at in concerned or _holds(text, each.path)]


def _holds(text: str, path: str) -> bool:
    return path in text and bool(re.search(rf"(?<![\w.-]){re.escape(path)}(?![\w-]|\.\w)", text))
