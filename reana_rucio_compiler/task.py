"""What a backend is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .documents import Document, Where
from .edits import Edit
from .model import Plan
from .workspace import Workspace


@dataclass(frozen=True)
class Task:
    """A specification and the plan to graft onto it.

    ``parameters`` is the file that ``inputs.parameters.input`` names, where it replaces them (CWL, Snakemake).
    """

    document: Document
    plan: Plan
    workspace: Workspace
    parameters: Document | None = None


@dataclass(frozen=True)
class Graft:
    """Edits of the specification, and the files to be written beside the user's: texts by path in the workspace.

    The compiled specification lists each of ``files`` in ``inputs.files``, and likewise each of ``loads``: files of
    the user's that the generated ones load. The edits that all engines share (specification.py) are not in ``edits``.
    ``removed`` are the places of the specification that they take out or write anew: nothing else may edit there.
    ``parameters`` are to be added where ``inputs.parameters`` is no mapping.
    """

    edits: tuple[Edit, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    loads: tuple[str, ...] = ()
    removed: tuple[Where, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
