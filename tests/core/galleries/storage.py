"""A storage on the loopback for the tests: moto's, with a door that can be shut in the middle of anything."""

import http.client
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Refuses = Callable[[str, str], bool]


@contextmanager
def served() -> Iterator[str]:
    """The address of a storage on the loopback, for as long as it is used. ImportError without moto."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


class Door:
    """Hands requests on to a storage; what `refuses` says of a method and a path is cut off without an answer."""

    def __init__(self, endpoint: str) -> None:
        self.host = endpoint.removeprefix("http://")
        self.refuses: Refuses = lambda method, path: False
        self.denies = False  # answer everything with 403, and name a key, as storages do
        self.seen: list[tuple[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(door: Door) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _hand_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            door.seen.append((self.command, self.path))
            if door.denies:
                answer = (b"<Error><Code>InvalidAccessKeyId</Code><Message>No such key</Message>"
                          b"<AWSAccessKeyId>the-key-of-somebody</AWSAccessKeyId></Error>")
                self._answer(403, {"Content-Type": "application/xml"}, answer)
                return
            if door.refuses(self.command, self.path):
                self.close_connection = True
                return
            connection = http.client.HTTPConnection(door.host, timeout=20)
            connection.request(self.command, self.path, body, dict(self.headers))
            found = connection.getresponse()
            content = found.read()
            self._answer(found.status, dict(found.getheaders()), content)
            connection.close()

        def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                    self.send_header(name, value)
            length = headers.get("Content-Length", "") if self.command == "HEAD" else str(len(content))
            self.send_header("Content-Length", length or "0")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _hand_on

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    return Handler
