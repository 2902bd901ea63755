"""The Rucio server does not answer, or badly."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from tests.faults.fault import Fault
from tests.faults.site import Site
from tests.faults.troubled import Handler, half, lose, reset, says, stall, status


def server_refuses_connections(site: Site) -> Iterator[None]:
    site.get(site.file())
    hosts = {"rucio_host": "http://127.0.0.1:9", "auth_host": "http://127.0.0.1:9"}
    known, site.instance = site.instance, {**site.instance, **hosts}
    yield
    site.instance = known


def server_resets(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.gate.on(".*", reset)
    yield
    site.gate.calm()


def server_resets_now_and_then(site: Site) -> Iterator[None]:
    site.get(site.file())
    for request in ("GET /$", "GET /auth", "GET /accounts/whoami", "POST /dids", "POST /replicas", "GET /rses"):
        site.gate.on(request, reset, times=1)
    yield


def server_503_once(site: Site) -> Iterator[None]:
    site.get(site.file())
    for request in ("GET /$", "GET /auth", "GET /accounts/whoami", "POST /dids", "POST /replicas"):
        site.gate.on(request, status(503, "overloaded"), times=1)
    yield


def server_503_always(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.gate.on("(?!.*/auth/).*", status(503, "overloaded"))
    yield
    site.gate.calm()


def logins_503_always(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.gate.on("GET /(auth.*)?$", status(503, "overloaded"))
    yield
    site.gate.calm()


def server_500_once(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.gate.on(
        "POST /dids", status(500, '{"ExceptionClass": "DatabaseException", "ExceptionMessage": "busy"}'), times=1
    )
    yield


def server_429_once(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.gate.on("POST /dids", status(429, "slow down"), times=1)
    yield


def server_stalls_once(site: Site) -> Iterator[None]:
    site.settings["timeout"] = 2
    site.get(site.file())
    site.gate.on("POST /dids", stall, times=1)
    yield
    site.settings["timeout"] = 10


def server_stalls(site: Site) -> Iterator[None]:
    site.settings.update(timeout=1, attempts=2)
    site.get(site.file())
    site.gate.on("GET", stall)
    yield
    site.gate.calm()
    site.settings["timeout"] = 10


def answer_cut_once(site: Site) -> Iterator[None]:
    dataset, _ = site.dataset()
    site.get(dataset, "data", "directory")
    site.gate.on("POST /dids|GET /dids/.*/files", half(reset), times=1)
    site.gate.on("POST /replicas", half(reset), times=1)
    yield


def server_talks_html(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.gate.on("(?!.*/auth/).*", says("<html>please log in</html>"))
    yield
    site.gate.calm()


def token_expires(site: Site) -> Iterator[None]:
    """In mid-run the server forgets the token once."""
    site.get(site.file())
    answer = (
        '{"ExceptionClass": "CannotAuthenticate", "ExceptionMessage": "Cannot authenticate with given credentials"}'
    )
    headers = {"ExceptionClass": "CannotAuthenticate", "ExceptionMessage": "Cannot authenticate with given credentials"}

    def refuse(handler: Handler) -> bool:
        handler.reply(401, answer.encode(), {**headers, "Content-Type": "application/json"})
        return True

    site.gate.on("POST /dids", refuse, times=1)
    yield


def server_killed_in_mid_download(site: Site) -> Iterator[None]:
    """It is back a second later. The storage fails once too, so that the server is asked again."""
    site.settings.update(attempts=9, backoff=0.2)  # 50 s, for a busy machine
    site.get(site.file())
    back: list[threading.Thread] = []

    def crash(handler: Handler) -> bool:
        site.server.crash()

        def restart() -> None:
            time.sleep(1)
            site.server.start()

        back.append(threading.Thread(target=restart))
        back[0].start()
        return status(503)(handler)

    site.storage.on("GET", crash, times=1)
    site.storage.on("GET", status(503), times=1)  # a client tries twice
    try:
        yield
    finally:
        for thread in back:
            thread.join()


def registration_lost(site: Site) -> Iterator[None]:
    site.put()
    site.gate.on("POST /replicas$", lose, times=1)
    yield


def registration_503_once(site: Site) -> Iterator[None]:
    site.put()
    site.gate.on("POST /replicas$", status(503, "overloaded"), times=1)
    yield


def rule_lost(site: Site) -> Iterator[None]:
    did = site.put()
    site.gate.on("POST /rules", lose, times=1)
    yield
    yield
    assert len(site.root.call("list_did_rules", *did.split(":"))) == 1


def attachment_lost(site: Site) -> Iterator[None]:
    site.put_all("ntuples")
    site.gate.on("POST /dids/.*/dids|POST /dids/attachments", lose, times=1)
    yield


def dataset_lost(site: Site) -> Iterator[None]:
    did = site.put_all("ntuples")
    site.gate.on(f"POST /dids/user.alice/{site.name('ntuples')}$|POST /dids$", lose, times=1)
    yield
    yield
    assert len(site.root.call("list_did_rules", *did.split(":"))) == 1


FAULTS: tuple[Fault, ...] = (
    Fault("refuses connections", server_refuses_connections, 4, "server http://127.0.0.1:9: "),
    Fault("resets every connection", server_resets, 4, "server http://127.*"),
    Fault("resets the first connection for each thing asked", server_resets_now_and_then),
    Fault("answers 503 once for each thing asked", server_503_once),
    Fault("answers 503 to everything but logins", server_503_always, 4, "503"),
    Fault("answers 503 to logins", logins_503_always, 4, "logins: status code: 503"),
    Fault("answers 500 (busy database) once", server_500_once),
    Fault("answers 429 (too many requests) once", server_429_once),
    Fault("does not answer once", server_stalls_once),
    Fault("does not answer at all", server_stalls, 4, "timed out|timeout"),
    Fault("cuts its answers in the middle, once", answer_cut_once),
    Fault("answers everything with a page of HTML", server_talks_html, 4, "server .*is no Rucio server"),
    Fault("takes the token no more in mid-run, once", token_expires),
    Fault("is killed in mid-download and restarted", server_killed_in_mid_download),
    Fault("registers an upload, but the answer is lost", registration_lost),
    Fault("answers 503 to the registration of an upload, once", registration_503_once),
    Fault("makes a rule, but the answer is lost", rule_lost),
    Fault("makes a dataset, but the answer is lost", dataset_lost),
    Fault("attaches files, but the answer is lost", attachment_lost),
)
