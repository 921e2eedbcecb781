"""The observation port of every process: /metrics for Prometheus, /healthz for whoever waits until it is ready.

Served by a thread of its own, so that a busy event loop still answers.
"""

import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are not worth a log line."""


def serve_metrics(address: str, is_ready: Callable[[], bool]) -> _Server:
    """Serves on host:port until `shutdown()`. /healthz answers 200 "ready" or 503 "not ready". OSError when it is taken."""
    host, _, port = address.rpartition(":")
    metrics = make_wsgi_app()

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/healthz":
            ready = is_ready()
            start_response("200 OK" if ready else "503 Service Unavailable", [("Content-Type", "text/plain")])
            return [b"ready\n" if ready else b"not ready\n"]
        return metrics(environ, start_response)  # type: ignore[no-any-return]

    server = make_server(host.strip("[]"), int(port), app, server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
