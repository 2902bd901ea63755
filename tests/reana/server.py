"""What reana-client needs of a REANA server, on loopback: it keeps what it is sent, and runs nothing.

    with serving("0.9") as server:
        subprocess.run(["reana-client", "run"], env={**os.environ, **server.environment(directory)})
        server.files["reana.yaml"]

The operations and the forms of the answers are those of REANA's OpenAPI specification, against which the client checks
them. "0.9" gets the specification as JSON, "0.95" as a zip archive with the files that load it (facts/reana.md A.2).
"""

from __future__ import annotations

import base64
import contextlib
import email.parser
import email.policy
import io
import json
import threading
import urllib.parse
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

TOKEN = "a.standin.token"  # 0.95 wants the form of a JWT
_ID = "11111111-2222-4333-8444-555555555555"


class RestServer(ThreadingHTTPServer):
    """Keeps the workflow that was created (``specification``), its ``bundle`` and ``files`` by path, how it was
    ``started``, and the ``secrets`` by name: what kind they are, and their value."""

    def __init__(self, version: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.version = version
        self.requests: list[str] = []
        self.name = ""
        self.specification: dict = {}
        self.bundle: dict[str, bytes] = {}
        self.files: dict[str, bytes] = {}
        self.started: dict | None = None
        self.secrets: dict[str, tuple[str, bytes]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def environment(self, directory: Path) -> dict[str, str]:
        """The variables with which reana-client finds this server; 0.95 reads it from a file of its own."""
        if self.version == "0.9":
            return {"REANA_SERVER_URL": self.url, "REANA_ACCESS_TOKEN": TOKEN}
        config = directory / "reana-client.json"
        config.write_text(json.dumps({"active_server": self.url, "servers": {self.url: {"access_token": TOKEN}}}))
        return {"REANA_CLIENT_CONFIG": str(config)}


@contextlib.contextmanager
def serving(version: str) -> Iterator[RestServer]:
    """A server that answers until the block ends."""
    with RestServer(version) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: RestServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.respond()

    do_POST = do_PUT = do_GET  # noqa: N815 - their names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        pass

    def respond(self) -> None:
        body = self.body()
        url = urllib.parse.urlparse(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        operation = f"{self.command} {url.path}".replace(self.server.name or _ID, "NAME").rstrip("/")
        self.server.requests.append(operation)
        token = query.get("access_token") or self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token != TOKEN and operation != "GET /api/ping":
            return self.send(403, {"message": "the token is not valid"})
        answer = _ANSWERS.get(operation)
        if answer is None:
            return self.send(404, {"message": f"the stand-in has no {operation}"})
        return self.send(*answer(self.server, query, body, self.headers.get("Content-Type", "")))

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while length := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(length))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def send(self, status: int, answer: object) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _create(server: RestServer, query: dict, body: bytes, kind: str) -> tuple[int, dict]:
    server.name = (query.get("workflow_name") or "workflow") + ".1"
    if server.version == "0.9":
        server.specification = json.loads(body)
    else:
        server.bundle = _bundle(body, kind)
        server.files.update(server.bundle)  # the server seeds the workspace with it
        server.specification = yaml.safe_load(server.bundle["reana.yaml"])
    return 201, {"message": "created", "workflow_id": _ID, "workflow_name": server.name}


def _bundle(body: bytes, kind: str) -> dict[str, bytes]:
    parser = email.parser.BytesParser(policy=email.policy.HTTP)
    message = parser.parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    (part,) = message.iter_parts()
    with zipfile.ZipFile(io.BytesIO(part.get_payload(decode=True))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _upload(server: RestServer, query: dict, body: bytes, kind: str) -> tuple[int, dict]:
    server.files[query["file_name"].lstrip("/")] = body
    return 200, {"message": "uploaded"}


def _start(server: RestServer, query: dict, body: bytes, kind: str) -> tuple[int, dict]:
    server.started = json.loads(body) if body else {}
    return 200, {
        "message": "started", "status": "running", "user": "u", "workflow_id": _ID, "workflow_name": server.name,
    }  # fmt: skip


def _parameters(server: RestServer, query: dict, body: bytes, kind: str) -> tuple[int, dict]:
    parameters = server.specification.get("inputs", {}).get("parameters", {})
    return 200, {
        "id": _ID, "name": server.name, "type": server.specification["workflow"]["type"], "parameters": parameters,
    }  # fmt: skip


def _add_secrets(server: RestServer, query: dict, body: bytes, kind: str) -> tuple[int, dict]:
    given = json.loads(body)
    if set(given) & set(server.secrets) and query.get("overwrite", "false").lower() != "true":
        return 409, {"message": "one of them exists"}
    server.secrets.update((name, (one["type"], base64.b64decode(one["value"]))) for name, one in given.items())
    return 201, {"message": "added"}


def _value(title: str, value: object) -> dict:
    return {"title": title, "value": value}


_ANSWERS = {
    "GET /api/ping": lambda *_: (200, {
        "message": "OK", "status": "200", "api_capabilities": ["workflow-specification-bundles-v1"],
    }),
    "GET /api/info": lambda *_: (200, {
        "compute_backends": _value("backends", ["kubernetes"]),
        "default_workspace": _value("default", "/var/reana"),
        "workspaces_available": _value("workspaces", ["/var/reana"]),
    }),
    "POST /api/workflows": _create,
    "POST /api/workflows/NAME/workspace": _upload,
    "GET /api/workflows/NAME/specification": lambda server, *_: (
        200, {"specification": server.specification, "parameters": {}},
    ),
    "GET /api/workflows/NAME/parameters": _parameters,
    "POST /api/workflows/NAME/start": _start,
    "GET /api/workflows/NAME/status": lambda server, *_: (
        200, {"id": _ID, "name": server.name, "status": "running", "user": "u", "logs": "", "progress": {}},
    ),
    "POST /api/secrets": _add_secrets,
}  # fmt: skip
