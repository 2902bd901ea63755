"""What a row of the fault matrix is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from tests.faults.site import Site

KILLED = 137


@dataclasses.dataclass(frozen=True)
class Fault:
    """A row: its title, how it is arranged, the stager's exit code, and a pattern of the last line of its log.

    `arrange(site)` yields when all is arranged; what follows repairs it, after which the same job runs again and must
    succeed; what stands after a second `yield` is held in the end. The row's name is the function's.
    """

    title: str
    arrange: Callable[[Site], Iterator[None]]
    code: int = 0
    last: str = ""
    tls: bool = False  # on the server that takes X.509 proxies
    cwl: bool = True  # whether it can be met in a job of CWL
    plain: bool = True  # whether a plain command can meet it

    @property
    def name(self) -> str:
        return self.arrange.__name__.replace("_", "-")
