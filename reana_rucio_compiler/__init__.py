"""reana-rucio: say ``rucio(instance, scope, name)`` in reana.yaml; get a plain specification that moves the data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .compiler import Compilation
    from .diagnostics import Diagnostic
    from .locking import Locking

__version__ = "0.1.0"


def compile(  # noqa: A001 - the name of the command
    path: str | Path,
    *,
    parameters: Mapping[str, str] = {},
    instances: Iterable[str | Path] = (),
    locked: bool = False,
) -> Compilation:
    """What the specification at ``path`` compiles to; nothing is written.

    A user's mistakes are in ``diagnostics`` of the result, whose ``text`` is None if one of them is an error.
    ``parameters`` replace ``${key}`` in expressions; ``instances`` are YAML files with a ``rucio:`` block. With
    ``locked`` it is an error if the lock beside the specification does not hold every input.
    """
    from .compiler import compile_file

    files = [Path(each) for each in instances]
    return compile_file(Path(path), parameters=parameters, instances=files, locked=locked)


def check(
    *paths: str | Path,
    parameters: Mapping[str, str] = {},
    instances: Iterable[str | Path] = (),
    locked: bool = False,
    online: bool = False,
) -> tuple[Diagnostic, ...]:
    """Everything that is wrong or suspicious in the specifications: file by file, in order of place.

    The arguments are those of ``compile``. A file that cannot be read is a diagnostic, not an exception. With
    ``online`` Rucio is asked, too, which raises what ``lock`` raises.
    """
    from .compiler import all_diagnostics

    files = [Path(each) for each in instances]
    results = [compile(path, parameters=parameters, instances=files, locked=locked) for path in paths]
    if online:
        from .online import checked

        results = [checked(result) for result in results]
    return all_diagnostics(results)


def lock(
    path: str | Path,
    *,
    parameters: Mapping[str, str] = {},
    instances: Iterable[str | Path] = (),
    update: Sequence[str] | None = None,
) -> Locking:
    """The lock of what the inputs of the specification hold in Rucio now; nothing is written.

    ``update`` names the DIDs (``scope:name``) that are locked anew, by default all. What Rucio does not have is in
    ``diagnostics``; raises ``catalogue.Unanswered`` where Rucio does not answer, ``catalogue.NoClient`` and
    ``credentials.Missing`` where this machine cannot ask it, or has credentials that it does not take.
    """
    from .locking import lock_file

    return lock_file(Path(path), parameters=parameters, instances=[Path(each) for each in instances], update=update)
