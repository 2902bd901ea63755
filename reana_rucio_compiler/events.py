"""The events of a YAML text, as ruamel.yaml finds them, in less time.

Its scanner is most of what a small run takes. What is here changes no event: it takes in one step what ruamel takes
letter by letter, and keeps what ruamel looks up again for every token. A test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.parser import Parser
from ruamel.yaml.reader import Reader
from ruamel.yaml.scanner import Scanner

_SPACES = re.compile(" *")


class _Reader(Reader):
    def forward(self, length: int = 1) -> None:
        """Go on by that many characters."""
        passed = self.buffer[self.pointer : self.pointer + length]
        if not (passed.isprintable() and len(passed) == length):  # perhaps a line break, or a byte order mark
            super().forward(length)
            return
        self.pointer += length
        self.index += length
        self.column += length


class _Scanner(Scanner):
    @cached_property
    def reader(self) -> Any:
        return self.loader.reader

    def need_more_tokens(self) -> bool:
        """Whether the first token is not known yet, or may turn out to be a key."""
        if self.tokens and not self.possible_simple_keys:
            return False
        return bool(super().need_more_tokens())

    def scan_to_next_token(self) -> Any:
        """Go on to where the next token begins."""
        reader = self.reader
        reader.forward(_SPACES.match(reader.buffer, reader.pointer).end() - reader.pointer)  # type: ignore[union-attr]
        return super().scan_to_next_token()


class _Parser(Parser):
    @cached_property
    def scanner(self) -> Any:
        return self.loader.scanner


class _Yaml(YAML):
    def official_plug_ins(self) -> list[str]:
        """None of those that may be installed beside ruamel, which it looks for in its directory."""
        return []


def events(text: str) -> Iterator[Any]:
    """The events of a text; raises what ruamel raises, at the event at which it does."""
    yaml = _Yaml(typ="safe", pure=True)
    yaml.Reader, yaml.Scanner, yaml.Parser = _Reader, _Scanner, _Parser
    found: Iterator[Any] = yaml.parse(text)
    return found
