"""Whatever a DID, a path or an option holds, the stager is told just that, or a located error refused it.

Many hostile inputs are put into one specification, which is compiled, then loaded and expanded by the engine itself and
run by a real shell. Only the stager is replaced, by a program that keeps the manifest that it was given.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reana_rucio_compiler import stager
from reana_rucio_compiler.checks import normalised
from reana_rucio_compiler.compiler import compile_file
from reana_rucio_compiler.diagnostics import Severity
from reana_rucio_compiler.model import Instance
from reana_rucio_compiler.staging import Job, embed
from tests.engines import cwl_runner, serial_runner
from tests.engines.snakemake_runner import run_snakemake
from tests.engines.yadage_runner import run_stubbed
from tests.environments import needs

ENGINES = ("serial", "cwl", "yadage", "snakemake")
# What REANA 0.9 runs, and the newest of each: of reana-commons, cwltool, yadage and Snakemake.
LINES = {
    "0.9": dict.fromkeys(ENGINES, "reana-0.9"),
    "newest": {**dict.fromkeys(ENGINES, "reana-0.95"), "cwl": "cwltool"},
}

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


def quoted(text: str, chance: random.Random) -> str:
    quote = chance.choice("'\"")
    return quote + text.replace(quote, quote * 2) + quote


def candidates(seed: int) -> Iterator[tuple[str, dict[str, object]]]:
    """Expressions, each with what a manifest must say of it."""
    chance = random.Random(seed)
    harmless = iter(range(100_000))

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
        option = f", rse={quoted(rse, chance)}" if rse is not None else ""
        yield (
            f"rucio(escape, user.jdoe, {quoted(name, chance)}{option}) -> {path}",
            {"name": name, "path": normalised(path.rstrip()), **({} if rse is None else {"rse": rse})},
        )


@dataclass(frozen=True)
class Output:
    """Something to upload, and the properties of its instance; `told` is what a manifest must say of both."""

    path: str
    expression: str
    instance: dict[str, str]
    told: dict[str, Any]

    @property
    def section(self) -> str:
        return {"file": "files", "directory": "directories"}[self.told["type"]]


def cwl(outputs: Sequence[Output]) -> str:
    """A workflow of a step that makes the outputs."""
    types = {each.path: each.told["type"].capitalize() for each in outputs}
    tool = {
        "class": "CommandLineTool",
        "hints": {"DockerRequirement": {"dockerPull": "a:1"}},
        "requirements": {"ShellCommandRequirement": {}},
        "arguments": [{"shellQuote": False, "valueFrom": making(outputs)}],
        "inputs": {},
        "outputs": {path: {"type": kind, "outputBinding": {"glob": path}} for path, kind in types.items()},
    }
    workflow = {
        "cwlVersion": "v1.0",
        "class": "Workflow",
        "inputs": {},
        "outputs": {path: {"type": kind, "outputSource": f"one/{path}"} for path, kind in types.items()},
        "steps": {"one": {"in": {}, "out": list(types), "run": tool}},
    }
    return json.dumps(workflow)


def yadage(outputs: Sequence[Output]) -> str:
    """A workflow of a stage that publishes the outputs."""
    image = {"environment_type": "docker-encapsulated", "image": "a", "imagetag": "1"}
    published = {each.path: "{workdir}/" + each.path for each in outputs}
    step = {
        "process": {"process_type": "string-interpolated-cmd", "cmd": "true"},
        "environment": image,
        "publisher": {"publisher_type": "interpolated-pub", "publish": published},
    }
    scheduler = {"scheduler_type": "singlestep-stage", "parameters": {}, "step": step}
    return json.dumps({"stages": [{"name": "one", "dependencies": [], "scheduler": scheduler}]})


def makes(outputs: Sequence[Output]) -> str:
    """The rule of a Snakefile that makes the outputs."""
    paths = [f"directory({each.path!r})" if each.section == "directories" else repr(each.path) for each in outputs]
    return f"rule make:\n    output: {', '.join(paths)}\n    shell: {making(outputs)!r}\n" if paths else ""


def making(outputs: Sequence[Output]) -> str:
    files = [each.path if each.section == "files" else f"{each.path}/x" for each in outputs]
    folders = [each.path for each in outputs if each.section == "directories"]
    return f"mkdir -p . {' '.join(folders)} && touch x {' '.join(files)}"


def project(directory: Path, engine: str, entries: list[str], paths: list[str], outputs: Sequence[Output] = ()) -> Path:
    """A specification with these inputs and outputs, and its workflow files."""
    steps = [{"environment": "a:1", "commands": ["true"]}]
    workflows: dict[str, dict[str, object]] = {
        "serial": {"type": "serial", "specification": {"steps": steps}},
        "cwl": {"type": "cwl", "file": "main.cwl"},
        "yadage": {"type": "yadage", "file": "workflow.yaml"},
        "snakemake": {"type": "snakemake", "file": "Snakefile"},
    }
    texts = {"serial": {}, "cwl": {"main.cwl": cwl(outputs)}, "yadage": {"workflow.yaml": yadage(outputs)}}
    texts["snakemake"] = {"Snakefile": f"rule all:\n    input: {paths!r}\n" + makes(outputs)}
    directory.mkdir(exist_ok=True)
    for name, text in texts[engine].items():
        (directory / name).write_text(text)
    inputs = {"files": [*texts[engine], *entries], "parameters": {}}
    document: dict[str, object] = {"inputs": inputs, "workflow": workflows[engine]}
    if outputs:
        before = "one/" if engine == "yadage" else ""
        document["outputs"] = {
            section: [f"{before}{each.path} -> {each.expression}" for each in outputs if each.section == section]
            for section in ("files", "directories")
        }
        document["rucio"] = {"instances": {each.told["instance"]["name"]: each.instance for each in outputs}}
    (directory / "reana.yaml").write_text(json.dumps(document))
    return directory / "reana.yaml"


RECORDER = """\
import json, os, sys, tempfile
manifest = json.load(open(sys.argv[1]))
for each in manifest.get("downloads", []):
    os.makedirs(os.path.dirname(each["path"]) or ".", exist_ok=True)
    open(each["path"], "w").write("x")
