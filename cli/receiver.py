"""A small HTTP receiver on loopback. Invariant: nobody beyond this machine reaches it, and no request outgrows its limit."""

import threading
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any

LOOPBACK = "127.0.0.1"
MOST_BODY_BYTES = 1024 * 1024
SILENT_SECONDS = 60
#: Takes the headers and the body of a POST; returns what is to be done once it is answered.
Take = Callable[[Message, bytes], Callable[[], None]]


class Receiver:
    """Listens as soon as it is made (OSError when it cannot), answers every POST with one status code until closed."""

    def __init__(self, port: int, answer: int, take: Take) -> None:
        class Handler(_Handler):
            status = answer
            taken = staticmethod(take)

        self._server = _Server((LOOPBACK, port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where POSTs may go."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}/"

    def close(self) -> None:
        """Take no more."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "runhook"
    sys_version = ""
    timeout = SILENT_SECONDS
    status: int
    taken: Take

    def do_POST(self) -> None:
        """Read, check, answer, tell."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self._answer(411, last=True)
        elif len(length) > 9 or int(length) > MOST_BODY_BYTES:
            self._answer(413, last=True)
        else:
            body = self.rfile.read(int(length))
            if len(body) == int(length):
                tell = self.taken(self.headers, body)
                self._answer(self.status)
                tell()

    def _answer(self, status: int, *, last: bool = False) -> None:
        self.close_connection = self.close_connection or last
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", "0")
        if last:
            self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Deliveries are told of elsewhere."""
