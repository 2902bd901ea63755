"""Plain `rucio` commands before the same faults, for comparison: collected with --faults-record only."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.fault import Fault
from tests.faults.matrix import Record
from tests.faults.test_matrix import parameters


@pytest.mark.parametrize(("fault", "how", "clients"), parameters(plain=True))
def test_plain_command(fault: Fault, how: str, clients: str, cell: Callable[[Fault, str, str], Record]) -> None:
    """They fail many rows, which is a result; but not because they could not be run."""
    record = cell(fault, how, clients)
    assert record.code not in (126, 127), "\n".join(record.problems)
