"""Environments are built once, whoever asks, and never taken for complete when they are not."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import environments
from tests.environments import RECIPES, Recipe, Unavailable, find_python, needs, python_of

REPOSITORY = Path(__file__).parents[1]
RUNNING = sys.version_info[:2]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, whose one environment has nothing but pip: it takes no network."""
    monkeypatch.setenv("REANA_RUCIO_TEST_CACHE", str(tmp_path))
    monkeypatch.setitem(RECIPES, "empty", Recipe(RUNNING, RUNNING, ()))
    return tmp_path


def test_an_environment_is_rebuilt_when_its_build_was_cut_short_or_its_recipe_changes(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = python_of("empty")
    assert cache in python.parents
    (python.parents[1] / "witness").touch()
    assert python_of("empty") == python
    assert (python.parents[1] / "witness").exists(), "a complete one is used as it is"

    (python.parents[1] / "complete").unlink()
    assert python_of("empty") == python
    assert not (python.parents[1] / "witness").exists(), "an incomplete one is made anew"

    monkeypatch.setitem(RECIPES, "empty", Recipe(RUNNING, RUNNING, ("--upgrade-strategy eager pip",)))
    monkeypatch.setattr(environments, "_build", lambda home, *_: home.mkdir())
    assert python_of("empty") != python


def test_parallel_callers_share_one_build(cache: Path) -> None:
    program = (
        "from tests import environments as e, test_environments as t\n"
        "e.RECIPES['empty'] = e.Recipe(t.RUNNING, t.RUNNING, ())\n"
        "build = e._build\n"
        "e._build = lambda *a: (print('built', flush=True), build(*a))\n"
        "print(e.python_of('empty'))\n"
    )

    def ask(_: int) -> list[str]:
        return _python("-c", program).stdout.splitlines()

    with ThreadPoolExecutor(3) as pool:
        said = [line for lines in pool.map(ask, range(3)) for line in lines]
    assert said.count("built") == 1
    assert {line for line in said if line != "built"} == {str(python_of("empty"))}


def _python(*arguments: str) -> subprocess.CompletedProcess:
    """Run this interpreter so that it finds the tests, also where tox has set PYTHONSAFEPATH."""
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run([sys.executable, *arguments], env=env, capture_output=True, text=True, check=False)


def test_a_failed_install_is_an_error_with_pips_words(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "bad", Recipe(RUNNING, RUNNING, ("--no-index no-such-package",)))
    for _ in range(2):
        with pytest.raises(RuntimeError, match="No matching distribution found for no-such-package"):
            python_of("bad")


def test_a_missing_interpreter_skips_except_where_all_are_required(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, "future", Recipe((3, 99), (3, 99), ()))
    with pytest.raises(Unavailable, match=r"no Python 3\.99"):
        python_of("future")

    monkeypatch.delenv("REANA_RUCIO_TESTS_REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"no Python 3\.99"):
        needs("future")

    monkeypatch.setenv("REANA_RUCIO_TESTS_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match=r"no Python 3\.99"):
        needs("future")


def test_a_name_in_path_that_does_not_run_is_no_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shims, versions = tmp_path / "shims", tmp_path / "pyenv" / "versions" / "3.98.10" / "bin"
    for directory, status in ((shims, 127), (versions, 0)):
        directory.mkdir(parents=True)
        program = directory / "python3.98"
        program.write_text(f"#!/bin/sh\necho 3.98.10\nexit {status}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shims}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    assert find_python("3.98") == versions / "python3.98"
    assert find_python("3.97") is None


@pytest.mark.parametrize(
    ("arguments", "status"),
    [([], 2), (["no-such"], 2), (["clients-41.5.1"], 0)],
    ids=["none", "unknown", "one"],
)
def test_the_command_line_builds_what_is_named(arguments: list[str], status: int) -> None:
    if status == 0:
        needs("clients-41.5.1")
    done = _python("-m", "tests.environments", *arguments)
    assert done.returncode == status, done.stderr
    expected = f"clients-41.5.1: {python_of('clients-41.5.1')}\n" if status == 0 else ""
    assert done.stdout == expected
