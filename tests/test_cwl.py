"""What golden cases of CWL would be too long to show."""

from __future__ import annotations

from pathlib import Path

import pytest

from reana_rucio_compiler.compiler import compile_file

SPECIFICATION = """\
inputs:
  parameters:
    data: rucio(escape, user.jdoe, a.root)
workflow: {type: cwl, file: main.cwl}
"""
WORKFLOW = """\
cwlVersion: v1.0
class: Workflow
inputs: {data: File}
outputs: []
steps:
  fit: {run: fit.cwl, in: {data: data}, out: []}
"""
TOOL = """\
cwlVersion: v1.0
class: CommandLineTool
baseCommand: [cat, LONG]
inputs: {data: {type: File, inputBinding: {}}}
outputs: []
"""


@pytest.mark.parametrize(("length", "apart"), [(1_000, False), (25_000, True), (80_000, True)])
def test_the_stager_is_in_a_file_beside_a_long_workflow(length: int, apart: bool, tmp_path: Path) -> None:
    """REANA can start 95 KB of workflow; what is over is told, and never because of us."""
    (tmp_path / "reana.yaml").write_text(SPECIFICATION)
    (tmp_path / "main.cwl").write_text(WORKFLOW)
    (tmp_path / "fit.cwl").write_text(TOOL.replace("LONG", "x" * length))
    result = compile_file(tmp_path / "reana.yaml")
    assert ("rucio-stager.py" in result.files) == apart
    assert not result.diagnostics
