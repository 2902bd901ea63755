"""HTTP servers on loopback that misbehave as they are told: a gate before a Rucio server, and a WebDAV storage.

    storage.on("GET .*/events.root", cut(1000), times=1)

makes the first GET of that file end after 1000 bytes; without `times`, each does. Rules are tried in order; a request
that none fits, or whose rule returns None, is answered as it should be.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import re
import shutil
import socket
import socketserver
import struct
import threading
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

Action = Callable[["Handler"], Any]


class Rule:
    """What is done about the first `times` requests ("METHOD path") that the pattern fits; None: about all."""

    def __init__(self, pattern: str, action: Action, times: int | None) -> None:
        self.fits, self.action, self.left = re.compile(pattern).match, action, times

    def takes(self, request: str) -> bool:
        if self.left == 0 or not self.fits(request):
            return False
        if self.left:
            self.left -= 1
        return True


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Troubled
    body: bytes | None = None
    reset = False

    def handle_one_request(self) -> None:
        """Any method; a client that is gone, or that we cut off, is no error."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        request = f"{self.command} {self.path}"
        self.body = None
        rule = self.server.rule_for(request)
        if (rule.action(self) if rule else None) is None:
            self.server.answer(self)

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError, ValueError):
            super().handle()

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def read_body(self) -> bytes:
        if self.body is None:
            self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return self.body

    def reply(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None, length: int = -1) -> None:
        """Answer; `length` is a Content-Length that is not the body's."""
        self.read_body()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length < 0 else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def hang_up(self) -> None:
        """Reset the connection: what is underway is lost."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, *_: object) -> None:
        pass


class Troubled(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A server in threads of this process. `answer` is what it does when all is well."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.rules: list[Rule] = []
        self.over = threading.Event()  # set by `calm`: whoever stalls may go
        self.lock = threading.Lock()
        self.seen: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def on(self, pattern: str, action: Action, times: int | None = None) -> None:
        self.rules.append(Rule(pattern, action, times))

    def calm(self) -> None:
        """No more trouble; what stalls is released."""
        with self.lock:
            self.rules.clear()
            self.over.set()
            self.over = threading.Event()
            self.seen.clear()

    def rule_for(self, request: str) -> Rule | None:
        with self.lock:
            self.seen.append(request)
            return next((rule for rule in self.rules if rule.takes(request)), None)

    def answer(self, handler: Handler) -> None:
        raise NotImplementedError

    def handle_error(self, *_: object) -> None:
        pass


class Gate(Troubled):
    """Hands each request on to a Rucio server at `target`, host:port."""

    def __init__(self, target: str) -> None:
        self.target = target
        super().__init__()

    def answer(self, handler: Handler) -> None:
        handler.reply(*self.forward(handler))

    def forward(self, handler: Handler) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection(self.target, timeout=60)
        body = handler.read_body()
        dropped = ("connection", "content-length", "transfer-encoding", "keep-alive")
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in dropped}
        try:
            connection.request(handler.command, handler.path, body or None, headers)
            response = connection.getresponse()
            kept = {
                name: value for name, value in response.getheaders() if name.lower() not in (*dropped, "server", "date")
            }
            return response.status, response.read(), kept
        finally:
            connection.close()


class Storage(Troubled):
    """As much of WebDAV as Rucio's clients use, on the files below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        super().__init__()

    def file(self, path: str) -> Path:
        """The file at a path or URL; the clients take only https for a URL, and put ours behind another."""
        path = re.sub(r".*https?://[^/]+", "", path)
        return self.root / urllib.parse.unquote(path).lstrip("/")

    def answer(self, handler: Handler) -> None:
        file = self.file(handler.path)
        method = getattr(self, "do_" + handler.command.lower(), None)
        if method is None:
            handler.reply(405)
        else:
            method(handler, file)

    def do_head(self, handler: Handler, file: Path) -> None:
        if file.exists():
            handler.reply(200, length=file.stat().st_size if file.is_file() else 0)
        else:
            handler.reply(404)

    def do_get(self, handler: Handler, file: Path) -> None:
        if not file.is_file():
            handler.reply(404, b"Not found")
            return
        handler.read_body()
        handler.send_response(200)
        handler.send_header("Content-Length", str(file.stat().st_size))
        handler.end_headers()
        with file.open("rb") as stream:
            shutil.copyfileobj(stream, handler.wfile, 1 << 20)

    def do_put(self, handler: Handler, file: Path) -> None:
        if not file.parent.is_dir():
            handler.reply(403)  # so that a client makes the collections
            return
        left = int(handler.headers["Content-Length"])
        with file.open("wb") as stream:
            while left:
                block = handler.rfile.read(min(left, 1 << 20))
                if not block:
                    handler.hang_up()
                    return
                stream.write(block)
                left -= len(block)
        handler.body = b""
        handler.reply(201)

    def do_move(self, handler: Handler, file: Path) -> None:
        if not file.is_file():
            handler.reply(404)
            return
        target = self.file(handler.headers["Destination"])
        target.parent.mkdir(parents=True, exist_ok=True)
        file.rename(target)
        handler.reply(201)

    def do_mkcol(self, handler: Handler, file: Path) -> None:
        file.mkdir(parents=True, exist_ok=True)
        handler.reply(201)

    def do_delete(self, handler: Handler, file: Path) -> None:
        if not file.is_file():
            handler.reply(404)
            return
        file.unlink()
        handler.reply(204)

    def do_propfind(self, handler: Handler, file: Path) -> None:
        if not file.exists():
            handler.reply(404)
            return
        path = "/" + str(file.relative_to(self.root))
        size = file.stat().st_size
        body = (
            f'<?xml version="1.0"?><D:multistatus xmlns:D="DAV:"><D:response><D:href>{path}</D:href><D:propstat><D:prop>'
            f"<D:getcontentlength>{size}</D:getcontentlength></D:prop></D:propstat></D:response></D:multistatus>"
        )
        handler.reply(207, body.encode(), {"Content-Type": "application/xml"})


