"""An overview as a flowchart that GitHub, GitLab and Jupyter draw."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from .facts import Move, Overview, landing, size
from .graph import reduced
from .text import printable

MOST = 50  # transfers of a step that are listed: GitHub draws at most 500 lines, from 50,000 characters

_HEAD = """\
flowchart TD
  classDef stage fill:#dbeafe,stroke:#2563eb,color:#172554
  classDef rucio fill:#fef3c7,stroke:#d97706,color:#451a03
"""


def render(overview: Overview) -> str:
    """The steps with what they wait for; beside those that stage, what they move."""
    ids = {step.name: f"s{at}" for at, step in enumerate(overview.steps)}
    lines = []
    for step in overview.steps:
        form = '(["{}"]):::stage' if step.jobs else '["{}"]'
        lines.append(ids[step.name] + form.format(_label(step.name)))
    for at, move in _listed(overview.inputs):
        known = f"<br>{_label(size(move))}" if move.bytes is not None else ""
        lines.append(f'i{at}[("{_label(move.transfer.did)}{known}")]:::rucio')
        lines.append(f'i{at} -. "{_label(landing(move))}" .-> {ids[move.step]}')
    lines += _rest("i", overview.inputs, "m{id} -.-> {step}", ids)
    for step in reduced(overview.steps):
        lines += [f"{ids[name]} --> {ids[step.name]}" for name in step.after]
    for at, move in _listed(overview.outputs):
        lines.append(f'o{at}[("{_label(move.transfer.did)}<br>{_label(move.transfer.rse or "?")}")]:::rucio')
        lines.append(f'{ids[move.step]} -. "{_label(landing(move))}" .-> o{at}')
    lines += _rest("o", overview.outputs, "{step} -.-> m{id}", ids)
    return _HEAD + "".join(f"  {line}\n" for line in lines)


def _listed(moves: Sequence[Move]) -> Iterator[tuple[int, Move]]:
    """The first transfers of each step, numbered."""
    seen: Counter[str] = Counter()
    for at, move in enumerate(moves):
        seen[move.step] += 1
        if seen[move.step] <= MOST:
            yield at, move


def _rest(kind: str, moves: Sequence[Move], line: str, ids: Mapping[str, str]) -> list[str]:
    """How many more there are of each step, and the line between."""
    lines = []
    for step, count in Counter(move.step for move in moves).items():
        if count > MOST:
            name = kind + ids[step]
            lines += [f'm{name}[("and {count - MOST} more")]:::rucio', line.format(id=name, step=ids[step])]
    return lines


def _label(text: str) -> str:
    """A text in quotes, in which nothing is Mermaid's, Markdown's or HTML's."""
    return re.sub(r"[^A-Za-z0-9 ._/,:-]", lambda found: f"#{ord(found.group())};", printable(text))
