"""A server over HTTP on a real socket, in threads of its own: it answers by path, hangs, and remembers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.harness.ports import HOST

HANGS = "hangs"
"""Says nothing until the server is closed."""
Says = Callable[[str], str | int]
"""Returns what is answered to a path: text, a status, or ``HANGS``."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that brought something."""

    at: float
    """Seconds of the clock."""
    method: str
    """``POST`` or ``PUT``."""
    path: str
    """Without the server."""
    key: str
    """Its Idempotency-Key."""
    content: bytes
    """As it came."""


class WebServer(ThreadingHTTPServer):
    """Make it by ``with web_server(says)``."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, says: Says) -> None:
        super().__init__((HOST, 0), _Requests)
        self.says = says
        self.asked: list[str] = []
        self.sent: list[Sent] = []
        """What was posted and put."""
        self.is_closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}"


class _Requests(BaseHTTPRequestHandler):
    server: WebServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        said = self.server.says(self.path)
        if said == HANGS:
            self.server.is_closing.wait()
            self.close_connection = True
            return
        status, body = (said, b"") if isinstance(said, int) else (200, said.encode())
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers.get("Idempotency-Key", "")
        self.server.sent.append(Sent(time.time(), self.command, self.path, key, content))
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def web_server(says: Says) -> Iterator[WebServer]:
    """Run a server for as long as the block runs."""
    with WebServer(says) as server:
        thread = threading.Thread(target=server.serve_forever, name="web server")
        thread.start()
        try:
            yield server
        finally:
            server.is_closing.set()
            server.shutdown()
            thread.join()
