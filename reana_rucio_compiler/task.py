"""What a backend is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from .documents import Document, Where
from .edits import Edit
from .model import Plan
from .staging import Job
from .tuples import NamedTuple
from .workspace import Workspace


class Task(NamedTuple):
    """A specification and the plan to graft onto it.

    ``parameters`` is the file that ``inputs.parameters.input`` names, where it replaces them (CWL, Snakemake).
    """

    document: Document
    plan: Plan
    workspace: Workspace
    parameters: Document | None = None


class Step(NamedTuple):
    """A step of the compiled workflow (a stage, a rule), for those who want to see it.

    ``jobs`` are the runs of the stager in it, each in a pod of its own; a step of the user's has none. ``after`` are
    the steps that it waits for, ``takes`` the staged paths that it is known to use. ``pods`` is None where only a run
    tells: for a scatter, or a rule with wildcards.
    """

    name: str
    after: tuple[str, ...] = ()
    jobs: tuple[Job, ...] = ()
    takes: tuple[str, ...] = ()
    pods: int | None = 1


class Graft(NamedTuple):
    """Edits of the specification, and the files to be written beside the user's: texts by path in the workspace.

    The compiled specification lists each of ``files`` in ``inputs.files``, and likewise each of ``loads``: files of
    the user's that the generated ones load. The edits that all engines share (specification.py) are not in ``edits``.
    ``removed`` are the places of the specification that they take out or write anew: nothing else may edit there.
    ``parameters`` are to be added where ``inputs.parameters`` is no mapping. ``outline`` makes the steps of the
    workflow that results, in an order in which none stands before one that it waits for: few calls want them.
    """

    edits: tuple[Edit, ...] = ()
    files: Mapping[str, str] = MappingProxyType({})
    loads: tuple[str, ...] = ()
    removed: tuple[Where, ...] = ()
    parameters: Mapping[str, Any] = MappingProxyType({})
    outline: Callable[[], tuple[Step, ...]] = tuple


def in_order(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps, each behind those that it waits for, otherwise in the order given; a circle is cut anywhere."""
    left = {step.name: step for step in steps}
    done: list[Step] = []
    while left:
        ready = [name for name, step in left.items() if not set(step.after) & set(left) - {name}] or list(left)[:1]
        done += [left.pop(name) for name in ready]
    return tuple(done)
