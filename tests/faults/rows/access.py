"""Secrets, proxies, configurations and clocks are missing, expired or wrong."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.environments import needs
from tests.faults.fault import Fault
from tests.faults.site import Site
from tests.faults.troubled import Handler, status

PROXY = Path(__file__).parents[1] / "_proxy.py"


def _proxy(site: Site, begin: float, end: float) -> Path:
    """A file with a proxy that is valid between these times, in seconds from now."""
    words = [str(needs("rucio-server")), str(PROXY), str(site.server.directory / "pki"), str(begin), str(end)]
    path = site.directory / f"proxy{begin}"
    path.write_text(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    path.chmod(0o600)
    return path


def _clock(site: Site, seconds: float) -> None:
    """Let the clock of the job be ahead."""
    folder = site.directory / "clock"
    folder.mkdir(exist_ok=True)
    text = f"import time\n_now = time.time\ntime.time = lambda: _now() + {seconds}\n"
    (folder / "sitecustomize.py").write_text(text)
    site.environment["PYTHONPATH"] = str(folder)


def wrong_password(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.environment["RUCIO_VRE_PASSWORD"] = "let me in"
    yield
    del site.environment["RUCIO_VRE_PASSWORD"]


def no_password(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.environment["RUCIO_VRE_PASSWORD"] = ""
    yield
    del site.environment["RUCIO_VRE_PASSWORD"]


def no_such_account(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.instance["account"] = "nobody"
    yield
    del site.instance["account"]


def no_configuration(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.sidecar(config=None)
    yield
    site.sidecar()


def no_proxy(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.sidecar(proxy=None)
    yield
    site.sidecar()


def proxy_expired(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.sidecar(proxy=site.server.expired_proxy)
    yield
    site.sidecar()


def proxy_expires_in_mid_run(site: Site) -> Iterator[None]:
    """The storage, which looks at it, refuses from then on; as the proxy is its last argument, nobody else does."""
    site.get(site.file())
    site.sidecar(proxy=_proxy(site, -60, 5))
    end = time.time() + 6

    def refuse(handler: Handler) -> bool:
        time.sleep(max(0, end - time.time()))
        return status(403)(handler)

    site.storage.on("GET", refuse)
    yield
    site.storage.calm()
    site.sidecar()


def proxy_not_valid_yet(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.sidecar(proxy=_proxy(site, 3600, 7200))
    yield
    site.sidecar()


def proxy_of_nobody(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.sidecar(proxy=site.server.unknown_proxy)
    yield
    site.sidecar()


def unknown_authority(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.sidecar(ca_bundle=None)
    yield
    site.sidecar()


def clock_ahead(site: Site) -> Iterator[None]:
    site.get(site.file())
    _clock(site, 86400)
    yield


def clock_behind(site: Site) -> Iterator[None]:
    site.get(site.file())
    _clock(site, -86400)
    yield


def clock_ahead_upload(site: Site) -> Iterator[None]:
    site.put(lifetime=86400)
    _clock(site, 86400)
    yield


def clock_behind_and_proxy_expired(site: Site) -> Iterator[None]:
    """Here the proxy looks valid; the server knows better."""
    site.get(site.file())
    site.sidecar(proxy=site.server.expired_proxy)
    _clock(site, -2 * 86400)
    yield
    del site.environment["PYTHONPATH"]
    site.sidecar()


def clock_ahead_of_the_proxy(site: Site) -> Iterator[None]:
    """The proxy is good; here it looks expired, and the message tells the time by which it was judged."""
    site.get(site.file())
    site.sidecar()
    _clock(site, 5 * 86400)
    yield
    del site.environment["PYTHONPATH"]


FAULTS: tuple[Fault, ...] = (
    Fault("the password is wrong", wrong_password, 3, "account alice: "),
    Fault("the password is not set", no_password, 3, "secret RUCIO_VRE_PASSWORD: is not set"),
    Fault("the account does not exist", no_such_account, 3, "account nobody: "),
    Fault("there is no rucio.cfg", no_configuration, 3, "RUCIO_CONFIG: there is no ", tls=True),
    Fault("there is no proxy", no_proxy, 3, "X509_USER_PROXY: there is no ", tls=True),
    Fault("the proxy has expired", proxy_expired, 3, "has expired on ", tls=True),
    Fault("the proxy expires in mid-run", proxy_expires_in_mid_run, 3, "has expired on ", tls=True),
    Fault("the proxy is not valid yet", proxy_not_valid_yet, 3, "is not valid before ", tls=True),
    Fault("the proxy is of nobody", proxy_of_nobody, 3, "account alice: ", tls=True),
    Fault("the authority of the server is unknown", unknown_authority, 3, "certificate", tls=True),
    Fault("the clock is a day ahead", clock_ahead),
    Fault("the clock is a day behind", clock_behind),
    Fault("the clock is a day ahead, upload with a lifetime", clock_ahead_upload),
    Fault("the clock is behind, the proxy has expired", clock_behind_and_proxy_expired, 3, "(?i)expired", tls=True),
    Fault("the clock is ahead of the proxy", clock_ahead_of_the_proxy, 3, "has expired on .*clock", tls=True),
)
