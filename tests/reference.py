"""Write docs/diagnostics.md from the rules and their explanations: python -m tests.reference"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from reana_rucio_compiler import explanations
from reana_rucio_compiler.rules import RULES
from tests import corpus

PAGE = Path(__file__).parent.parent / "docs" / "diagnostics.md"

_HEAD = """\
# Diagnostics

`reana-rucio check` and `reana-rucio compile` say everything that they find in one run, in order of place. `reana-rucio
explain CODE` shows one entry of this page in the terminal.

An **error** stops the compilation and makes `check` exit with 1. A **warning** does so with `check --strict` only. A **note**
never does.

Where a line is meant as it is, a comment on it silences a rule that is marked "can be ignored", on that line alone:

```yaml
outputs:
  files:
    - fit.json -> rucio(escape, user.jdoe, fit.json, rse=CERN-DISK)  # rucio: ignore[RR210, RR213]
```

Steps that the compiler added to a compiled specification are never looked at.

The tests hold these rules against {total} wrong specifications: {by_hand} written by hand, whose diagnostics are fixed
to the letter, and {mutants} made by one change to a valid one or to its workflow. Each mistake is found, at the line and the column where
it was made.

"""

_GROUPS = {
    "RR0": "Reading files",
    "RR1": "The expression",
    "RR2": "What it means",
    "RR3": "REANA's own rules",
    "RR4": "Workflows and engines",
    "RR5": "What Rucio holds",
}


def page() -> str:
    """The text of the page, which test_docs.py compares with the file."""
    by_hand, mutants = len(corpus.by_hand()), len(corpus.mutants()) + len(corpus.mutants_of_workflows())
    parts = [_HEAD.format(total=by_hand + mutants, by_hand=by_hand, mutants=mutants)]
    parts.append("| code | | |\n|---|---|---|\n")
    parts += [
        f"| [{rule.code}](#{rule.code.lower()}-{rule.name}) | {rule.severity.value} | {rule.title} |\n"
        for rule in RULES
    ]
    for group, rules in groupby(RULES, key=lambda rule: rule.code[:3]):
        parts.append(f"\n## {_GROUPS[group]}\n")
        for rule in rules:
            ignorable = " It can be ignored." if rule.ignorable else ""
            article = "an" if rule.severity.value == "error" else "a"
            kind = f"{rule.title[0].upper()}{rule.title[1:]}: {article} {rule.severity.value}.{ignorable}"
            parts.append(f"\n### {rule.code} {rule.name}\n\n{kind}\n\n{explanations.load(rule).markdown}")
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