# ---- what can go wrong


def status(code: int, text: str = "") -> Action:
    """Answer with this status and nothing else."""

    def act(handler: Handler) -> bool:
        handler.reply(code, text.encode())
        return True

    return act


def reset(handler: Handler) -> bool:
    """Take the request and reset the connection."""
    handler.hang_up()
    return True


def lose(handler: Handler) -> bool:
    """Do what is asked, and reset the connection instead of saying so."""
    if isinstance(handler.server, Gate):
        handler.server.forward(handler)
    handler.hang_up()
    return True


def stall(handler: Handler) -> bool:
    """Say nothing until the trouble is over."""
    handler.server.over.wait(120)
    handler.hang_up()
    return True


def says(text: str) -> Action:
    """Answer 200 with this text, whatever was asked."""

    def act(handler: Handler) -> bool:
        handler.reply(200, text.encode(), {"Content-Type": "text/html"})
        return True

    return act


def call(function: Callable[[], Any]) -> Action:
    """Call this, then go on as usual."""

    def act(_: Handler) -> None:
        function()

    return act


def half(then: Action) -> Action:
    """Send half of what was asked for, then do this: `reset`, `stall`, or `call(...)`, after which the rest follows."""

    def act(handler: Handler) -> bool:
        server = handler.server
        if isinstance(server, Gate):
            code, body, headers = server.forward(handler)
        else:
            assert isinstance(server, Storage)
            code, body, headers = 200, server.file(handler.path).read_bytes(), {}
        handler.reply(code, body[: len(body) // 2], headers, length=len(body))
        handler.wfile.flush()
        time.sleep(0.05)  # a reset would take back what is not read yet
        if then(handler) is None:
            handler.wfile.write(body[len(body) // 2 :])
        return True

    return act


def shortened(handler: Handler) -> bool:
    """Send half of the file as if that was all."""
    assert isinstance(handler.server, Storage)
    content = handler.server.file(handler.path).read_bytes()
    handler.reply(200, content[: len(content) // 2])
    return True


def garbled(handler: Handler) -> bool:
    """Send as many other bytes."""
    assert isinstance(handler.server, Storage)
    handler.reply(200, bytes(255 - byte for byte in handler.server.file(handler.path).read_bytes()))
    return True


def trickle(handler: Handler) -> bool:
    """Send a byte now and then: no read ever times out."""
    assert isinstance(handler.server, Storage)
    content, over = handler.server.file(handler.path).read_bytes(), handler.server.over
    handler.reply(200, content[:1], length=len(content))
    for index in range(1, len(content)):
        if over.wait(0.2):
            break
        handler.wfile.write(content[index : index + 1])
    handler.hang_up()
    return True


def halved(handler: Handler) -> bool:
    """Store half of what is sent, and say that all is well."""
    assert isinstance(handler.server, Storage)
    file = handler.server.file(handler.path)
    file.parent.mkdir(parents=True, exist_ok=True)
    body = handler.read_body()
    file.write_bytes(body[: len(body) // 2])
    handler.reply(201)
    return True


def swallow_half(then: Action) -> Action:
    """Take half of what is sent, then do this."""

    def act(handler: Handler) -> Any:
        assert isinstance(handler.server, Storage)
        file = handler.server.file(handler.path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(handler.rfile.read(int(handler.headers["Content-Length"]) // 2))
        if then(handler) is None:
            handler.hang_up()
        return True

    return act
