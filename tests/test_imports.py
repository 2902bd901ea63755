"""Start-up costs are imports: what each command may import beyond the standard library."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from reana_rucio_compiler import digests

PLAIN = "workflow: {type: serial, specification: {steps: [{environment: 'a:1', commands: [ls]}]}}\n"
IGNORED = PLAIN + "colour: red\n"
STAGED = PLAIN + "inputs: {files: ['rucio(escape, user.jdoe, a.root)']}\n"

# What is never needed to compile, and would cost the start of every hook.
NEVER = {"rucio", "reana_client", "reana_commons", "requests", "yaml", "numpy"}

CASES = {
    "plain compile": (["compile", "spec.yaml"], STAGED, {"ruamel"}),
    "plain check": (["check", "spec.yaml"], PLAIN, {"ruamel"}),
    "check of what REANA ignores": (["check", "spec.yaml"], IGNORED, {"ruamel", "jsonschema"}),
    "help": (["--help"], "", {"click"}),
    "no expression": (["compile", "-"], PLAIN, {"click", "ruamel"}),
    "expression": (["compile", "-"], STAGED, {"click", "ruamel"}),
    "check": (["check", "-"], PLAIN, {"click", "ruamel"}),
    "check for GitLab": (["check", "--format", "gitlab", "-"], PLAIN, {"click", "ruamel"}),
    "something REANA ignores": (["check", "-"], IGNORED, {"click", "ruamel", "jsonschema"}),
    "plan": (["plan", "-"], STAGED, {"click", "ruamel", "jsonschema", "lark"}),
    "secrets": (["secrets", "-"], STAGED, {"click", "ruamel", "jsonschema", "lark"}),
    "explain": (["explain", "RR101"], "", {"click"}),
    "schema": (["schema"], "", {"click"}),
}


@pytest.mark.parametrize("case", CASES)
def test_command_imports_no_more_than_it_needs(case: str, tmp_path: Path) -> None:
    args, text, allowed = CASES[case]
    (tmp_path / "spec.yaml").write_text(text)
    program = (
        "import sys; before = set(sys.modules)\n"
        "from reana_rucio_compiler.__main__ import command\n"
        "try: command()\n"
        "except SystemExit as error: assert not error.code, error\n"
        "print(*sorted({name for name in set(sys.modules) - before}), file=sys.stderr)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, *args], input=text, cwd=tmp_path, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    modules = set(ran.stderr.split())
    assert not NEVER & modules
    watched = {"click", "ruamel", "jsonschema", "lark", "hypothesis"}
    assert {name.partition(".")[0] for name in modules} & watched <= allowed


def test_plain_call_imports_little_of_the_standard_library(tmp_path: Path) -> None:
    """What ruamel.yaml and the interpreter import is theirs; beyond it, nothing that takes long."""
    program = (
        "import sys, pathlib, ruamel.yaml; before = set(sys.modules)\n"
        "from reana_rucio_compiler.__main__ import command\n"
        "try: command()\n"
        "except SystemExit as error: assert not error.code, error\n"
        "print(*sorted(set(sys.modules) - before), file=sys.stderr)\n"
    )
    (tmp_path / "spec.yaml").write_text(PLAIN)
    command = [sys.executable, "-c", program, "compile", "spec.yaml"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    modules = set(ran.stderr.split())
    assert "reana_rucio_compiler.compiler" in modules
    long = {
        "dataclasses",
        "inspect",
        "urllib",
        "tempfile",
        "shutil",
        "uuid",
        "difflib",
        "subprocess",
        "socket",
        "email",
        "asyncio",
        "hashlib",
        "shlex",
        "string",
    }
    assert modules & long == set()


def test_python_interface_imports_nothing_before_it_is_called() -> None:
    program = "import sys, reana_rucio_compiler; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = set(ran.stdout.split())
    assert {name for name in modules if name.startswith("reana_rucio_compiler")} == {"reana_rucio_compiler"}
    assert not modules & {"click", "ruamel", "jsonschema", "lark"}


def test_an_example_needs_no_openssl() -> None:
    """The digest of a side file is that of hashlib, which is not loaded."""
    program = (
        "import sys; from reana_rucio_compiler.compiler import compile_file; from pathlib import Path\n"
        "print(compile_file(Path('reana.yaml')).text, 'hashlib' in sys.modules)\n"
    )
    example = Path(__file__).parents[1] / "examples" / "serial-dimuon-mass"
    ran = subprocess.run([sys.executable, "-c", program], cwd=example, capture_output=True, text=True, check=True)
    text, loaded = ran.stdout.rstrip().rsplit(" ", 1)
    digest = hashlib.sha256((example / "rucio-stager.py").read_bytes()).hexdigest()
    assert digest in text
    assert loaded == "False"


@pytest.mark.parametrize("module", [None, "there is none"])
def test_digests_are_those_of_hashlib(module: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if module:
        monkeypatch.setattr(digests, "_MODULE", module)
    for text in ("", "a", "é\n" * 1000):
        assert digests.sha256(text) == hashlib.sha256(text.encode()).hexdigest()
