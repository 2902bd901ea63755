"""Seed and serve one Rucio server; run by server.py under the "rucio-server" environment.

    python _serve.py DIRECTORY LISTENING_SOCKET_FD

Everything it is told is in DIRECTORY/settings.json. It writes DIRECTORY/ready when it serves, one line per request to
DIRECTORY/requests.log, and ends when its standard input does, so that no server outlives the test run that started it.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import threading
from pathlib import Path

UNLIMITED = 10**12
SHORT_NAMES = {"countryName": "C", "organizationName": "O", "commonName": "CN"}


def main(directory: Path, socket_fd: int) -> None:
    settings = json.loads((directory / "settings.json").read_text())
    seeded = directory / "seeded"
    if not seeded.exists():
        write_certificates(directory, settings["seed"])
        seed_database(directory, settings["seed"])
        seeded.touch()

    # Only now: importing the application opens the database.
    from rucio.web.rest.flaskapi.v1.main import application
    from werkzeug.serving import WSGIRequestHandler, make_server

    class KeepAlive(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

    server = make_server(
        "127.0.0.1",
        settings["port"],
        OneAtATime(PeerName(application), directory / "requests.log"),
        threaded=True,
        request_handler=KeepAlive,
        ssl_context=tls_context(directory / "pki") if settings["tls"] else None,
        fd=socket_fd,
    )
    server.daemon_threads = True
    if settings["tls"]:
        # Shake hands in the thread of the connection, at its first read: not where all others wait to be accepted.
        server.socket.do_handshake_on_connect = False
        server.shutdown_request = shutdown_gently
    threading.Thread(target=exit_with_parent, daemon=True).start()
    (directory / "ready").touch()
    server.serve_forever()


def shutdown_gently(connection: ssl.SSLSocket) -> None:
    """Close a connection so that the client gets what was sent last, such as "certificate expired".

    Closing one that has unread data makes the system discard that, and tell the client no more than "reset".
    """
    try:
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(2)
        while connection.recv(65536):
            pass
    except OSError:
        pass  # the client is gone
    finally:
        connection.close()


def exit_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def write_certificates(directory: Path, seed: dict) -> None:
    from _pki import write_pki

    subjects = {name: account["dn"] for name, account in seed["accounts"].items() if account["dn"]}
    # A good certificate of somebody whom the server does not know.
    subjects["unknown"] = "/C=CH/O=Test/CN=mallory"
    write_pki(directory / "pki", ["localhost", "127.0.0.1"], subjects)


def seed_database(directory: Path, seed: dict) -> None:
    """Make the tables and fill them through rucio.core, in one transaction."""
    import sqlalchemy
    from rucio.db.sqla import models, session
    from rucio.db.sqla.util import create_base_vo, create_root_account

    engine = session.get_engine()
    sqlalchemy.event.listen(engine, "connect", lambda opened, _: opened.execute("pragma synchronous=OFF"))
    # rucio's own build_database() is this plus an alembic stamp, which needs a configuration that we have no use for.
    models.register_models(engine)
    create_base_vo()
    create_root_account()
    with session.get_session()() as db, db.begin():
        for name, account in seed["accounts"].items():
            add_account(name, account, db)
        for name, owner in seed["scopes"].items():
            add_scope(name, owner, db)
        for name, rse in seed["rses"].items():
            add_rse(name, rse, directory / "rse" / name, db)


def add_account(name: str, account: dict, db) -> None:
    from rucio.common.types import InternalAccount
    from rucio.core import account as accounts
    from rucio.core import identity
    from rucio.db.sqla.constants import AccountType, IdentityType

    internal, email = InternalAccount(name), f"{name}@localhost"
    if name != "root":  # create_root_account() has made it, with its password
        accounts.add_account(internal, AccountType.USER, email, session=db)
        identity.add_identity(name, IdentityType.USERPASS, email, password=account["password"], session=db)
        identity.add_account_identity(name, IdentityType.USERPASS, internal, email, default=True, session=db)
    if account["dn"]:
        identity.add_identity(account["dn"], IdentityType.X509, email, session=db)
        identity.add_account_identity(account["dn"], IdentityType.X509, internal, email, default=True, session=db)
    if account["admin"]:
        accounts.add_account_attribute(internal, "admin", True, session=db)


def add_scope(name: str, owner: str, db) -> None:
    from rucio.common.types import InternalAccount, InternalScope
    from rucio.core import scope

    scope.add_scope(InternalScope(name), InternalAccount(owner), session=db)


def add_rse(name: str, rse: dict, prefix: Path, db) -> None:
    """A disk: the directory `prefix` of this machine, read and written by the clients directly."""
    from rucio.common.types import InternalAccount
    from rucio.core import account_limit
    from rucio.core import rse as rses

    prefix.mkdir(parents=True)
    allowed = {"read": 1, "write": 1, "delete": 1}
    protocol = {
        "scheme": "file",
        "hostname": "localhost",
        "port": 0,
        "prefix": f"{prefix}/",
        "impl": "rucio.rse.protocols.posix.Default",
        "domains": {
            "lan": allowed,
            "wan": {**allowed, "third_party_copy_read": 0, "third_party_copy_write": 0},
        },
    }
    identifier = rses.add_rse(name, availability_write=rse["writable"], session=db)
    rses.add_protocol(identifier, protocol, session=db)
    for key, value in rse.get("attributes", {}).items():
        rses.add_rse_attribute(identifier, key, value, session=db)
    rses.set_rse_usage(identifier, "storage", 0, UNLIMITED, session=db)
    for account in ["root", *rse["quota"]]:
        account_limit.set_local_account_limit(InternalAccount(account), identifier, UNLIMITED, session=db)


def tls_context(pki: Path) -> ssl.SSLContext:
    """Asks clients for a certificate, or a proxy, of our authority; takes those without one too (userpass)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "host.pem", pki / "host.key")
    context.load_verify_locations(pki / "ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_ALLOW_PROXY_CERTS
    return context


class OneAtATime:
    """Logs each request and answers it, streamed body included, under one lock.

    SQLite has one writer: overlapping requests of parallel clients end in "database is locked".
    """

    def __init__(self, app, log: Path) -> None:
        self.app = app
        self.log = log
        self.lock = threading.Lock()

    def __call__(self, environ, start_response):
        with self.lock:
            with self.log.open("a") as log:
                log.write(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}\n")
            body = self.app(environ, start_response)
            try:
                return list(body)
            finally:
                getattr(body, "close", lambda: None)()


class PeerName:
    """Sets what Rucio reads the client's identity from, which Apache's mod_ssl sets on a production server."""

    def __init__(self, app) -> None:
        self.app = app

    def __call__(self, environ, start_response):
        from cryptography import x509

        environ.pop("SSL_CLIENT_S_DN", None)
        certificate = environ.get("SSL_CLIENT_CERT")  # werkzeug's: the peer's certificate in PEM
        if certificate:
            subject = x509.load_pem_x509_certificate(certificate.encode()).subject
            parts = (f"/{SHORT_NAMES[part.oid._name]}={part.value}" for part in subject)
            environ["SSL_CLIENT_S_DN"] = "".join(parts)
        return self.app(environ, start_response)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
