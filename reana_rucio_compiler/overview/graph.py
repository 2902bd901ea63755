"""Where the steps of a workflow stand in a picture: rows, the order within them, and the lines between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..task import Step

Cell = tuple[int, int]  # a row, and a place in it


@dataclass(frozen=True)
class Layers:
    """``rows`` hold the names of steps, or None where a line passes between them; ``lines`` are the ways of the lines,
    each through one cell of each row from that of a step to that of one that waits for it."""

    rows: tuple[tuple[str | None, ...], ...]
    lines: tuple[tuple[Cell, ...], ...]


def reduced(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps, which are in order, without waiting for what they wait for by another; circles are cut."""
    before: dict[str, frozenset[str]] = {}
    found = []
    for step in steps:
        known = [name for name in dict.fromkeys(step.after) if name in before]
        indirect = frozenset().union(*(before[name] for name in known)) if known else frozenset()
        before[step.name] = indirect | set(known)
        found.append(step._replace(after=tuple(name for name in known if name not in indirect)))
    return tuple(found)


def layers(steps: Sequence[Step], sweeps: int = 4) -> Layers:
    """Each step below all that it waits for, in few crossings of lines: by the mean of its neighbours' places."""
    steps = reduced(steps)
    depth: dict[str, int] = {}
    for step in steps:
        depth[step.name] = 1 + max((depth[name] for name in step.after), default=-1)
    rows: list[list[object]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for step in steps:
        rows[depth[step.name]].append(step.name)
    ways: list[list[object]] = []
    for step in steps:
        for name in step.after:
            passing = [(name, step.name, row) for row in range(depth[name] + 1, depth[step.name])]
            for row, each in enumerate(passing, depth[name] + 1):
                rows[row].append(each)
            ways.append([name, *passing, step.name])
    neighbours: dict[object, list[object]] = {}
    for way in ways:
        for one, two in zip(way, way[1:]):
            neighbours.setdefault(one, []).append(two)
            neighbours.setdefault(two, []).append(one)
    for sweep in range(sweeps):
        _sort(rows if sweep % 2 == 0 else rows[::-1], neighbours)
    cells: Mapping[object, Cell] = {each: (row, at) for row, names in enumerate(rows) for at, each in enumerate(names)}
    shown = tuple(tuple(each if isinstance(each, str) else None for each in row) for row in rows)
    return Layers(shown, tuple(tuple(cells[each] for each in way) for way in ways))


def _sort(rows: list[list[object]], neighbours: Mapping[object, list[object]]) -> None:
    """Order each row by where its neighbours in the one before stand."""
    for above, row in zip(rows, rows[1:]):
        places = {each: at - len(above) / 2 for at, each in enumerate(above)}
        old = {each: at - len(row) / 2 for at, each in enumerate(row)}

        def mean(each: object, places: Mapping[object, float] = places, old: Mapping[object, float] = old) -> float:
            known = [places[other] for other in neighbours.get(each, ()) if other in places]
            return sum(known) / len(known) if known else old[each]

        row.sort(key=mean)
