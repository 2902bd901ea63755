"""Wildcards of Snakemake in names and paths: ``hists_{sample}.root``, ``d/{name,[a-z]+}``."""

from __future__ import annotations

import re
from functools import lru_cache

_WILDCARD = re.compile(r"\{\s*([A-Za-z_]\w*)\s*(?:,\s*((?:[^{}]|\{\d+(?:,\d*)?\})+?)\s*)?\}")


def wildcards(pattern: str) -> tuple[str, ...]:
    """The names of the wildcards in a pattern, each once, in order of place."""
    if "{" not in pattern:
        return ()
    return tuple(dict.fromkeys(found.group(1) for found in _WILDCARD.finditer(pattern)))


def without_constraints(pattern: str) -> str:
    """The pattern with ``{name}`` for each ``{name,constraint}``."""
    return _WILDCARD.sub(lambda found: "{" + found.group(1) + "}", pattern)


def bad_braces(pattern: str) -> str:
    """The first piece of a text in braces that is no wildcard, or an empty string."""
    rest = re.search(r"[{}][^{}]*[{}]?", _WILDCARD.sub("", pattern))
    return rest.group() if rest else ""


def matches(pattern: str, path: str) -> bool:
    """Whether a pattern may stand for a path: a wildcard for one or more characters that fit its constraint."""
    regex = _regex(pattern)
    return pattern == path or bool(regex and regex.fullmatch(path))


def may_overlap(one: str, other: str) -> bool:
    """Whether two patterns may stand for one path; exact where one of them has no wildcard, else an estimate."""
    if not wildcards(one) or not wildcards(other):
        return matches(one, other) or matches(other, one)
    return matches(_WILDCARD.sub(r"{\1}", one), _sample(other)) or matches(_WILDCARD.sub(r"{\1}", other), _sample(one))


def _sample(pattern: str) -> str:
    return _WILDCARD.sub("w", pattern)


def searched(pattern: str) -> tuple[str, str] | None:
    """How Rucio is asked for the names that a pattern stands for: with ``*``, and the regular expression they fit."""
    regex = _regex(pattern)
    return (_WILDCARD.sub("*", pattern), regex.pattern) if regex else None


@lru_cache(maxsize=4096)
def _regex(pattern: str) -> re.Pattern[str] | None:
    """None for a constraint that is no regular expression: that is for Snakemake to say."""
    parts, at, seen = [], 0, set()
    for found in _WILDCARD.finditer(pattern):
        name = found.group(1)
        parts.append(re.escape(pattern[at : found.start()]))
        parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{found.group(2) or '.+'})")
        seen.add(name)
        at = found.end()
    try:
        return re.compile("".join(parts) + re.escape(pattern[at:]), re.DOTALL)
    except re.error:
        return None
