"""CI runs a share of the slow tests with each commit, and in the end all of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

from tests.sampling import current_commit, sample, share_of

SIZES = {"a.py": 1, "b.py": 3, "c.py": 10, "d.py": 143}
TESTS = [f"{file}::test[{number}]" for file, size in SIZES.items() for number in range(size)]
COMMITS = [f"commit {number}" for number in range(400)]


@pytest.mark.parametrize("share", ["1/10", "3/10", "2/7", "1/1"])
def test_every_file_gives_its_share_and_every_test_has_its_turn(share: str) -> None:
    part = share_of(share)
    turns: Counter[str] = Counter()
    for commit in COMMITS:
        chosen = sample(TESTS, part, commit)
        turns.update(chosen)
        files = Counter(test.partition("::")[0] for test in chosen)
        assert files == {file: -(-size * part.numerator // part.denominator) for file, size in SIZES.items()}
    assert set(turns) == set(TESTS)
    assert min(turns.values()) > len(COMMITS) * part / 2


def test_sample_depends_on_the_commit_and_on_nothing_else() -> None:
    tenth = Fraction(1, 10)
    assert sample(TESTS, tenth, "x") == sample(reversed(TESTS), tenth, "x")
    assert len({sample(TESTS, tenth, commit) for commit in COMMITS}) == 10


@pytest.mark.parametrize("text", ["", "1", "0/10", "11/10", "1/0", "-1/10", "a/b", "0.1"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no share such as 1/10"):
        share_of(text)


def test_option_leaves_out_slow_tests_only(tmp_path: Path) -> None:
    """The real conftest.py on tests of another folder: the run says which sample it is, and how to repeat it."""
    (tmp_path / "test_x.py").write_text(
        "import pytest\n\n\ndef test_fast():\n    pass\n\n\n"
        "@pytest.mark.slow\n@pytest.mark.parametrize('number', range(20))\ndef test_slow(number):\n    pass\n"
    )
    root = Path(__file__).parents[1]

    def ran(*options: str) -> tuple[set[str], str]:
        command = [sys.executable, "-m", "pytest", "-c", root / "pyproject.toml", "--rootdir", tmp_path]
        command += ["-p", "tests.conftest", "-p", "no:cacheprovider", "-v", *options, "test_x.py"]
        done = subprocess.run(command, cwd=tmp_path, env={**_environment(), "PYTHONPATH": str(root)},
                              capture_output=True, text=True)  # fmt: skip
        passed = {line.split()[0] for line in done.stdout.splitlines() if " PASSED" in line}
        return passed, done.stdout + done.stderr

    everything, _ = ran()
    assert len(everything) == 21
    some, said = ran("--slow-sample", "1/10")
    assert (len(some), "test_x.py::test_fast" in some) == (3, True)
    assert f"--slow-seed {current_commit()}" in said
    assert ran("--slow-sample", "1/10", "--slow-seed", current_commit())[0] == some
    other, _ = ran("-m", "slow", "--slow-sample", "1/10", "--slow-seed", "1")
    assert len(other) == 2
    assert "no share such as 1/10" in ran("--slow-sample", "ten")[1]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
