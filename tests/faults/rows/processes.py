"""The process is stopped or killed, is not alone, or does not find what it is used to."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

from tests.environments import find_python
from tests.faults.fault import KILLED, Fault
from tests.faults.site import Site, unavailable
from tests.faults.troubled import Action, Handler, call, half, lose, reset, swallow_half


def _kill(site: Site, number: int = signal.SIGKILL) -> Action:
    """Signal the job, and answer no more."""

    def act(handler: Handler) -> bool:
        site.signal(number)
        return reset(handler)

    return act


def _download(site: Site, number: int) -> Iterator[None]:
    dataset, _ = site.dataset()
    site.get(dataset, "data", "directory")
    site.storage.on("GET", half(call(lambda: site.signal(number))), times=1)
    yield


def killed_in_mid_download(site: Site) -> Iterator[None]:
    yield from _download(site, signal.SIGKILL)


def stopped_in_mid_download(site: Site) -> Iterator[None]:
    yield from _download(site, signal.SIGTERM)


def interrupted_in_mid_download(site: Site) -> Iterator[None]:
    yield from _download(site, signal.SIGINT)


def killed_in_mid_upload(site: Site) -> Iterator[None]:
    site.put_all("ntuples")
    site.storage.on("PUT .*ntuples.1-", swallow_half(_kill(site)), times=1)
    yield


def stopped_in_mid_upload(site: Site) -> Iterator[None]:
    site.put_all("ntuples")
    site.storage.on("PUT .*ntuples.1-", swallow_half(_kill(site, signal.SIGTERM)), times=1)
    yield


def killed_and_the_output_differs(site: Site) -> Iterator[None]:
    """A killed upload must not burn the name: what the next run makes is never the same, byte for byte."""
    did = site.put()
    site.storage.on("PUT", swallow_half(_kill(site)), times=1)
    yield
    site.write("results/plot", b"another result")
    site.content[did] = {site.name("plot"): b"another result"}


def killed_before_registration(site: Site) -> Iterator[None]:
    site.put()
    site.gate.on("POST /replicas$", _kill(site), times=1)
    yield


def killed_after_registration(site: Site) -> Iterator[None]:
    did = site.put()

    def act(handler: Handler) -> bool:
        site.signal(signal.SIGKILL)
        return lose(handler)

    site.gate.on("POST /replicas$", act, times=1)
    yield
    yield
    assert len(site.root.call("list_did_rules", *did.split(":"))) == 1


def killed_before_attachment(site: Site) -> Iterator[None]:
    did = site.put_all("ntuples")
    site.gate.on("POST /dids/.*/dids|POST /dids/attachments", _kill(site), times=1)
    yield
    yield
    assert len(site.root.call("list_did_rules", *did.split(":"))) == 1


def two_downloads_at_once(site: Site) -> Iterator[None]:
    dataset, _ = site.dataset()
    site.get(dataset, "data", "directory")
    site.storage.on("GET", half(call(site.start_another)), times=1)
    yield
    assert [other.done for other in site.others] == [True], site.others


def two_lists_at_once(site: Site) -> Iterator[None]:
    """Two jobs with different lists of transfers, one of which is in both."""
    did = site.file()
    site.get(did)

    def another() -> None:
        site.get(site.file("second"), "data/g")
        site.start_another()
        site.downloads.pop()
        site.before["data/g"] = site.content[f"user.alice:{site.name('second')}"][site.name("second")]

    site.storage.on("GET", half(call(another)), times=1)
    yield
    assert [other.done for other in site.others] == [True], site.others


def two_uploads_at_once(site: Site) -> Iterator[None]:
    did = site.put_all("ntuples")
    site.storage.on("PUT .*ntuples.1-", call(site.start_another), times=1)
    yield
    assert [other.done for other in site.others] == [True], site.others
    assert len(site.root.call("list_did_rules", *did.split(":"))) == 1


def no_home(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.environment["HOME"] = "/nonexistent"
    yield


def uid_without_a_name(site: Site) -> Iterator[None]:
    """As REANA's jobs: group 0, a uid that is in no passwd file, no HOME."""
    site.get(site.file())
    del site.environment["HOME"]
    # in a name space of its own, where interpreters that only root may read stay so; else as somebody
    site.prefix = ["unshare", "--user", "--map-user=12345", "--map-group=0"]
    if subprocess.run([*site.prefix, "true"], capture_output=True).returncode:
        site.prefix = ["setpriv", "--reuid", "12345", "--regid", "0", "--clear-groups"]
        for folder in (site.directory, site.directory / "tmp", site.workspace, site.directory / "x509up"):
            os.chown(folder, 12345, 0)
    if subprocess.run([*site.prefix, str(site.python), "-c", "import ssl"], capture_output=True).returncode:
        unavailable("no way to run a job as somebody without a name")
    yield


