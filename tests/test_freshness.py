"""compile --check and --diff: which file belongs to which, what is stale, and that nothing is written."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from reana_rucio_compiler.freshness import diff
from tests import command
from tests.command import Result

PLAIN = """workflow:
  type: serial
  specification:
    steps:
      - environment: a:1
        commands:
          - ls
"""
SOURCE = "inputs:\n  files:\n    - rucio(escape, user.jdoe, a.root)\n" + PLAIN


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*args: str, stdin: str = "") -> Result:
    before = _files()
    result = command.run("compile", *args, stdin=stdin.encode())
    if "--check" in args or "--diff" in args:
        assert _files() == before
    return result


def _says_nothing(result: Result) -> bool:
    return (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def _files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("source", "compiled", "args"),
    [
        ("reana.yaml", "reana.out.yaml", []),
        ("reana.yml", "reana.out.yml", []),
        ("reana.src.yaml", "reana.yaml", []),
        ("reana.yaml", "elsewhere.yaml", []),  # found by its header
        ("reana.yaml", "elsewhere.yaml", ["-o", "elsewhere.yaml"]),
        ("sub/fit.yaml", "sub/fit.out.yaml", ["sub/fit.yaml"]),
        ("sub/fit.yaml", "sub/fit.out.yaml", ["sub/fit.out.yaml"]),  # a compiled file stands for its source
        ("sub/fit.yaml", "sub/plain.yaml", ["sub/fit.yaml", "sub/plain.yaml"]),
    ],
)
def test_compiled_file_is_found_and_compared(source: str, compiled: str, args: list[str]) -> None:
    Path(source).parent.mkdir(exist_ok=True)
    Path(source).write_text(SOURCE)
    assert run(source, "-o", compiled).exit_code == 0
    fresh = run("--check", *args)
    assert _says_nothing(fresh)

    Path(source).write_text(SOURCE.replace("a.root", "b.root"))
    stale = run("--check", *args)
    assert stale.exit_code == 1
    assert stale.stdout.startswith(f"--- {compiled}\n+++ {compiled}\n@@ ")
    assert '"name": "b.root"' in stale.stdout
    remedy = f"{compiled} is not what its source compiles to; run reana-rucio compile {source} -o {compiled}"
    assert stale.stderr == f"reana-rucio: {remedy}\n"
    assert run(*remedy.partition("compile ")[2].split()).exit_code == 0
    assert run("--check", *args).exit_code == 0


def test_remedy_is_a_line_for_the_shell_with_the_same_options() -> None:
    Path("my spec.yaml").write_text(SOURCE.replace("a.root", "${name}.root"))
    Path("i n.yaml").write_text("rucio: {instances: {}}\n")
    options = ["-p", "name=it's", "--instances", "i n.yaml"]
    stale = run("--check", "my spec.yaml", *options)
    assert stale.exit_code == 1
    (line,) = {each.partition("; run ")[2] for each in stale.stderr.splitlines() if "; run " in each}
    words = shlex.split(line)
    assert words[:2] == ["reana-rucio", "compile"]
    assert run(*words[2:]).exit_code == 0
    assert _says_nothing(run("--check", "my spec.yaml", *options))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a\nb\n", "a\nc\n"),
        ("a", "a\n"),
        ("a\n", "b"),
        ("a\x0cb\n\u2028\r\nc", "a\x0cc\n\u2028\r\nc"),  # what Python, too, takes for ends of lines
    ],
)
def test_the_diff_is_one_that_patch_applies(before: str, after: str) -> None:
    Path("x").write_bytes(before.encode())
    shown = diff(before, after, "x", "x").encode()
    subprocess.run(["patch", "--quiet", "--binary", "-p0"], input=shown, check=True)
    assert Path("x").read_bytes() == after.encode()


def test_a_file_beside_the_specification_goes_stale_too() -> None:
    # Two jobs share one copy of the program.
    Path("reana.yaml").write_text(SOURCE.replace("workflow", "    - rucio(atlas, user.jdoe, b.root)\nworkflow", 1))
    run("-o", "reana.out.yaml")
    assert Path("rucio-stager.py").exists()
    assert run("--check").exit_code == 0
    with Path("rucio-stager.py").open("a") as stream:
        stream.write("# edited\n")
    stale = run("--check")
    assert stale.exit_code == 1
    assert stale.stdout == ""  # of a program that nobody wrote a diff says nothing
    assert stale.stderr.startswith("reana-rucio: rucio-stager.py is not what its source compiles to; run ")
    Path("rucio-stager.py").unlink()
    missing = run("--check")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "rucio-stager.py is missing" in missing.stderr
    Path("reana.out.yaml").unlink()
    both = run("--check").stderr.splitlines()
    assert [each.partition("; run ")[0] for each in both] == [
        "reana-rucio: reana.out.yaml is missing", "reana-rucio: rucio-stager.py is missing"
    ]  # fmt: skip
    assert sum("; run " in each for each in both) == 1


def test_what_was_never_compiled_is_stale_unless_there_is_nothing_to_compile() -> None:
    Path("reana.yaml").write_text(SOURCE)
    assert run("--check").exit_code == 1
    Path("reana.yaml").write_text(PLAIN)
    assert _says_nothing(run("--check"))
    assert run("--check", "-o", "reana.out.yaml").exit_code == 1


def test_gitlab_layout_compiles_the_source_by_default() -> None:
    Path("reana.src.yaml").write_text(SOURCE)
    Path("reana.yaml").write_text(PLAIN)
    assert "rucio-stage-in" in run().stdout
    refused = run("-o", "reana.yaml")
    assert "was not compiled by reana-rucio" in refused.stderr
    Path("reana.yaml").unlink()
    assert run("-o", "reana.yaml").exit_code == 0
    assert _says_nothing(run("--check"))


def test_errors_of_the_source_are_reported_and_nothing_is_compared() -> None:
    Path("reana.yaml").write_text(SOURCE.replace("escape", "escpae"))
    result = run("--check")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "[RR205]" in result.stderr


def test_diff_shows_what_compiling_changes() -> None:
    Path("reana.yaml").write_text(SOURCE)
    result = run("--diff")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:2] == ["--- reana.yaml", "+++ reana.yaml (compiled)"]
    assert "-    - rucio(escape, user.jdoe, a.root)" in lines
    Path("reana.yaml").write_text(PLAIN)
    assert _says_nothing(run("--diff"))
    assert run("-", "--diff", stdin=SOURCE).stdout.startswith("--- -\n")


@pytest.mark.parametrize(
    "args", [["--check", "--diff"], ["a", "b"], ["a", "b", "--check", "-o", "c"], ["--check", "-"]], ids=" ".join
)
def test_wrong_usage_is_exit_2(args: list[str]) -> None:
    Path("reana.yaml").write_text(SOURCE)
    assert run(*args, stdin=SOURCE).exit_code == 2


def test_a_compiled_parameter_file_is_not_taken_for_the_compiled_specification() -> None:
    Path("main.cwl").write_text(
        "cwlVersion: v1.0\nclass: CommandLineTool\nbaseCommand: cat\ninputs: {events: File}\noutputs: []\n"
    )
    Path("job.yml").write_text("events: rucio(escape, user.jdoe, a.root)\n")
    Path("reana.yaml").write_text("inputs: {parameters: {input: job.yml}}\nworkflow: {type: cwl, file: main.cwl}\n")
    assert run("reana.yaml", "-o", "z.yaml").exit_code == 0
    assert _says_nothing(run("--check", "reana.yaml"))
    Path("z.yaml").write_text(Path("z.yaml").read_text() + "# by hand\n")
    stale = run("--check", "reana.yaml")
    assert (stale.exit_code, "z.yaml is not what its source compiles to" in stale.stderr) == (1, True)
    Path("job.yml").write_text("events: rucio(escape, user.jdoe, b.root)\n")
    assert "is compiled from reana.yaml too" not in run("reana.yaml", "-o", "z.yaml").stderr