json.dump(manifest, open(manifest["receipt"], "w"))
json.dump(manifest, open(tempfile.mkstemp(".json", dir=os.path.join(os.path.dirname(__file__), "told"))[0], "w"))
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
    (directory / "told").mkdir(parents=True)
    (directory / "recorder.py").write_text(RECORDER)
    (directory / "run.py").write_text(RUN)
    (directory / "python3").write_text(
        f'#!/bin/sh\nexec {sys.executable} {directory}/run.py {directory}/recorder.py "$@"\n'
    )
    (directory / "python3").chmod(0o755)
    return directory


def run_in_shell(line: str, spec: Path, workspace: Path, programs: Path) -> None:
    steps, _ = serial_runner.load(spec, LINES[line]["serial"])
    for command in [command for step in steps for command in step["commands"]]:
        done = subprocess.run(
            ["bash", "-c", f"cd {workspace} && {command}"],
            env={"PATH": f"{programs}:/usr/bin:/bin"}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def run_engine(engine: str, line: str, spec: Path, tmp_path: Path, programs: Path) -> list[dict[str, Any]]:
    """Run the compiled specification; the manifests that the stager was given."""
    workspace = tmp_path / "workspace"
    if engine == "cwl" and line == "newest":
        result = cwl_runner.run_cwltool(spec, workspace, {}, programs=programs)
        assert result.returncode == 0, result.log[-4000:]
    elif engine == "cwl":
        with tempfile.TemporaryDirectory(dir=Path.home(), prefix=".reana-rucio-test-") as base:
            result = cwl_runner.run_reana(spec, base=Path(base), sidecar_env={}, programs=programs)
            assert result.returncode == 0, result.log[-4000:]
            shutil.copytree(result.workspace, workspace, symlinks=True)
    else:
        workspace.mkdir()
        for path in spec.parent.iterdir():
            (workspace / path.name).write_bytes(path.read_bytes())
    if engine == "serial":
        run_in_shell(line, spec, workspace, programs)
    elif engine == "yadage":  # its runner has a recorder of its own
        done = run_stubbed(spec, workspace, reana=LINES[line]["yadage"])
        assert done.status == "finished", done.report()
        for path in workspace.glob("rucio-stage-*.json"):
            if not path.name.endswith(".manifest.json"):
                shutil.copy(path, programs / "told")
    elif engine == "snakemake":
        version = {"0.9": "7.32", "newest": "9"}[line]
        run = run_snakemake(version, workspace, "Snakefile.rucio", environment={"PATH": f"{programs}:/usr/bin:/bin"})
        assert run.returncode == 0, run.output
    assert not [path for place in (workspace, spec.parent) for path in place.rglob("owned*")]
    told = [json.loads(path.read_text()) for path in (programs / "told").iterdir()]
    for manifest in told:
        stager.check(manifest, {})  # raises where it would not take what the compiler allows
    return told


SLOW = [*(("0.9", seed) for seed in range(2, 8)), *(("newest", seed) for seed in range(1, 4))]
RUNS = [("0.9", 1), *(pytest.param(*each, marks=pytest.mark.slow) for each in SLOW)]


@pytest.mark.parametrize(("line", "seed"), RUNS)
@pytest.mark.parametrize("engine", ENGINES)
def test_the_stager_is_told_what_was_written(engine: str, line: str, seed: int, tmp_path: Path, programs: Path) -> None:
    needs(LINES[line][engine])
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
    manifests = run_engine(engine, line, out, tmp_path, programs)
    keys = ("name", "path", "rse")
    told = [{key: entry.get(key) for key in keys} for manifest in manifests for entry in manifest["downloads"]]
    assert as_text(told) == as_text({"rse": None, **each} for each in kept.values())


# ---- whom to ask, and what to upload

HOSTS = ("rucio_host", "auth_host")
ADDRESS = (*HOSTS, "vo", "account", "proxy_file", "username_env", "password_env", "token_file")
FIELDS = (*ADDRESS, "instance", "scope", "name", "rse", "default rse", "dataset", "prefix")


def written(seed: int) -> Iterator[tuple[str, str]]:
    """Properties of an instance or of an upload, and what somebody wrote there."""
    chance = random.Random(seed)
    texts = [*PIECES, *(f"a{piece}b" for piece in PIECES), *(hostile(chance) for _ in range(60))]
    for text in texts:
        for field in chance.sample(FIELDS, 3):
            before = (
                chance.choice(["", "https://", "https://a.org/", "https://a.", "HTTPS://"]) if field in HOSTS else ""
            )
            yield field, before + text


def an_output(number: int, values: Mapping[str, str], chance: random.Random) -> Output:
    """An output with the properties that its values say, and harmless ones."""
    name = values.get("instance", f"i{number}")
    instance = {"rucio_host": "https://a.org", "auth_host": "https://a.org", "auth_type": "x509_proxy"}
    if {"username_env", "password_env"} & set(values):
        instance.update(auth_type="userpass", username_env="A_NAME", password_env="A_WORD")
    elif "token_file" in values:
        instance["auth_type"] = "oidc"
    instance.update((key, value) for key, value in values.items() if key in ADDRESS)
    kind = "directory" if "prefix" in values else "file"
    upload = {"scope": "user.jdoe", "name": f"n{number}", "rse": "DISK", "type": kind}
    upload.update((key, value) for key, value in values.items() if key in ("scope", "name", "rse", "dataset", "prefix"))
    told = {**upload, "instance": {"name": name, **instance}}
    if "default rse" in values:
        told["rse"] = instance["rse"] = values["default rse"]
        del upload["rse"]
    options = [f"{key}={quoted(upload[key], chance)}" for key in ("rse", "dataset", "prefix") if key in upload]
    words = [quoted(each, chance) for each in (name, upload["scope"], upload["name"])]
    told["instance"] = {key: value for key, value in told["instance"].items() if key != "rse"}
    return Output(f"{kind[0]}{number}", f"rucio({', '.join(words + options)})", instance, told)


@pytest.mark.parametrize(("line", "seed"), RUNS)
@pytest.mark.parametrize("engine", ENGINES)
def test_the_stager_is_told_whom_to_ask_and_what_to_upload(
    engine: str, line: str, seed: int, tmp_path: Path, programs: Path
) -> None:
    needs(LINES[line][engine])
    chance = random.Random(seed)
    allowed: dict[str, list[str]] = {field: [] for field in FIELDS}
    for field, text in written(seed):
        output = an_output(0, {field: text}, chance)
        compiled = compile_file(project(tmp_path / "one", engine, [], [], [output]))
        errors = [found for found in compiled.diagnostics if found.severity is Severity.ERROR]
        assert (compiled.text is None) == bool(errors), output
        assert all(found.span.line for found in errors), output
        if not errors and text not in allowed[field]:
            allowed[field].append(text)
    assert all(allowed.values()), allowed
    outputs = []
    for number in range(24):
        home = number % 6  # a few instances, with some outputs each
        means = [(), ("username_env", "password_env"), ("token_file",), ("proxy_file",)][home % 4]
        fields = [each for each in ("instance", *HOSTS, "vo", "account", *means) if home < len(allowed[each])]
        values = {"instance": f"i{home}", **{each: allowed[each][home] for each in fields}}
        own = ("scope", "name", "rse", "prefix" if number % 2 else "dataset")
        values.update({each: allowed[each][number % len(allowed[each])] for each in own})
        if home == 5:
            values["default rse"] = allowed["default rse"][0]
        outputs.append(an_output(number, values, chance))
    spec = project(tmp_path / "project", engine, [], [each.path for each in outputs], outputs)
    compiled = compile_file(spec)
    assert compiled.text is not None, [found.message for found in compiled.diagnostics]
    out = spec.with_name("reana.out.yaml")
    out.write_text(compiled.text)
    for name, text in compiled.files.items():
        (spec.parent / name).write_text(text)
    manifests = run_engine(engine, line, out, tmp_path, programs)
    keys = ("scope", "name", "rse", "type", "dataset", "prefix")
    for action in ("stage-check", "stage-out"):
        told = [
            {**{key: entry[key] for key in keys if key in entry}, "instance": each["instance"]}
            for each in manifests if each["action"] == action for entry in each["uploads"]
        ]  # fmt: skip
        assert as_text(told) == as_text([each.told for each in outputs])


def as_text(told: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted(json.dumps(each, sort_keys=True) for each in told)


# ---- what became of a side file


@pytest.mark.parametrize("shape", ["right", "changed", "missing", "link to another", "pipe", "device", "directory"])
@pytest.mark.parametrize("engine", ["shell", "cwl"])
def test_a_side_file_is_what_was_compiled_or_nothing_runs(engine: str, shape: str, tmp_path: Path) -> None:
    """Nor does a job wait for a pipe, or copy what has no end."""
    embedding = embed([STAGING_JOB], program_apart=True)
    ((name, text),) = embedding.files.items()
    path = tmp_path / name
    if shape in ("right", "changed"):
        path.write_text(text + ("#" if shape == "changed" else ""))
    elif shape == "link to another":
        (tmp_path / "other.py").write_text("print('other')")
        path.symlink_to("other.py")
    elif shape == "pipe":
        os.mkfifo(path)
    elif shape == "device":
        path.symlink_to("/dev/zero")
    elif shape == "directory":
        path.mkdir()
    command = ["bash", "-c", embedding.command(STAGING_JOB)]
    if engine == "cwl":
        fetching = "import sys; from reana_rucio_compiler.backends.cwl import driver as d; d.fetch(*sys.argv[1:])"
        digest = hashlib.sha256(text.encode()).hexdigest()
        command = [sys.executable, "-c", fetching, str(path), str(tmp_path / "copy"), digest]
    path_to_us = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=tmp_path, env=path_to_us, capture_output=True, text=True, timeout=60)
    told = "is missing or was changed" in done.stderr
    assert told == (shape != "right"), done.stderr
    assert "other" not in done.stdout


STAGING_JOB = Job("stage-check", Instance("escape", "https://a.org", "https://a.org"))
