"""Read and run what stands in fenced blocks of Markdown: specifications, other files, and console sessions."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
WORKFLOW = "workflow: {type: serial, specification: {steps: [{environment: 'a:1', commands: ['make plot.png']}]}}\n"


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, what follows the language (a file name), its text, and where the text stands."""

    language: str
    name: str
    text: str
    start: int
    end: int

    @property
    def specification(self) -> str:
        """The text as a whole specification: a part of one gets a workflow behind it."""
        keys = re.findall(r"^(\w+):", self.text, re.MULTILINE)
        return self.text + WORKFLOW if keys and "workflow" not in keys else self.text


def blocks(markdown: str) -> Iterator[Block]:
    """The fenced blocks of a text, in order."""
    for found in re.finditer(r"^```(\w+) ?(\S*)\n(.*?)^```$", markdown, re.MULTILINE | re.DOTALL):
        yield Block(found[1], found[2], found[3], found.start(3), found.end(3))


def write(directory: Path, example: list[Block]) -> None:
    """Put the files of an example into a directory; a block without a name is reana.yaml."""
    for block in example:
        if block.language not in ("console", "text"):
            path = directory / (block.name or "reana.yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text if block.name else block.specification)


def replayed(session: str, directory: Path) -> str:
    """A console session as it goes today: its commands (``$ ...``) with what they print, run by bash one by one."""
    lines = []
    for command in re.findall(r"^\$ (.*)$", session, re.MULTILINE):
        ran = subprocess.run(
            ["bash", "-c", command],
            cwd=directory,
            env=environment(directory),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        lines += [f"$ {command}\n", ran.stdout]
    return "".join(lines)


def environment(directory: Path) -> dict[str, str]:
    """The environment of a shell that finds ``reana-rucio``: the one under test."""
    programs = directory.parent / f"{directory.name}.bin"
    programs.mkdir(exist_ok=True)
    program = programs / "reana-rucio"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reana_rucio_compiler "$@"\n')
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
