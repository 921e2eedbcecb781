"""A model of a receiver: `python -m examples.demo.receiver SECRETS_FILE` verifies whatever is sent to it.

SECRETS_FILE is JSON, {path: signing secret}. What it prints are JSON lines: {"port": ...}, then one for each POST.

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
from pathlib import Path

LARGEST_BODY = 1024 * 1024
_one_line = threading.Lock()


def is_genuine(secret: str, body: bytes, signatures: list[str]) -> bool:
    """Whether the one Authorization header is the HMAC-SHA256 of the raw body, in lower-case hex."""
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return len(signatures) == 1 and hmac.compare_digest(expected.encode(), signatures[0].encode())


class Door(BaseHTTPRequestHandler):
    """One connection, kept open for the next delivery: 204 to what is genuine, 401 to the rest."""

    protocol_version = "HTTP/1.1"
    timeout = 75

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and int(length) <= LARGEST_BODY):
            self.close_connection = True
            self._answer(413)
            return
        body = self.rfile.read(int(length))
        secret = json.loads(Path(sys.argv[1]).read_text()).get(self.path)
        genuine = secret is not None and is_genuine(secret, body, self.headers.get_all("Authorization", []))
        text = base64.b64encode(body).decode()
        tell(path=self.path, at=time.time(), genuine=genuine, headers=self.headers.items(), body=text)
        self._answer(204 if genuine else 401)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: what is worth telling is told by `tell`."""


def tell(**facts: object) -> None:
    """Print one JSON line, whole, though every connection has a thread of its own."""
    with _one_line:
        print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        tell(port=server.server_port)
        server.serve_forever()
