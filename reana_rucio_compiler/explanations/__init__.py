"""What each rule is about: one Markdown file each, ``RRnnn.md``, read only when somebody asks.

A file says why, in a paragraph or two, then ``Wrong:`` with an example and what is said about it, then ``Right:``. A
fenced block with a file name behind its language (``yaml parameters.yaml``) is that file, one without is reana.yaml;
tests compile all of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..diagnostics import Rule


@dataclass(frozen=True)
class Explanation:
    """The text about a rule, as Markdown."""

    markdown: str

    @property
    def why(self) -> str:
        """What goes wrong without the rule, in one line of plain text."""
        return " ".join(self.markdown.partition("\nWrong:\n")[0].replace("`", "").split())

    @property
    def plain(self) -> str:
        """The text for a terminal: fenced blocks are indented."""
        return re.sub(
            r"^```.*\n((?:.*\n)*?)```$",
            lambda block: "\n".join(f"    {line}".rstrip() for line in block.group(1).splitlines()),
            self.markdown,
            flags=re.MULTILINE,
        )


def load(rule: Rule) -> Explanation:
    """The explanation of a rule."""
    return Explanation((Path(__file__).parent / f"{rule.code}.md").read_text(encoding="utf-8"))
