"""The examples of the rules about what Rucio holds go as their explanations say, with a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.environments import needs
from tests.rucio.server import Server
from tests.rucio.stager_job import CLIENTS
from tests.test_explanations import ONLINE, compare_examples


@pytest.mark.parametrize("code", ONLINE)
def test_examples_are_answered_as_the_explanation_says(
    code: str, escape: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = "bob" if code in ("RR520", "RR521") else "jdoe"  # who is no administrator
    monkeypatch.setenv("RUCIO_CONFIG", str(escape.config(account)))
    monkeypatch.setenv("PATH", f"{needs(CLIENTS).parent}:/usr/bin:/bin")
    appendix = f"rucio: {{instances: {{escape: {{rucio_host: '{escape.url}'}}}}}}\n"
    compare_examples(code, tmp_path, monkeypatch, appendix)
