"""Whatever a DID, a path or an option holds, the stager is told just that, or a located error refused it.

Many hostile inputs are put into one specification, which is compiled, then loaded and expanded by the engine itself and
run by a real shell. Only the stager is replaced, by a program that keeps the manifest that it was given.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reana_rucio_compiler.checks import normalised
from reana_rucio_compiler.compiler import compile_file
from reana_rucio_compiler.diagnostics import Severity
from tests.engines import cwl_runner, serial_runner
from tests.engines.snakemake_runner import run_snakemake
from tests.engines.yadage_runner import run_stubbed
from tests.environments import needs

ENGINES = {"serial": "reana-0.9", "cwl": "reana-0.9", "yadage": "reana-0.9", "snakemake": "reana-0.9"}

# What a shell, Python, YAML, CWL, str.format, string.Template, Jinja or a terminal could take for its own.
PIECES = [
    "$(touch owned)", "`touch owned`", "${IFS}", "$HOME", "$$", "$", "${events}", "$(inputs.x)", "${return 1}", "\\$(inputs.x)",
    "{0}", "{}", "{events}", "{{events}}", "{workdir}", "{input}", "{output[0]}", "{wildcards.x}", "{0.__class__}", "%(x)s", "%s", "%n",
    "'", '"', "'''", '"""', "\\", "\\n", "\\u0024", "\\x41", ";", "&&", "|", "> owned", "<", "!", "!!python/object", "&a", "*", "?", "[a]",
    "#", " #", "# ", ": ", "- ", "-", "--", "-rf", "--help", "=", "@", "~", "~root", ",", "->", "(", ")", "rucio(", "rucio(a, b, c)",
    "END_OF_MANIFEST", "END_OF_STAGER", "\nEND_OF_MANIFEST\n", "\n", "\r", "\t", "\0", "\x1b[2J", "\x7f", "\x85", "\u2028", "\u202e", "\u200f",
    "\ufeff", "é", "✓", "\U0001f600", "/tmp/x/", "/var/lib/cwl/x/", "/tmp/", "..", "../", "/", "//", "./", ".", "a" * 300, "a" * 4096,
    "null", "true", "1e3", "0x1", "<%", "{%", "{{", "}}", "%%", "$((1+1))", "$'\\n'", "\\\n",
]  # fmt: skip


def hostile(chance: random.Random) -> str:
    """A text of one to four pieces, with or without something harmless around them."""
    pieces = [chance.choice(PIECES) for _ in range(chance.randint(1, 4))]
    return chance.choice(["", "a", "x/"]) + "".join(pieces) + chance.choice(["", "b", ".root"])


def candidates(seed: int) -> Iterator[tuple[str, dict[str, object]]]:
    """Expressions, each with what a manifest must say of it."""
    chance = random.Random(seed)
    harmless = iter(range(100_000))

    def word(text: str) -> str:
        quote = chance.choice("'\"")
        return quote + text.replace(quote, quote * 2) + quote

    texts = [*PIECES, *(f"a{piece}b" for piece in PIECES), *(hostile(chance) for _ in range(150))]
    for text in texts:
        number = next(harmless)
        name, path, rse = f"n{number}", f"p{number}/f", None
        kind = chance.choice(["name", "path", "rse", "both"])
        if kind in ("name", "both"):
            name = text
        if kind in ("path", "both"):
            path = f"p{number}/{text}"
        if kind == "rse":
            rse = text
        option = f", rse={word(rse)}" if rse is not None else ""
        yield (
            f"rucio(escape, user.jdoe, {word(name)}{option}) -> {path}",
            {"name": name, "path": normalised(path.rstrip()), **({} if rse is None else {"rse": rse})},
        )


CWL = """\
cwlVersion: v1.0
class: Workflow
inputs: {}
outputs: {}
steps:
  one:
    in: {}
    out: []
    run:
      class: CommandLineTool
      hints: {DockerRequirement: {dockerPull: "a:1"}}
      baseCommand: "true"
      inputs: {}
      outputs: {}
"""
YADAGE = """\
stages:
- name: one
  dependencies: [init]
  scheduler:
    scheduler_type: singlestep-stage
    parameters: {}
    step:
      process: {process_type: string-interpolated-cmd, cmd: "true"}
      environment: {environment_type: docker-encapsulated, image: a, imagetag: "1"}
      publisher: {publisher_type: interpolated-pub, publish: {}}
"""


def project(directory: Path, engine: str, entries: list[str], paths: list[str]) -> Path:
    """A specification with these inputs, and its workflow files."""
    steps = [{"environment": "a:1", "commands": ["true"]}]
    workflows: dict[str, dict[str, object]] = {
        "serial": {"type": "serial", "specification": {"steps": steps}},
        "cwl": {"type": "cwl", "file": "main.cwl"},
        "yadage": {"type": "yadage", "file": "workflow.yaml"},
        "snakemake": {"type": "snakemake", "file": "Snakefile"},
    }
    texts = {"serial": {}, "cwl": {"main.cwl": CWL}, "yadage": {"workflow.yaml": YADAGE}}
    texts["snakemake"] = {"Snakefile": f"rule all:\n    input: {paths!r}\n"}
    directory.mkdir(exist_ok=True)
    for name, text in texts[engine].items():
        (directory / name).write_text(text)
    inputs = {"files": [*texts[engine], *entries], "parameters": {}}
    (directory / "reana.yaml").write_text(json.dumps({"inputs": inputs, "workflow": workflows[engine]}))
    return directory / "reana.yaml"


