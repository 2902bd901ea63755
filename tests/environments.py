"""Cached virtual environments with the real Rucio and REANA packages that the tests run.

    python -m tests.environments all                 build every environment up front
    python -m tests.environments clients-41.5.1      build some

`python_of(name)` is the interpreter of one, built when it is first asked for. They live outside of the checkout
(`$REANA_RUCIO_TEST_CACHE`, by default `~/.cache/reana-rucio-tests`), so that a fresh clone and every tox environment
share them: building them all takes minutes, finding them takes milliseconds.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

Version = tuple[int, int]


class Unavailable(Exception):
    """The machine has no interpreter that an environment needs."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What an environment holds: `pip install` is run once for each of `installs`, in order."""

    oldest: Version
    newest: Version
    installs: tuple[str, ...]


# The sdists of old clients import pkg_resources while they are built, which setuptools 70 and later does not
# give them (facts/rucio.md section 4).
_OLD_BUILD = "setuptools<70 wheel"

RECIPES: dict[str, Recipe] = {
    # 3.10 is the first whose ssl module can accept RFC 3820 proxies.
    "rucio-server": Recipe((3, 10), (3, 13), ("rucio==41.5.1",)),
    "clients-41.5.1": Recipe((3, 9), (3, 13), ("rucio-clients==41.5.1",)),
    "clients-38.6.4": Recipe((3, 9), (3, 13), ("rucio-clients==38.6.4",)),
    "clients-35.9.2": Recipe((3, 9), (3, 13), ("rucio-clients==35.9.2",)),
    "clients-32.8.6": Recipe((3, 9), (3, 12), ("rucio-clients==32.8.6",)),
    "clients-1.30.0": Recipe((3, 9), (3, 12), (_OLD_BUILD, "--no-build-isolation rucio-clients==1.30.0")),
    # Python 3.6 is what the image docker.io/reanahub/reana-auth-rucio:1.1.1 has; its own pip is too old to
    # find the right wheels (facts/rucio.md section 10).
    "clients-1.30.0-py3.6": Recipe(
        (3, 6),
        (3, 6),
        ("pip==21.3.1", "setuptools==59.6 wheel", "--no-build-isolation rucio-clients==1.30.0"),
    ),
    # The other Pythons that the stager is held on in each fault, whatever runs the tests.
    "clients-32.8.6-py3.9": Recipe((3, 9), (3, 9), ("rucio-clients==32.8.6",)),
    "clients-41.5.1-py3.13": Recipe((3, 13), (3, 13), ("rucio-clients==41.5.1",)),
    # setuptools comes second: the client asks for a newer one than the loaders, which import pkg_resources, can use.
    # Under Python 3.9 pip had not resolved this after 20 minutes.
    "reana-0.9": Recipe(
        (3, 10),
        (3, 12),
        ("reana-client==0.9.6 reana-commons[cwl,snakemake,yadage]==0.9.11", "setuptools<70"),
    ),
    "cwltool": Recipe((3, 10), (3, 13), ("cwltool==3.3.20260925135507",)),
    "reana-0.95": Recipe(
        (3, 11),
        (3, 13),
        ("reana-commons[cwl,snakemake,yadage]==0.95.0a26", "setuptools<70"),
    ),
    "reana-client-0.95": Recipe(
        (3, 11),
        (3, 13),
        ("reana-client==0.95.0a6 reana-commons==0.95.0a26", "setuptools<70"),
    ),
}


def python_of(name: str) -> Path:
    """The interpreter of the environment `name`, which is complete; builds it first where it is missing.

    Safe in parallel processes: one builds, the others wait.
    """
    recipe = RECIPES[name]
    interpreter, version = _interpreter(recipe)
    identity = repr((recipe.installs, version))
    home = _cache() / f"{name}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
    python = home / "bin" / "python"
    complete = home / "complete"
    if not (complete.exists() and python.exists()):
        with _locked(home.parent / f"{home.name}.lock"):
            if not (complete.exists() and python.exists()):
                _build(home, interpreter, recipe)
                complete.write_text(identity + "\n")
    return python


def needs(name: str) -> Path:
    """As `python_of`, but skips the calling test where the machine has no interpreter for it.

    With REANA_RUCIO_TESTS_REQUIRE_ALL set, as in CI, it fails instead: there a skip would hide a missing install.
    """
    import pytest

    try:
        return python_of(name)
    except Unavailable as reason:
        if os.environ.get("REANA_RUCIO_TESTS_REQUIRE_ALL"):
            pytest.fail(str(reason), pytrace=False)
        pytest.skip(str(reason))


def find_python(version: str) -> Path | None:
    """An interpreter of this version ("3.6") that runs, from PATH or from pyenv's versions; None where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    in_path = shutil.which(f"python{version}")
    candidates = [Path(in_path)] if in_path else []
    candidates += sorted(pyenv.glob(f"{version}.*/bin/python{version}"), key=_natural, reverse=True)
    # A name in PATH proves nothing: pyenv puts shims there for versions that are not selected, which fail.
    return next((python for python in candidates if _version(python).startswith(version + ".")), None)


def _interpreter(recipe: Recipe) -> tuple[Path, str]:
    """The base interpreter to build with, and its full version: the running one if it suits, else the newest."""
    if recipe.oldest <= sys.version_info[:2] <= recipe.newest:
        # Not sys.executable: that may be in a tox environment, which is deleted before the cache is. (Nor
        # sys._base_executable, which before Python 3.11 is the same.)
        base = Path(sys.base_prefix, "bin", "python{}.{}".format(*sys.version_info))
        running = base if base.exists() else Path(sys.executable)
        return running, _version(running)
    for minor in range(recipe.newest[1], recipe.oldest[1] - 1, -1):
        python = find_python(f"3.{minor}")
        if python:
            return python, _version(python)
    wanted = " to ".join(".".join(map(str, bound)) for bound in sorted({recipe.oldest, recipe.newest}))
    raise Unavailable(f"no Python {wanted} in PATH or in pyenv's versions")


@functools.cache
def _version(python: Path) -> str:
    """The full version of an interpreter ("3.11.7"), or "" where it does not run."""
    code = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
    try:
        run = subprocess.run(
            [str(python), "-c", code],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except OSError:
        return ""
    return run.stdout.strip() if run.returncode == 0 else ""


def _natural(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.parts[-3])]


def _cache() -> Path:
    explicit = os.environ.get("REANA_RUCIO_TEST_CACHE")
    if explicit:
        return Path(explicit).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reana-rucio-tests"


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock file; the system drops it when the process dies, so that none is ever stale."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(home: Path, interpreter: Path, recipe: Recipe) -> None:
    shutil.rmtree(home, ignore_errors=True)
    _run([str(interpreter), "-m", "venv", str(home)])
    for install in recipe.installs:
        _run([str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", *install.split()])


def _run(command: list[str]) -> None:
    # PYTHONPATH and the like belong to the tests, not to the environment under construction.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    run = subprocess.run(command, check=False, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode:
        last = "\n".join(run.stdout.splitlines()[-20:])
        raise RuntimeError(f"{' '.join(command)} exited with {run.returncode}:\n{last}")


def _main(names: list[str]) -> int:
    unknown = [name for name in names if name not in RECIPES and name != "all"]
    if unknown or not names:
        print(f"usage: python -m tests.environments all | {' | '.join(RECIPES)}", file=sys.stderr)
        return 2
    return max([_report(name) for name in (RECIPES if "all" in names else names)])


def _report(name: str) -> int:
    try:
        print(f"{name}: {python_of(name)}", flush=True)
    except (Unavailable, RuntimeError) as error:
        print(f"{name}: {error}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
