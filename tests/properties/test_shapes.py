"""Whatever shape a specification has, it is judged: no check takes for granted what another would refuse."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

from reana_rucio_compiler.compiler import compile_bytes
from reana_rucio_compiler.diagnostics import Severity
from tests.schemas import specs


def _specifications() -> Iterator[Any]:
    """Specifications that use everything, with one change each, and expressions put in where there is still room."""
    changed = (mutant for spec in specs.SPECS.values() for mutant in specs.mutations(spec))
    for spec in itertools.islice(json.loads(json.dumps(list(changed))), 0, None, 10):
        for section, key, entry in (
            ("inputs", "files", "rucio(escape, user.jdoe, a.root)"),
            ("outputs", "files", "x/y.png -> rucio(escape, user.jdoe, y-{run}, rse=CERN)"),
        ):
            part = spec.setdefault(section, {}) if isinstance(spec, dict) else None
            entries = part.setdefault(key, []) if isinstance(part, dict) else None
            if isinstance(entries, list):
                entries.append(entry)
        if isinstance(spec, dict) and isinstance(spec.get("inputs"), dict):
            options = spec["inputs"].setdefault("options", {})
            if isinstance(options, dict):
                options.update(FROM="fit", TARGET=["no name"])
        yield spec


def test_every_shape_is_judged() -> None:
    """A specification of any shape compiles, or has an error that says where it is wrong."""
    compiled = refused = 0
    for spec in _specifications():
        result = compile_bytes(json.dumps(spec).encode(), "reana.yaml")
        failed = any(each.severity is Severity.ERROR for each in result.diagnostics)
        assert (result.text is None) == failed
        compiled, refused = compiled + (not failed), refused + failed
    assert min(compiled, refused) >= 30, (compiled, refused)