RECORDER = """\
import json, os, sys
manifest = json.load(open(sys.argv[1]))
for each in manifest["downloads"]:
    os.makedirs(os.path.dirname(each["path"]) or ".", exist_ok=True)
    open(each["path"], "w").write("x")
json.dump(manifest, open(manifest["receipt"], "w"))
"""
RUN = """\
import runpy, subprocess, sys
call, recorder = subprocess.call, sys.argv[1]
subprocess.call = lambda command, **options: call([command[0], recorder, *command[2:]], **options)
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0] if sys.argv[0].endswith("driver.py") else recorder, run_name="__main__")
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A directory with a python3 that runs the recorder in place of the stager."""
    directory = tmp_path / "programs"
    directory.mkdir()
    (directory / "recorder.py").write_text(RECORDER)
    (directory / "run.py").write_text(RUN)
    (directory / "python3").write_text(
        f'#!/bin/sh\nexec {sys.executable} {directory}/run.py {directory}/recorder.py "$@"\n'
    )
    (directory / "python3").chmod(0o755)
    return directory


def run_in_shell(spec: Path, workspace: Path, programs: Path) -> None:
    steps, _ = serial_runner.load(spec, "reana-0.9")
    for path in spec.parent.iterdir():
        (workspace / path.name).write_bytes(path.read_bytes())
    for command in steps[0]["commands"]:
        done = subprocess.run(
            ["bash", "-c", f"cd {workspace} && {command}"],
            env={"PATH": f"{programs}:/usr/bin:/bin"}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def run_engine(engine: str, spec: Path, tmp_path: Path, programs: Path) -> Path:
    """Run the compiled specification; the workspace."""
    workspace = tmp_path / "workspace"
    if engine == "serial":
        workspace.mkdir()
        run_in_shell(spec, workspace, programs)
    elif engine == "cwl":
        with tempfile.TemporaryDirectory(dir=Path.home(), prefix=".reana-rucio-test-") as base:
            result = cwl_runner.run_reana(spec, base=Path(base), sidecar_env={}, programs=programs)
            assert result.returncode == 0, result.log[-4000:]
            shutil.copytree(result.workspace, workspace, symlinks=True)
    elif engine == "yadage":
        workspace.mkdir()
        for path in spec.parent.iterdir():
            (workspace / path.name).write_bytes(path.read_bytes())
        done = run_stubbed(spec, workspace)
        assert done.status == "finished", done.report()
    else:
        workspace.mkdir()
        for path in spec.parent.iterdir():
            (workspace / path.name).write_bytes(path.read_bytes())
        run = run_snakemake("7.32", workspace, "Snakefile.rucio", environment={"PATH": f"{programs}:/usr/bin:/bin"})
        assert run.returncode == 0, run.output
    return workspace


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 8))])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_stager_is_told_what_was_written(engine: str, seed: int, tmp_path: Path, programs: Path) -> None:
    needs(ENGINES[engine])
    kept: dict[str, dict[str, object]] = {}
    for expression, wanted in candidates(seed):
        one = project(tmp_path / "one", engine, [expression], [str(wanted["path"])])
        compiled = compile_file(one)
        errors = [found for found in compiled.diagnostics if found.severity is Severity.ERROR]
        assert (compiled.text is None) == bool(errors), expression
        if errors:
            assert all(found.span.line for found in errors), expression
        elif engine == "snakemake" and re.search(r"[{}]|rucio\(", f"{wanted['name']}{wanted['path']}"):
            continue  # these are wildcards, or make an expression of what is between two of them in the Snakefile
        elif all(str(wanted["path"]) != other["path"] for other in kept.values()):
            kept[expression] = wanted
    assert len(kept) >= 100, "most are allowed, or the test says little"
    spec = project(tmp_path / "project", engine, list(kept), [str(wanted["path"]) for wanted in kept.values()])
    compiled = compile_file(spec)
    assert compiled.text is not None, [found.message for found in compiled.diagnostics]
    out = spec.with_name("reana.out.yaml")
    out.write_text(compiled.text)
    for name, text in compiled.files.items():
        (spec.parent / name).write_text(text)
    workspace = run_engine(engine, out, tmp_path, programs)
    receipts = [path for path in workspace.glob("rucio-stage-in*.json") if not path.name.endswith(".manifest.json")]
    told = [entry for path in receipts for entry in json.loads(path.read_text())["downloads"]]
    shown = {json.dumps({key: each.get(key) for key in ("name", "path", "rse")}, sort_keys=True) for each in told}
    meant = {
        json.dumps({key: each.get(key) for key in ("name", "path", "rse")}, sort_keys=True) for each in kept.values()
    }
    assert shown == meant
    assert not [path for place in (workspace, spec.parent) for path in place.rglob("owned*")]
