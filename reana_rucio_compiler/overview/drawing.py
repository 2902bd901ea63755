"""The picture of a workflow: an SVG of our own making, whose colours are those of the page that it stands in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from ..task import Step
from .facts import Move, Overview, human, landing
from .graph import Layers, layers
from .text import printable, runs, said

WIDTH, GAP, BETWEEN, MARGIN, LINE = 292, 24, 44, 12, 19  # of a box, between boxes, between rows, around, of text
SCREEN = 5 * WIDTH  # what is wider cannot be seen at once, and begins at the left
PASSAGE = 18  # the width of what a line passes through
MOST = 5  # transfers that a box lists
CHARACTERS = {"name": 28, "did": 32}  # that fit into a box; of other lines, 35


@dataclass(frozen=True)
class Box:
    """What is drawn of a step: its kind, and lines of text, of which the first is its name."""

    kind: str
    lines: tuple[tuple[str, str], ...]
    tooltip: str
    height: int


def draw(overview: Overview) -> str:
    """The steps from top to bottom, with lines from each to those that wait for it."""
    layered = layers(overview.steps)
    boxes = {step.name: _box(step, overview) for step in overview.steps}
    places, width, height = _place(layered, boxes)
    parts = [
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
        ' aria-labelledby="picture-title picture-text" xmlns="http://www.w3.org/2000/svg">',
        f'<title id="picture-title">The steps of {escape(printable(overview.source))}</title>',
        f'<desc id="picture-text">{escape(printable(describe(overview.steps)))}</desc>',
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="5.5"'
        ' markerHeight="5.5" orient="auto">'
        '<path d="M0.5 0.5 7 4 0.5 7.5" class="tip"/></marker></defs>',
        *(_line([places[cell] for cell in line]) for line in layered.lines),
    ]
    for row, names in enumerate(layered.rows):
        for at, name in enumerate(names):
            if name is not None:
                parts.append(_drawn(boxes[name], places[row, at][:2]))
    return "\n".join([*parts, "</svg>"]) + "\n"


def describe(steps: Sequence[Step]) -> str:
    """The picture in words."""
    texts = [
        f"{step.name} ({said(step)})" + (f" follows {' and '.join(step.after)}" if step.after else " comes first")
        for step in steps
    ]
    return "; ".join(texts) + "."


def _box(step: Step, overview: Overview) -> Box:
    moves = [each for each in (*overview.inputs, *overview.outputs) if each.step == step.name]
    kind = step.jobs[0].action if step.jobs else "own"
    does = runs(step)
    if len(step.jobs) == 1:  # its instance stands in the tables
        does = [does[0].partition(": ")[2]]
    lines = [("name", step.name), *(("does", text) for text in does)]
    for move in moves[:MOST] if len(moves) > MOST + 1 else moves:
        lines += _moved(move)
    if len(moves) > MOST + 1:
        lines.append(("size", f"and {len(moves) - MOST} more"))
    if step.takes and not step.jobs:
        lines += [("size", f"← {path}") for path in step.takes[:MOST]]
        lines += [("size", f"and {len(step.takes) - MOST} more")] if len(step.takes) > MOST else []
    lines = [(style, printable(text)) for style, text in lines]
    tooltip = "\n".join(text for _, text in lines)
    shown = tuple((style, _cut(text, CHARACTERS.get(style, 35))) for style, text in lines)
    return Box(kind, shown, tooltip, 20 + LINE * len(shown))


def _moved(move: Move) -> list[tuple[str, str]]:
    transfer = move.transfer
    if transfer.direction == "in":
        known = f" · {human(move.bytes)}" if move.bytes is not None else ""
        return [("did", transfer.did), ("size", f"→ {landing(move)}{known}")]
    return [
        ("did", landing(move)),
        ("size", f"→ {transfer.did}"),
        *([("size", f"at {transfer.rse}")] if transfer.rse else []),
    ]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 13] + "…" + text[-12:]


def _place(layered: Layers, boxes: Mapping[str, Box]) -> tuple[dict[tuple[int, int], tuple[int, int, int]], int, int]:
    """Left, top and bottom of each cell (of a passage, its middle), and the size of the picture."""
    spans = [sum(WIDTH if name else PASSAGE for name in names) + GAP * (len(names) - 1) for names in layered.rows]
    width = max(spans, default=0) + 2 * MARGIN
    places: dict[tuple[int, int], tuple[int, int, int]] = {}
    top = MARGIN
    for row, names in enumerate(layered.rows):
        height = max(boxes[name].height if name else 0 for name in names)
        left = MARGIN if width > SCREEN else (width - spans[row]) // 2
        for at, name in enumerate(names):
            own = boxes[name].height if name else height
            middle = left + (WIDTH if name else PASSAGE) // 2
            places[row, at] = (left, top, top + own) if name else (middle, top, top + height)
            left += (WIDTH if name else PASSAGE) + GAP
        top += height + BETWEEN
    cells = {(row, at) for row, names in enumerate(layered.rows) for at, name in enumerate(names) if name}
    centred = {
        cell: (left + (WIDTH // 2 if cell in cells else 0), start, end) for cell, (left, start, end) in places.items()
    }
    return centred, width, max(top - BETWEEN + MARGIN, 2 * MARGIN)


def _line(way: Sequence[tuple[int, int, int]]) -> str:
    """A line from the bottom of the first cell to the top of the last, straight down through those between."""
    x, _, y = way[0]
    path = [f"M{x} {y}"]
    for number, (to, start, end) in enumerate(way[1:], 1):
        last = number == len(way) - 1
        target = start - 2 if last else start
        bend = (target - y) // 2
        path.append(f"C{x} {y + bend} {to} {target - bend} {to} {target}")
        if not last:
            path.append(f"V{end}")
        x, y = to, end
    return f'<path d="{" ".join(path)}" class="line" marker-end="url(#arrow)"/>'


def _drawn(box: Box, place: tuple[int, int]) -> str:
    centre, top = place
    left = centre - WIDTH // 2
    texts = [
        f'<text x="{left + 16}" y="{top + 12 + LINE * at + 11}" class="{style}">{escape(text)}</text>'
        for at, (style, text) in enumerate(box.lines)
    ]
    return (
        f'<g class="{box.kind}"><title>{escape(box.tooltip)}</title>'
        f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{box.height}" rx="9"/>'
        f'<rect x="{left}" y="{top + 9}" width="4" height="{box.height - 18}" rx="2" class="mark"/>'
        f"{''.join(texts)}</g>"
    )
