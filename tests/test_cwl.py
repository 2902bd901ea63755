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


PACKED = """\
{"cwlVersion": "v1.2", "$graph": [
  {"class": "CommandLineTool", "id": "#show.cwl", "baseCommand": "cat", "outputs": [],
   "requirements": [{"class": "SchemaDefRequirement", "types": [
     {"id": "#types.yml", "name": "#types.yml/sample", "type": "record", "fields": {"reads": "File", "lane": "int"}}]}],
   "inputs": [{"id": "#show.cwl/sample", "type": "#types.yml/sample"}]},
  {"class": "Workflow", "id": "#main", "outputs": [],
   "requirements": [{"class": "SchemaDefRequirement", "types": [{"$import": "#types.yml"}]}],
   "inputs": [{"id": "#main/data", "type": "#types.yml/sample"}],
   "steps": [{"id": "#main/show", "run": "#show.cwl", "out": [],
              "in": [{"id": "#main/show/sample", "source": "#main/data"}]}]}]}
"""


def test_an_import_of_what_has_an_id_in_the_same_packed_file(tmp_path: Path) -> None:
    """As cwltool packs types that several tools import; it was taken for a file without a name."""
    parameters = "data: {reads: 'rucio(escape, user.jdoe, a.root)', lane: 1}"
    (tmp_path / "reana.yaml").write_text(SPECIFICATION.replace("data: rucio(escape, user.jdoe, a.root)", parameters))
    (tmp_path / "main.cwl").write_text(PACKED)
    result = compile_file(tmp_path / "reana.yaml")
    assert not [each for each in result.diagnostics if each.severity.name == "ERROR"]
    assert '"rucio_staged": "a.root"' in result.files["main.rucio-stage-in.escape.cwl"]
