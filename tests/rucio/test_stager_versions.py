"""One story with each client that images have: stage in, stage out, again, and a corrupt replica."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rucio.server import Server
from tests.rucio.stager_job import Job, download, put, upload


@pytest.mark.parametrize("clients", ["clients-1.30.0-py3.6", "clients-35.9.2", "clients-38.6.4"])
def test_in_and_out_with(clients: str, rucio_server_tls: Server, tmp_path: Path, unique_name) -> None:
    name = unique_name("story")
    put(rucio_server_tls, tmp_path, f"user.alice:{name}", b"in", dataset=f"user.alice:{name}.ds")
    job = Job(tmp_path, rucio_server_tls, clients=clients).by_sidecar()
    wanted = (download(f"user.alice:{name}", "data/f"), download(f"user.alice:{name}.ds", "d", "directory"))
    outputs = (upload(f"user.alice:{name}.out", "out", dataset=f"{name}.out.ds", lifetime=86400),)
    job.write("out", "out")
    for expected in ("fetched", "present"):
        result = job.stage_in(*wanted, uploads=list(outputs))
        assert set(result.statuses().values()) == {expected}, result
        assert {path: job.files()[path] for path in ("data/f", f"d/{name}")} == {"data/f": b"in", f"d/{name}": b"in"}
    for expected in ("uploaded", "present"):
        assert job.stage_out(*outputs).statuses() == {"out": expected}
    client = rucio_server_tls.client()
    assert [row["name"] for row in client.call("list_content", "user.alice", f"{name}.out.ds")] == [f"{name}.out"]
    assert len(client.call("list_did_rules", "user.alice", f"{name}.out.ds")) == 1
    assert client.call("list_did_rules", "user.alice", f"{name}.out") == []
    rucio_server_tls.replica_path(f"user.alice:{name}.out", "SITE1_SCRATCHDISK").write_bytes(b"bad")
    result = job.stage_in(download(f"user.alice:{name}.out", "copy"))
    assert result.code == 6, result
    assert not (job.workspace / "copy").exists()
