"""Which file compiles to which, and whether the compiled one is what would be written today."""

from __future__ import annotations

import re
from pathlib import Path

from .compiler import Compilation
from .ownership import source_of, specification_from
from .staging import STAGER_FILE

_NAMES = ("reana.yaml", "reana.yml")


def default_specs(directory: Path = Path()) -> tuple[Path, ...]:
    """The specifications of a directory, sources first; none where there is no reana.yaml.

    ``reana.src.yaml`` is the source where it exists, and ``reana.yaml`` beside it its result: REANA's GitLab
    integration reads no other name (facts A.8).
    """
    found = [path for path in (directory / name for name in _NAMES) if path.is_file()]
    sources = [path for path in (_source_name(directory / name) for name in _NAMES) if path.is_file()]
    return tuple(sources + found) if sources else tuple(found[:1])


def compiled_of(source: Path) -> Path:
    """The file that a source compiles to, whether or not it exists.

    The one in its directory whose header names the source, else ``X.yaml`` for ``X.src.yaml``, else ``X.out.yaml``.
    """
    usual = source.with_suffix(f".out{source.suffix}")
    if source.stem.endswith(".src"):
        usual = source.with_name(source.stem[: -len(".src")] + source.suffix)
    beside = source.parent.glob("*.y*ml") if source.parent.is_dir() else ()
    named = [path for path in sorted(beside) if specification_from(path) and source_of(path) == source != path]
    return usual if usual in named or not named else named[0]


def _source_name(path: Path) -> Path:
    return path.with_suffix(f".src{path.suffix}")


def outdated(result: Compilation, target: Path) -> dict[Path, str]:
    """The files on disk that are not what would be written, each with a unified diff from one to the other.

    There is none for a file that is missing, nor for the program of the staging steps: neither is news to anybody.
    """
    wanted = {target: result.text or "", **{result.base / name: text for name, text in result.files.items()}}
    found = {}
    for path, text in wanted.items():
        old = path.read_bytes() if path.is_file() else None
        if old != text.encode():
            is_shown = old is not None and not path.name.endswith(STAGER_FILE)
            before = (old or b"").decode("utf-8", errors="replace")
            found[path] = diff(before, text, path.as_posix(), path.as_posix()) if is_shown else ""
    return found


def changes(result: Compilation, source: str, name: str) -> str:
    """A unified diff from a source and its workflow files to what they compile to."""
    parts = [diff(source, result.text or "", name, f"{name} (compiled)")]
    for generated, text in sorted(result.files.items()):
        original = result.base / re.sub(r"\.rucio(\.\w+)?$", r"\1", generated)
        if original.name != Path(generated).name and original.is_file():
            before = original.read_bytes().decode("utf-8", errors="replace")
            parts.append(diff(before, text, original.as_posix(), (result.base / generated).as_posix()))
    return "".join(parts)


def diff(before: str, after: str, old_name: str, new_name: str) -> str:
    """A unified diff of two texts; each of its lines ends in a line break."""
    from difflib import unified_diff

    # Lines end at "\n" alone, as for diff and patch: splitlines() would cut at a form feed, too.
    old, new = (re.findall(r"[^\n]*\n|[^\n]+\Z", text) for text in (before, after))
    shown = unified_diff(old, new, old_name, new_name)
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in shown)
