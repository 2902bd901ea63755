"""check --reana-commons: the installed reana-commons has its say, in either of its lines, at the right place."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
from pathlib import Path

import lark
import pytest

import reana_rucio_compiler
from tests.command import run
from tests.environments import needs

ROOT = Path(__file__).parent.parent
LINES = {"reana-0.9": "0.9.11", "reana-0.95": "0.95.0a26"}
STEPS = """workflow:
  type: serial
  specification:
    steps:
      - name: fit
        environment: docker.io/library/bash:5.2
        commands:
          - ls
"""


@pytest.fixture(params=LINES)
def line(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment of one line, in which reana-rucio and what it needs beyond reana-commons can be imported."""
    needs(request.param)
    for module in (reana_rucio_compiler, lark):
        folder = Path(module.__file__).parent
        (tmp_path / "beside").mkdir(exist_ok=True)
        (tmp_path / "beside" / folder.name).symlink_to(folder)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "beside"))
    return str(request.param)


def _check(line: str, *args: str) -> subprocess.CompletedProcess[str]:
    command = [needs(line), "-m", "reana_rucio_compiler", "check", "--reana-commons", *args]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"})


def test_what_is_right_is_right_for_both_lines(line: str) -> None:
    examples = sorted(str(path) for path in ROOT.glob("examples/*/reana.yaml"))
    said = _check(line, *examples)
    summary = f"reana-rucio: checked {len(examples)} specifications with reana-commons {LINES[line]}: all is well\n"
    assert (said.returncode, said.stdout, said.stderr) == (0, "", summary)


def test_what_we_say_ourselves_is_not_repeated(line: str) -> None:
    """On wrong specifications it finds nothing that is not said at that place already, and never breaks."""
    beyond = {  # RR304 counts what is staged apart, RR303 is a warning where one line is sure to refuse
        "reana-0.9": [],
        "reana-0.95": ["RR303-paths", "RR304-entries", "RR305-file-and-directory"],
    }
    found = []
    for case in sorted((ROOT / "tests/golden/errors").glob("RR30*")):
        os.chdir(case)
        said = _check(line, "reana.yaml")
        assert said.returncode in (0, 1), said.stderr
        assert len(said.stderr.splitlines()) == 1, said.stderr
        if "reana-commons" in said.stdout:
            found.append(case.name)
    assert found == beyond[line]


def test_what_only_reana_commons_knows_is_told_with_its_name_and_place(line: str, tmp_path: Path) -> None:
    """A schema and a check that a later release may have, and we do not know: both are asked."""
    later = tmp_path / "beside" / "sitecustomize.py"
    later.write_text(
        "import json, pathlib, tempfile\n"
        "from reana_commons import config, serial\n"
        "from reana_commons.validation import operational_options, utils\n"
        "schema = json.loads(pathlib.Path(config.reana_yaml_schema_file_path).read_text())\n"
        "schema['properties']['version']['maxLength'] = 5\n"
        "del schema['properties']['outputs']\n"
        "schema['additionalProperties'] = False\n"
        "file = tempfile.NamedTemporaryFile('w', suffix='.json', delete=False)\n"
        "json.dump(schema, file); file.close()\n"
        "config.reana_yaml_schema_file_path = utils.reana_yaml_schema_file_path = file.name\n"
        "del operational_options.available_options['CACHE']\n"
        "serial.serial_workflow_schema['properties']['steps']['maxItems'] = 1\n"
    )
    text = "version: 0.9.0-beta\ninputs:\n  options:\n    CACHE: on\n" + STEPS
    text += STEPS[STEPS.index("      - name") :].replace("fit", "plot") + "outputs:\n  files: [a]\n"
    Path("reana.yaml").write_text(text)
    assert run("check").stdout == ""
    said = _check(line)
    places = [tuple(each.split(" ", 2)[:2]) for each in said.stdout.splitlines() if each.startswith("reana.yaml:")]
    assert places == [
        ("reana.yaml:1:10:", "error[RR301]:"),
        ("reana.yaml:4:5:", "error[RR301]:"),
        ("reana.yaml:9:7:", "error[RR301]:"),
        ("reana.yaml:17:1:", "warning[RR302]:"),
    ]
    name = f"reana-commons {LINES[line]}"
    assert said.stdout.count(f"{name} refuses this: ") == 3
    assert f'{name} refuses this: Operational option "CACHE" not supported.' in said.stdout
    assert f'{name} ignores this: there is no property "outputs" here' in said.stdout
    assert said.returncode == 1
    Path("reana.yaml").write_text(text.replace("0.9.0-beta", "0.9.0"))
    assert "reana.yaml:1:10" not in _check(line).stdout


def test_without_reana_commons_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if _installed():
        pytest.skip("reana-commons is installed here, as beside reana-client 0.9.6")
    monkeypatch.chdir(tmp_path)
    Path("reana.yaml").write_text(STEPS)
    said = run("check", "--reana-commons")
    assert said.exit_code == 2
    assert "reana-commons is not installed beside reana-rucio; pip install 'reana-rucio[reana]'" in said.stderr
    assert said.stdout == ""


def _installed() -> bool:
    try:
        return bool(importlib.metadata.version("reana-commons"))
    except importlib.metadata.PackageNotFoundError:
        return False
