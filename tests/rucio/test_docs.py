"""The console sessions of pages that ask Rucio go as they are shown, one after the other, with a real server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.environments import needs
from tests.examples import blocks, replayed
from tests.rucio.server import Server
from tests.rucio.stager_job import CLIENTS, put
from tests.test_docs import WITH_RUCIO


@pytest.fixture(scope="module")
def story(escape: Server, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The server that plays `escape`, with a dataset that grows."""
    for number in range(1, 5):
        dataset = {"dataset": "user.jdoe:run2025.aod"} if number < 4 else {}
        content = b"2025-%d.root\n" % number * 100
        did = f"user.jdoe:2025-{number}.root"
        put(escape, tmp_path_factory.mktemp("story"), did, content, account="jdoe", **dataset)
    return escape


@pytest.mark.parametrize("page", WITH_RUCIO, ids=lambda page: page.name)
def test_sessions_go_as_they_are_shown(
    page: Path, story: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUCIO_CONFIG", str(story.config("jdoe")))
    monkeypatch.setenv("PATH", f"{needs(CLIENTS).parent}:/usr/bin:/bin")
    analysis = tmp_path / "analysis"
    analysis.mkdir()
    found = list(blocks(page.read_text()))
    specification = next(block for block in found if block.language == "yaml").text
    address = f"rucio: {{instances: {{escape: {{rucio_host: '{story.url}'}}}}}}\n"
    (analysis / "reana.yaml").write_text(specification + address)
    said = {block.text: replayed(block.text, analysis) for block in found if block.language == "console"}
    if os.environ.get("UPDATE_GOLDEN"):
        for before, after in said.items():
            page.write_text(page.read_text().replace(f"```console\n{before}```", f"```console\n{after}```"))
    assert said == {text: text for text in said}
