"""Two specifications never overwrite each other's generated files, whichever engine, and nobody else is kept away."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import reana_rucio_compiler
from tests.command import Result, run

ERRORS = Path(__file__).with_name("golden") / "errors"
ENGINES = ["cwl", "snakemake", "yadage"]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A directory with other.yaml and reana.yaml, which share their workflow; nothing is compiled yet."""
    case = ERRORS / f"RR012-{request.param}"
    for path in case.iterdir():
        if ".rucio" not in path.name and path.name not in ("expected", "rucio-stager.py"):
            shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return str(request.param)


def _said(result: Result) -> str:
    return result.stdout + result.stderr


def _codes(*paths: str) -> list[tuple[str, str]]:
    return [(each.span.source.name, each.rule.code) for each in reana_rucio_compiler.check(*paths)]


def test_second_is_refused_and_the_first_stays_as_it_is(engine: str) -> None:
    assert run("compile", "other.yaml", "-o", "other.out.yaml").exit_code == 0
    before = {path: path.read_bytes() for path in Path().iterdir()}

    refused = run("compile", "reana.yaml", "-o", "reana.out.yaml")
    assert refused.exit_code == 1
    assert 'error[RR012]: "' in refused.stderr
    assert '"other.yaml" needs it' in refused.stderr
    assert "error[RR012]" in _said(run("check", "reana.yaml"))
    assert "error[RR012]" in _said(run("compile", "--check", "reana.yaml", "other.yaml"))
    assert {path: path.read_bytes() for path in Path().iterdir()} == before

    assert run("check", "other.yaml").exit_code == 0
    assert run("compile", "--check", "other.yaml").exit_code == 0
    assert run("compile", "other.yaml", "-o", "other.out.yaml").exit_code == 0


def test_what_compiles_to_the_same_is_shared(engine: str) -> None:
    """As by specifications of one analysis for several compute backends, which have one parameter file."""
    shutil.copy("reana.yaml", "twin.yaml")
    Path("other.yaml").unlink()
    for spec in ("reana", "twin"):
        compiled = run("compile", f"{spec}.yaml", "-o", f"{spec}.out.yaml")
        assert (compiled.exit_code, "wrote" in compiled.stderr) == (0, spec == "reana")
    assert run("compile", "--check", "reana.yaml", "twin.yaml").exit_code == 0
    assert run("check", "reana.yaml", "twin.yaml").exit_code == 0
    Path("reana.yaml").unlink()  # then the files are the other's
    assert run("compile", "twin.yaml", "-o", "twin.out.yaml").exit_code == 0
    generated = [path for path in Path().iterdir() if ".rucio" in path.name]
    assert generated
    assert not [path for path in generated if "from reana.yaml" in path.read_text()]


def test_both_are_checked_together_before_anything_is_compiled(engine: str) -> None:
    for paths in (("other.yaml", "reana.yaml"), ("reana.yaml", "other.yaml")):
        assert {code for name, code in _codes(*paths) if name == paths[0]} <= {"RR210"}
        assert (paths[1], "RR012") in _codes(*paths)
        result = run("check", *paths)
        assert (result.exit_code, "error[RR012]" in result.stdout) == (1, True)
    assert _codes("reana.yaml", "reana.yaml") == []
    assert ("./reana.yaml", "RR012") not in _codes("reana.yaml", "./reana.yaml")


@pytest.mark.parametrize("gone", [True, False])
def test_files_of_a_specification_that_is_gone_or_renamed_are_taken_over(engine: str, gone: bool) -> None:
    assert run("compile", "other.yaml", "-o", "other.out.yaml").exit_code == 0
    if gone:
        Path("other.yaml").unlink()
        assert run("compile", "reana.yaml", "-o", "reana.out.yaml").exit_code == 0
    else:  # to REANA's GitLab layout
        Path("other.yaml").rename("other.src.yaml")
        assert run("compile", "other.src.yaml", "-o", "other.yaml").exit_code == 0
        assert run("compile", "--check", "other.yaml").exit_code == 0


def test_a_copy_of_the_workflow_is_the_remedy(engine: str) -> None:
    assert run("compile", "other.yaml", "-o", "other.out.yaml").exit_code == 0
    said = run("compile", "reana.yaml").stderr
    for name in ("main.cwl", "job.yml", "Snakefile", "workflow.yaml"):
        if Path(name).exists():
            root, dot, extension = name.partition(".")
            copy = f"{root}-reana{dot}{extension}"
            assert f"such as a copy {copy};" in said
            shutil.copy(name, copy)
            Path("reana.yaml").write_text(Path("reana.yaml").read_text().replace(name, copy))
    assert run("compile", "reana.yaml", "-o", "reana.out.yaml").exit_code == 0
    assert run("compile", "--check", "reana.yaml", "other.yaml").exit_code == 0


def test_specifications_in_two_directories_that_share_one_workspace(engine: str) -> None:
    """As REANA 0.9 has it: every path is relative to the current directory, and the two have one name."""
    for name in ("one", "two"):
        Path(name).mkdir()
        Path("reana.yaml" if name == "two" else "other.yaml").rename(Path(name, "reana.yaml"))
    assert run("compile", "one/reana.yaml", "-o", "one/reana.out.yaml").exit_code == 0
    said = run("compile", "two/reana.yaml", "-o", "two/reana.out.yaml").stderr
    assert '"one/reana.yaml" needs it' in said


def test_manifests_that_stand_apart_are_watched_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        entries = "".join(f"    - rucio(escape, user.jdoe, {name}{number:04}.root)\n" for number in range(900))
        steps = "[{environment: 'a:1', commands: [ls]}]"
        text = f"inputs:\n  files:\n{entries}workflow: {{type: serial, specification: {{steps: {steps}}}}}\n"
        Path(f"{name}.yaml").write_text(text)
    assert "rucio-stage-in.escape.manifest.json" in run("compile", "a.yaml", "-o", "a.out.yaml").stderr
    assert run("compile", "a.yaml", "-o", "a.out.yaml").exit_code == 0
    refused = run("compile", "b.yaml")
    assert refused.exit_code == 1
    assert 'b.yaml:903:1: error[RR012]: "rucio-stage-in.escape.manifest.json"' in refused.stderr
    assert "a directory of its own" in refused.stderr
    assert ("b.yaml", "RR012") in _codes("a.yaml", "b.yaml")
