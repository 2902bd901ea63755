"""Which of the slow tests CI runs: a share of each file's, another one for every commit.

`pytest -m slow --slow-sample 1/10` runs a tenth of the tests marked `slow`, at least one of each file; fast tests are
not touched. The commit decides which, so that a run can be repeated; `--slow-seed COMMIT` repeats that of another.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterable
from fractions import Fraction
from itertools import groupby
from pathlib import Path


def share_of(text: str) -> Fraction:
    """The share that `N/M` names; a ValueError where it is not more than nothing and at most all."""
    if not re.fullmatch(r"\d+/[1-9]\d*", text) or not 0 < Fraction(text) <= 1:
        raise ValueError(f'"{text}" is no share such as 1/10')
    return Fraction(text)


def sample(tests: Iterable[str], share: Fraction, seed: str) -> frozenset[str]:
    """The share of the tests (node ids) of each file that the seed selects, rounded up.

    The tests of a file stand in a circle, in an order that no one chose; the seed says where in it the share begins,
    in steps of a share. So all are run in the end, and none waits much longer than another.
    """
    chosen: list[str] = []
    steps = -(-share.denominator // share.numerator)
    step = int(_digest(seed), 16) % steps
    for _, each in groupby(sorted(set(tests)), lambda test: test.partition("::")[0]):
        circle = sorted(each, key=_digest)
        first, size = step * len(circle) // steps, -(-len(circle) * share.numerator // share.denominator)
        chosen += (circle + circle)[first : first + size]
    return frozenset(chosen)


def current_commit() -> str:
    """The commit that is checked out, or an empty string outside of a checkout, as in an unpacked sdist."""
    ran = subprocess.run(["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True)
    return ran.stdout.strip() if ran.returncode == 0 else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
