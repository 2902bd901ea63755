"""The YAML in the documentation compiles, and what the README shows as output is what the program says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reana_rucio_compiler.compiler import compile_bytes
from reana_rucio_compiler.diagnostics import Severity
from reana_rucio_compiler.render import text

ROOT = Path(__file__).parent.parent
WORKFLOW = "workflow: {type: serial, specification: {steps: [{environment: 'a:1', commands: [ls]}]}}\n"

BLOCKS = [
    pytest.param(block, id=f"{path.name}-{number}")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", path.read_text(), re.S), 1)
    if re.match(r"(version|inputs|outputs|workflow|rucio):", block)
]


@pytest.mark.parametrize("block", BLOCKS)
def test_specification_in_the_documentation_compiles(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Snakefile").write_text('rule all:\n    input: "plot.png"\n')
    whole = block if "workflow:" in block else WORKFLOW + block
    result = compile_bytes(whole.encode(), "reana.yaml")
    assert not [found for found in result.diagnostics if found.severity is Severity.ERROR]
    assert result.text is not None
    assert "rucio-stage-" in "\n".join([result.text, *result.files.values()])


def test_diagnostic_in_the_readme_is_what_is_said() -> None:
    shown = re.search(r"( {6}reana\.yaml:.*?)\n\n", (ROOT / "README.md").read_text(), re.S)
    assert shown
    lines = [line[6:] for line in shown.group(1).splitlines()]
    snippet = lines[1].partition("| ")[2]
    spec = "version: 0.9.0\ninputs:\n  files:\n    - a.C\n" + snippet + "\n" + WORKFLOW
    said = text.render(compile_bytes(spec.encode(), "reana.yaml").diagnostics).rstrip("\n")
    assert [re.sub(r"^ +", "", line) for line in said.splitlines()] == [re.sub(r"^ +", "", line) for line in lines]
