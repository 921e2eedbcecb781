"""A model of a receiver: `python -m examples.demo.receiver` listens on a free port and verifies whatever is sent.

stdin    a line `<path> <signing secret>` for each webhook it serves; it ends when stdin does
stdout   JSON lines: {"port": ...}, then {"trusts": path} for each secret and one for each POST, with its raw bytes

Invariant: nothing is believed, and nothing parsed, before the signature over the raw bytes holds. A receiver in earnest
would also remember each eventId for a day and drop what comes again: delivery is at least once.
"""

import base64
import hashlib
import hmac
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGEST_BODY = 1024 * 1024
secrets: dict[str, str] = {}
_line = threading.Lock()


def is_genuine(secret: str, body: bytes, signatures: list[str]) -> bool:
    """Whether the one Authorization header is the HMAC-SHA256 of the raw body, in lower-case hex."""
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return len(signatures) == 1 and hmac.compare_digest(expected.encode(), signatures[0].encode())


class Door(BaseHTTPRequestHandler):
    """One connection, kept open for the next delivery."""

    protocol_version = "HTTP/1.1"
    timeout = 75

    def do_POST(self) -> None:
        """204 to what is genuine, 401 to the rest."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and int(length) <= LARGEST_BODY):
            self.close_connection = True
            self._answer(413 if length.isdigit() else 411)
            return
        body = self.rfile.read(int(length))
        genuine = self.path in secrets and is_genuine(
            secrets[self.path], body, self.headers.get_all("Authorization", [])
        )
        tell(
            path=self.path,
            at=time.time(),
            genuine=genuine,
            headers=self.headers.items(),
            body=base64.b64encode(body).decode(),
        )
        self._answer(204 if genuine else 401)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what is worth telling is told on stdout."""


def tell(**facts: object) -> None:
    """One JSON line, whole, though connections are served by several threads."""
    with _line:
        print(json.dumps(facts), flush=True)


def main() -> None:
    """Serve until stdin ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tell(port=server.server_port)
    for line in sys.stdin:
        path, _, secret = line.strip().partition(" ")
        secrets[path] = secret
        tell(trusts=path)


if __name__ == "__main__":
    main()
