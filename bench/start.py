"""What one call costs, as a hook or a CI job makes it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from .frame import OURS, PYTHON, ROOT, Command, Table, measure

PLAIN = """\
version: 0.9.4
inputs:
  files:
    - code/fit.py
workflow:
  type: serial
  specification:
    steps:
      - name: fit
        environment: docker.io/library/python:3.11
        commands:
          - python code/fit.py
outputs:
  files:
    - results/plot.png
"""


def table(rounds: int) -> Table:
    """Start-up and one small specification, against the interpreter alone and against REANA's own check."""
    from tests.environments import Unavailable, python_of

    example = ROOT / "examples" / "serial-dimuon-mass"
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, "reana.yaml")
        plain.write_text(PLAIN)
        commands = {
            "pass": Command([PYTHON, "-c", "pass"]),
            "compile": Command([*OURS, "compile", "reana.yaml"], example),
            "check": Command([*OURS, "check", plain]),
        }
        notes: tuple[str, ...] = ()
        try:
            client = python_of("reana-0.9").with_name("reana-client")
            commands["validate"] = Command([client, "validate", "-f", "reana.out.yaml"], example)
        except Unavailable as reason:
            notes = (f"reana-client was not measured: {reason}.",)
        found = measure(commands, rounds)
    base, compiled = found["pass"], found["compile"]
    rows = [
        ("`compile` of the serial example", "`python -c pass`", "+ 100 ms", f"+ {1e3 * compiled.more(base):.0f} ms"),
        (
            "`check` of a plain specification",
            "`python -c pass`",
            "+ 60 ms",
            f"+ {1e3 * found['check'].more(base):.0f} ms",
        ),
    ]
    if "validate" in found:
        ratio = found["validate"].ratio(compiled)
        row = ("`compile` of the serial example", "`reana-client validate` of its output", "1/8", f"1/{ratio:.1f}")
        rows.insert(0, row)
    milliseconds = ", ".join(f"`{name}` {1e3 * each.cpu:.0f} ms" for name, each in found.items())
    return Table("One call", ("work", "against", "reach", "measured"), rows, (f"CPU time: {milliseconds}.", *notes))
