"""The commands check and explain, and the Python interface: what they say where, and with which exit code."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import reana_rucio_compiler
from reana_rucio_compiler.rules import RULES
from tests.command import run
from tests.examples import environment

ROOT = Path(__file__).parent.parent
ERRORS = ROOT / "tests" / "golden" / "errors"
GOOD = "workflow: {type: serial, specification: {steps: [{environment: 'a:1', commands: [ls]}]}}\n"
WARNED = GOOD + "inptus: {}\n"
WRONG = GOOD + "inputs: {files: ['rucio(escpae, user.jdoe, a.root)']}\n"


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("case", sorted(ERRORS.iterdir()), ids=lambda case: case.name)
def test_check_says_on_standard_output_what_compile_says_and_writes_nothing(case: Path, tmp_path: Path) -> None:
    shutil.copytree(case, tmp_path, dirs_exist_ok=True)
    before = sorted(tmp_path.rglob("*"))
    spec = (case / "spec").read_text().strip() if (case / "spec").exists() else "reana.yaml"
    args = (case / "args").read_text().split() if (case / "args").exists() else []
    result = run("check", spec, *args)
    exit_code, _, said = (case / "expected").read_text().partition("\n")
    said = re.sub(r"^reana-rucio: wrote .*\n", "", said, flags=re.MULTILINE)
    assert (f"exit {result.exit_code}", result.stdout) == (exit_code, said)
    assert re.fullmatch(rf"reana-rucio: checked {spec}: .*\n", result.stderr)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("text", "args", "exit_code", "summary"),
    [
        (GOOD, [], 0, "all is well"),
        (GOOD, ["--strict"], 0, "all is well"),
        (WARNED, [], 0, "1 warning"),
        (WARNED, ["--strict"], 1, "1 warning"),
        (WRONG, [], 1, "1 error"),
        (WRONG + "inptus: {}\n", [], 1, "1 error, 1 warning"),
    ],
)
def test_exit_code_says_whether_something_is_wrong(text: str, args: list[str], exit_code: int, summary: str) -> None:
    Path("reana.yaml").write_text(text)
    result = run("check", *args)
    assert result.exit_code == exit_code
    assert result.stderr == f"reana-rucio: checked reana.yaml: {summary}\n"
    from_stdin = run("check", "-", *args, stdin=text.encode())
    assert from_stdin.exit_code == exit_code
    assert from_stdin.stdout == result.stdout.replace("reana.yaml:", "<stdin>:")


def test_all_specifications_of_one_call_are_checked_and_a_missing_one_is_a_finding() -> None:
    Path("a.yaml").write_text(WRONG)
    Path("b.yaml").write_text(WRONG)
    result = run("check", "b.yaml", "nosuch.yaml", "a.yaml", "b.yaml", "--format", "json")
    report = json.loads(result.stdout)
    found = [(entry["file"], entry["code"]) for entry in report["diagnostics"]]
    assert found == [("b.yaml", "RR205"), ("nosuch.yaml", "RR001"), ("a.yaml", "RR205")]
    assert result.exit_code == 1
    assert result.stderr == "reana-rucio: checked 3 specifications: 3 errors\n"


def test_a_file_that_two_specifications_share_is_reported_once() -> None:
    Path("a.yaml").write_text(GOOD)
    Path("b.yaml").write_text(GOOD)
    Path("instances.yaml").write_text("rucio: {instances: {vre: {}}}\n")
    result = run("check", "a.yaml", "b.yaml", "--instances", "instances.yaml")
    assert result.stdout.count("[RR206]") == 1


@pytest.mark.parametrize(
    ("there", "checked"),
    [
        (["reana.yml"], "reana.yml"),
        (["reana.yaml", "reana.yml"], "reana.yaml"),
        (["reana.src.yaml"], "reana.src.yaml"),
        (["reana.src.yaml", "reana.yaml"], "2 specifications"),
    ],
)
def test_without_a_name_the_usual_ones_are_taken(there: list[str], checked: str) -> None:
    for name in there:
        Path(name).write_text(GOOD)
    assert run("check").stderr == f"reana-rucio: checked {checked}: all is well\n"


@pytest.mark.parametrize(
    "args", [["check"], ["check", "--format", "xml"], ["explain", "RR999"], ["compile", "--check"]]
)
def test_wrong_usage_is_exit_2(args: list[str]) -> None:
    assert run(*args).exit_code == 2


@pytest.mark.parametrize("example", sorted(path.name for path in (ROOT / "examples").iterdir()))
def test_examples_and_what_they_compile_to_are_well(example: str) -> None:
    directory = ROOT / "examples" / example
    result = run("check", "--strict", str(directory / "reana.yaml"), str(directory / "reana.out.yaml"))
    assert result.exit_code == 0, result.stdout


def test_injected_steps_are_not_diagnosed_but_the_users_are() -> None:
    Path("reana.yaml").write_text(
        "inputs:\n  files:\n    - rucio(escape, user.jdoe, a.root)\nworkflow:\n  type: serial\n  specification:\n"
        "    steps:\n      - name: fit\n        environment: 'a:1'\n        commands:\n          - ls\n"
    )
    compiled = run("compile").stdout
    Path("out.yaml").write_text(compiled)
    assert run("check", "--strict", "out.yaml").stdout == ""
    # Were the step the user's own, the same text would be looked at.
    broken = compiled.replace("commands:", "commands:\n          - ls $HOME", 1)
    assert "rucio-stage-in" in broken.partition("ls $HOME")[0]
    Path("out.yaml").write_text(broken)
    assert run("check", "--strict", "out.yaml").stdout == ""
    Path("out.yaml").write_text(compiled.replace("- ls", "- ls $HOME"))
    assert "[RR405]" in run("check", "--strict", "out.yaml").stdout
    Path("out.yaml").write_text(broken.partition("\n")[2])
    assert "[RR405]" in run("check", "--strict", "out.yaml").stdout


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_explain_says_why_with_both_examples(rule: object) -> None:
    assert isinstance(rule, reana_rucio_compiler.diagnostics.Rule)  # type: ignore[attr-defined]
    by_code, by_name = run("explain", rule.code.lower()), run("explain", rule.name)
    assert by_code.exit_code == 0
    assert by_code.stdout == by_name.stdout
    heading, _, rest = by_code.stdout.partition("\n")
    assert heading == f"{rule.code} {rule.name} ({rule.severity.value}): {rule.title}"
    assert f"[{rule.code}]: " in rest
    assert rest.index("\nWrong:\n") < rest.index("\nRight:\n")
    assert "```" not in rest
    assert (f"# rucio: ignore[{rule.code}]\n" in rest.rpartition("Right:")[2]) == rule.ignorable


def test_explain_without_a_code_lists_every_rule() -> None:
    lines = run("explain").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [[rule.code, rule.severity.value] for rule in RULES]


def test_python_interface_gives_the_same_diagnostics() -> None:
    Path("reana.yaml").write_text(WRONG)
    (found,) = reana_rucio_compiler.check("reana.yaml", parameters={"a": "b"})
    assert (found.rule.code, found.span.line, found.span.column) == ("RR205", 2, 25)
    assert reana_rucio_compiler.compile(Path("reana.yaml")).diagnostics[0].message == found.message
    assert reana_rucio_compiler.check() == ()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("command", ["compile", "check"])
def test_full_disk_is_told_in_words(command: str, tmp_path: Path) -> None:
    files = "".join(f"    - rucio(escpae, user.jdoe, a{number}.root)\n" for number in range(2000))
    instances = "rucio: {instances: {escpae: {rucio_host: 'https://a.b', auth_host: 'https://a.b'}}}\n"
    text = f"inputs:\n  files:\n{files}" + GOOD + (instances if command == "compile" else "")
    (tmp_path / "reana.yaml").write_text(text)
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(["reana-rucio", command], cwd=tmp_path, env=environment(tmp_path), stdout=full,
                             stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert "reana-rucio: error: standard output: No space left on device" in ran.stderr
