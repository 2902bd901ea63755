"""What a user gets: the exact files of the wheel and of the sdist, and a program that finds its data in each."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import reana_rucio_compiler
from reana_rucio_compiler import resources

ROOT = Path(__file__).parent.parent


def _tracked(*folders: str) -> list[str]:
    listed = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return listed.stdout.split()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist of this checkout, made as a release makes them."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--outdir", folder, ROOT], check=True, capture_output=True)
    return folder


def test_wheel_holds_the_package_and_its_data_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    data = {f"reana_rucio_compiler/data/{name}" for name in _tracked("grammar", "schemas")}
    assert names == set(_tracked("reana_rucio_compiler")) | data


def test_sdist_holds_what_is_needed_to_build_and_to_test(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = _tracked("reana_rucio_compiler", "grammar", "schemas", "tests", "examples", "docs", "templates")
    assert set(wanted) <= names
    assert {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "tox.ini",
        "action.yml",
        ".pre-commit-hooks.yaml",
    } <= names


@pytest.mark.parametrize("kind", ["wheel", "sdist", "editable"])
def test_program_runs_from_each_kind_of_installation(built: Path, kind: str, tmp_path: Path) -> None:
    """The grammar and the schemas are found wherever the package was installed from."""
    target = {"wheel": next(built.glob("*.whl")), "sdist": next(built.glob("*.tar.gz")), "editable": ROOT}[kind]
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "v"], check=True)
    python = tmp_path / "v/bin/python"
    install = ["-e", str(target)] if kind == "editable" else [str(target)]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *install], check=True, capture_output=True)
    example = ROOT / "examples/serial-two-instances"
    ran = subprocess.run(
        [tmp_path / "v/bin/reana-rucio", "compile", "-"],
        cwd=tmp_path,
        input=(example / "reana.yaml").read_bytes(),
        capture_output=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert b"rucio-stage-in" in ran.stdout


def test_installed_wheel_is_what_is_tested() -> None:
    """Under tox the tests import the built wheel, not the checkout beside them."""
    if "TOX_ENV_NAME" not in os.environ:
        pytest.skip("only tox installs the wheel")
    assert "site-packages" in reana_rucio_compiler.__file__
    assert Path(resources.__file__).with_name("data").is_dir()