def _python(site: Site, version: str) -> Iterator[None]:
    """`python3` has no client; the interpreter of the `rucio` executable has."""
    python = find_python(version)
    if python is None:
        unavailable(f"no Python {version}")
    # Not a shim of pyenv's, which works by the PATH that the job has not.
    shown = subprocess.run([str(python), "-c", "import sys; print(sys.executable)"], capture_output=True, text=True)
    site.get(site.file())
    places = site.directory / "bin"
    places.mkdir()
    (places / "python3").write_text(f'#!/bin/sh\nexec {shown.stdout.strip()} -I "$@"\n')
    (places / "python3").chmod(0o755)
    (places / "rucio").write_text(f"#!{site.python}\nimport sys\n")
    site.environment["PATH"] = f"{places}:/usr/bin:/bin"
    yield


def python_3_6(site: Site) -> Iterator[None]:
    yield from _python(site, "3.6")


def python_3_9(site: Site) -> Iterator[None]:
    yield from _python(site, "3.9")


def python_3_13(site: Site) -> Iterator[None]:
    yield from _python(site, "3.13")


def modules_in_the_workspace(site: Site) -> Iterator[None]:
    site.get(site.file())
    for module in ("random", "ssl", "json", "rucio", "requests"):
        site.write(f"{module}.py", b"raise SystemExit('imported from the workspace')")
    yield


FAULTS: tuple[Fault, ...] = (
    Fault("SIGTERM in mid-download", stopped_in_mid_download, 143, "stopped by signal 15; run it again"),
    Fault("SIGINT in mid-download", interrupted_in_mid_download, 130, "stopped by signal 2; run it again"),
    Fault("SIGKILL in mid-download", killed_in_mid_download, KILLED),
    Fault("SIGTERM in mid-upload", stopped_in_mid_upload, 143, "stopped by signal 15; run it again"),
    Fault("SIGKILL in mid-upload", killed_in_mid_upload, KILLED),
    Fault("SIGKILL in mid-upload; the next run's output differs", killed_and_the_output_differs, KILLED),
    Fault("SIGKILL between upload and registration", killed_before_registration, KILLED),
    Fault("SIGKILL between registration and rule", killed_after_registration, KILLED),
    Fault("SIGKILL before files are attached", killed_before_attachment, KILLED),
    Fault("two of the same downloads at once", two_downloads_at_once),
    Fault("two lists of downloads at once", two_lists_at_once, plain=False),
    Fault("two of the same uploads at once", two_uploads_at_once),
    Fault("HOME does not exist", no_home),
    Fault("the uid has no name, HOME is not set", uid_without_a_name),
    Fault("python3 is 3.6, the client elsewhere", python_3_6, plain=False),
    Fault("python3 is 3.9, the client elsewhere", python_3_9, plain=False),
    Fault("python3 is 3.13, the client elsewhere", python_3_13, plain=False),
    Fault("modules of the analysis are named like the library's", modules_in_the_workspace, plain=False),
)
