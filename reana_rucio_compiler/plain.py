"""The calls that hooks and scripts make, ``compile SPEC [-o FILE]`` and ``check SPEC…``, without importing click.

That is a fifth of what such a call takes. Whatever is not plain, be it another option, a refusal or a broken pipe, is
left to cli.py, which then does all of it; a test holds that the two say the same.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path


def run(arguments: Sequence[str]) -> int | None:
    """The exit code of a plain call, which has been made; None for another one, or where cli.py must make it."""
    command, words = arguments[:1], list(arguments[1:])
    output = None
    if command == ["compile"] and len(words) == 3 and words[1] == "-o":
        words, output = words[:1], words[2]
    if not words or any(word.startswith("-") for word in words) or (output or "").startswith("-"):
        return None
    try:
        if command == ["check"]:
            return _check(tuple(dict.fromkeys(words)))
        return _compile(words[0], output) if command == ["compile"] and len(words) == 1 else None
    except OSError:
        return None


def _compile(spec: str, output: str | None) -> int | None:
    from . import writer
    from .compiler import compile_file
    from .render import text

    result = compile_file(Path(spec))
    if result.diagnostics:
        sys.stderr.write(text.render(result.diagnostics, text.coloured(sys.stderr)))
    if result.text is None:
        return 1
    try:
        writer.write(result, Path(spec), output)
    except writer.Refused as error:
        sys.stderr.write(f"reana-rucio: error: {error}\n")
        return 1
    return 0


def _check(specs: Sequence[str]) -> int:
    from .compiler import all_diagnostics, compile_file
    from .diagnostics import Severity
    from .render import text

    found = all_diagnostics([compile_file(Path(spec)) for spec in specs])
    sys.stdout.write(text.render(found, text.coloured(sys.stdout)))
    sys.stdout.flush()
    sys.stderr.write(f"reana-rucio: checked {text.named(specs)}: {text.summary(found)}\n")
    return int(any(each.severity is Severity.ERROR for each in found))
