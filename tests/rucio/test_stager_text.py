"""What the text of the stager must be, to stand in a job command of every engine."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reana_rucio_compiler import stager
from reana_rucio_compiler.staging import program
from tests.environments import needs
from tests.rucio.server import Server
from tests.rucio.stager_job import STAGER, Job, download, put, upload

TEXT = STAGER.read_bytes()


def test_it_is_ascii_with_short_lines() -> None:
    lines = TEXT.decode("ascii").split("\n")
    assert max(map(len, lines)) <= 110
    assert not any(line != line.rstrip() for line in lines)


def test_it_fits_in_a_specification() -> None:
    """One copy of the program leaves room for 7 KB of transfers in the 64 KB of a specification."""
    assert len(TEXT) <= 58_500


@pytest.mark.parametrize(
    "pattern", [r"\$\(", r"\$\{", r"/tmp/.*?/.*?/", r"/var/lib/cwl/.*?/", "(?i)rucio\\(", "'''", "\t", "\r", "\x00"]
)
def test_it_holds_nothing_that_an_engine_would_rewrite(pattern: str) -> None:
    for line in TEXT.decode().split("\n"):
        assert not re.search(pattern, line), line


PARTS = {
    "stage-in": ({"action": "stage-in", "downloads": []}, 47_000),
    "stage-out": ({"action": "stage-out", "uploads": []}, 47_000),
}


@pytest.mark.parametrize("action", PARTS)
def test_a_part_of_it_is_enough(action: str, rucio_server: Server, tmp_path: Path, unique_name) -> None:
    """A specification carries no more of it than its manifests need."""
    name = unique_name("part")
    job = Job(tmp_path, rucio_server)
    job.stager = tmp_path / "part.py"
    manifest, size = PARTS[action]
    job.stager.write_text(program([manifest]))
    assert job.stager.stat().st_size < size
    if action == "stage-in":
        put(rucio_server, tmp_path, f"user.alice:{name}", b"x")
        result = job.stage_in(download(f"user.alice:{name}", "f"))
    else:
        job.write("f", "x")
        result = job.stage_out(upload(f"user.alice:{name}", "f", dataset=f"{name}.ds"))
    assert result.code == 0, result


def test_all_of_it_is_there_where_all_is_needed() -> None:
    both = {"action": "stage-in", "downloads": [], "uploads": []}
    assert program([both, {"action": "stage-out", "uploads": []}]) == TEXT.decode()
    assert "# --- stage-out only" not in program([both])


@pytest.mark.parametrize("mark", ["END_OF_STAGER", "END_OF_MANIFEST"])
def test_it_does_not_end_a_here_document(mark: str) -> None:
    assert mark not in TEXT.decode().split("\n")


def test_it_needs_the_standard_library_and_the_client_only() -> None:
    tree = ast.parse(TEXT)
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    top, inner = (
        {
            (name.name if isinstance(node, ast.Import) else node.module).split(".")[0]
            for node in imports
            if (node in tree.body) == at_top
            for name in node.names
        }
        for at_top in (True, False)
    )
    assert inner == {"rucio", "requests"}, "after RUCIO_CONFIG is set"
    code = "import sys; [__import__(name) for name in sys.argv[1:]]"
    subprocess.run([sys.executable, "-I", "-S", "-c", code, *top], check=True)


def test_it_compiles_with_python_3_6() -> None:
    python = needs("clients-1.30.0-py3.6")
    code = "import sys; compile(open(sys.argv[1]).read(), 'stager', 'exec')"
    subprocess.run([str(python), "-c", code, str(STAGER)], check=True)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ResourceTemporaryUnavailable", 4), ("ReplicationRuleCreationTemporaryFailed", 4), ("TimeoutError", 4),
        ("ReadTimeout", 4), ("ImportError", 3), ("CannotAuthenticate", 3), ("DataIdentifierNotFound", 5),
        ("RSEAccessDenied", 7), ("ScopeAccessDenied", 7), ("StagingAreaRuleRequiresLifetime", 7),
        ("ScratchDiskLifetimeConflict", 7), ("InvalidReplicationRule", 7), ("RSEProtocolNotSupported", 7),
        ("InsufficientTargetRSEs", 7), ("UnsupportedOperation", 7), ("DataIdentifierAlreadyExists", 8),
        ("InvalidObject", 2), ("RucioException", 1), ("KeyError", 1),
    ],
)  # fmt: skip
def test_what_an_exception_means(name: str, code: int) -> None:
    """By the name of its class, or of one that this is made from."""
    base = type(name, (Exception,), {})
    assert stager.code_of(base()) == stager.code_of(type("Child", (base,), {})()) == code
