"""The files of a locked dataset, as outputs of the rule that stages it: then other rules can take them by name."""

from __future__ import annotations

from posixpath import basename

from ...checks import normalised
from ...model import Transfer
from .wildcards import wildcards
from .workflow import Workflow


def listed(transfer: Transfer, workflow: Workflow) -> tuple[str, ...]:
    """The paths of a dataset's files, where the lock lists them and rules take some of them; else none.

    A rule that takes the directory itself rules that out: Snakemake knows one path as an output or as the other.
    """
    lock = transfer.lock
    if transfer.type != "directory" or wildcards(transfer.path) or lock is None or lock.files is None:
        return ()
    taken = {normalised(item.text) for _, item in workflow.inputs.to(transfer.path) if not item.text.startswith("/")}
    if transfer.path in taken or not any(path.startswith(transfer.path + "/") for path in taken):
        return ()
    return tuple(f"{transfer.path}/{basename(line.split(' ')[0].partition(':')[2])}" for line in lock.files)
