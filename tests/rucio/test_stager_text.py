"""What the text of the stager must be, to stand in a job command of every engine."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

from tests.environments import find_python
from tests.rucio.stager_job import STAGER

TEXT = STAGER.read_bytes()


def test_it_is_ascii_with_short_lines() -> None:
    lines = TEXT.decode("ascii").split("\n")
    assert max(map(len, lines)) <= 110
    assert not any(line != line.rstrip() for line in lines)


@pytest.mark.parametrize(
    "pattern", [r"\$\(", r"\$\{", r"/tmp/.*?/.*?/", r"/var/lib/cwl/.*?/", "(?i)rucio\\(", "\t", "\r", "\x00"]
)
def test_it_holds_nothing_that_an_engine_would_rewrite(pattern: str) -> None:
    for line in TEXT.decode().split("\n"):
        assert not re.search(pattern, line), line


@pytest.mark.parametrize("mark", ["END_OF_STAGER", "END_OF_MANIFEST"])
def test_it_does_not_end_a_here_document(mark: str) -> None:
    assert mark not in TEXT.decode().split("\n")


def test_it_needs_the_standard_library_and_the_client_only() -> None:
    tree = ast.parse(TEXT)
    top = {name.name for node in tree.body if isinstance(node, ast.Import) for name in node.names}
    top |= {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert top <= set(sys.stdlib_module_names) if hasattr(sys, "stdlib_module_names") else top
    inner = {
        name.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom)) and node not in tree.body
        for name in node.names
    }
    assert {name.split(".")[0] for name in inner} <= {"rucio", "requests"}


def test_it_compiles_with_python_3_6() -> None:
    python = find_python("3.6")
    if not python:
        pytest.skip("no Python 3.6")
    code = "import sys; compile(open(sys.argv[1]).read(), 'stager', 'exec')"
    subprocess.run([str(python), "-c", code, str(STAGER)], check=True)
