"""The names of secondary files, which stand beside the file that they belong to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from .reading import Place, plain

_TERM = r"""self\.(?:basename|nameroot|nameext)|'[^'\\]*'|"[^"\\]*\""""
_SUM = rf"((?:{_TERM})(?:\s*\+\s*(?:{_TERM}))*)"
_ADDED = re.compile(rf"\$\(\s*{_SUM}\s*\)|\$\{{\s*return\s+{_SUM}\s*;?\s*\}}")


def _added(terms: str, basename: str) -> str:
    """What an expression such as ``self.nameroot + '.idx'`` makes of the name of a file."""
    root, extension = posixpath.splitext(basename)
    values = {"basename": basename, "nameroot": root, "nameext": extension}
    return "".join(
        term[1:-1] if term[0] in "'\"" else values[term.partition(".")[2]] for term in re.findall(_TERM, terms)
    )


def patterns(secondary: Place) -> Iterator[tuple[str, bool]]:
    """The patterns of ``secondaryFiles:``, and whether a file must match."""
    data = plain(secondary.node)
    for each in data if isinstance(data, list) else [data]:
        pattern = each.get("pattern") if isinstance(each, dict) else each
        required = each.get("required", True) is True if isinstance(each, dict) else True
        if isinstance(pattern, str):
            yield pattern.rstrip("?"), required and not pattern.endswith("?")


def beside_of(path: str, pattern: str) -> str | None:
    """The file that a pattern names: each ``^`` takes an extension off, the rest is appended.

    An expression says the whole name; where more than attributes of ``self`` and strings make it, that is not known.
    """
    if "$(" in pattern or "${" in pattern:
        name = _ADDED.sub(lambda found: _added(found[1] or found[2], posixpath.basename(path)), pattern)
        return None if "$(" in name or "${" in name else posixpath.join(posixpath.dirname(path), name)
    while pattern.startswith("^"):
        path, pattern = posixpath.splitext(path)[0], pattern[1:]
    return path + pattern
