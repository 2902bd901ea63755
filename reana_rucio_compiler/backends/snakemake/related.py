"""Find among many paths those that one path may have to do with, without looking at each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Generic, TypeVar

from ...checks import normalised, parents
from .wildcards import wildcards

Entry = TypeVar("Entry")


class Related(Generic[Entry]):
    """Entries by their paths, which may be patterns with wildcards or globs; they are given back in their order."""

    def __init__(self, entries: Iterable[tuple[str, Entry]]) -> None:
        self.entries: list[Entry] = []
        self.patterns: list[int] = []
        self.exact: defaultdict[str, list[int]] = defaultdict(list)
        self.inside: defaultdict[str, list[int]] = defaultdict(list)
        for number, (text, entry) in enumerate(entries):
            path = normalised(text)
            self.entries.append(entry)
            self.exact[path].append(number)
            if wildcards(path) or set(path) & set("*?["):
                self.patterns.append(number)
            for directory in parents(path):
                self.inside[directory].append(number)

    def to(self, path: str) -> list[Entry]:
        """The entries of this normalised path, of what it is in or what is in it, and those that are patterns.

        Where the path is a pattern itself: all entries.
        """
        if wildcards(path):
            return self.entries
        found = {*self.patterns, *self.exact.get(path, ()), *self.inside.get(path, ())}
        for directory in parents(path):
            found.update(self.exact.get(directory, ()))
        return [self.entries[number] for number in sorted(found)]
