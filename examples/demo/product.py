"""The platform under demonstration. Invariant: on a throwaway data directory, and gone when the demo is.

It is `runhook standalone` with none of the settings that stand in the person's environment; standalone.json says where
it is once all of it is healthy.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc

from examples.demo.story import Trouble
from runhook.delivery.v1.delivery_service_pb2 import PublishEventsRequest
from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from runhook.delivery.v1.event_pb2 import Event
from standalone import launch
from standalone.files import last_lines

_SETTINGS = ("PORT", "DATA_DIR", "TOKEN", "DATABASE_URL", "COMMANDS")
_START_SECONDS = 90.0
_STOP_SECONDS = 30.0
_CALL_SECONDS = 15.0
# Everything is on this machine: a proxy that the environment names has no part in it.
_straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Platform:
    """A running platform; `url` is its gateway, `delivery_svc` its gRPC target, account and token are its first."""

    def __init__(self, *, url: str, account_id: int, token: str, delivery_svc: str) -> None:
        self.url = url
        self.account_id = account_id
        self._token = token
        self._delivery_svc = delivery_svc

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The answer to a REST call of ours, read. Raises Trouble with the answer where it is no success."""
        path = path.format(account=self.account_id)
        headers = {"Authorization": f"Token {self._token}", "Content-Type": "application/json"}
        status, answer = request(method, self.url + path, None if body is None else json.dumps(body).encode(), headers)
        if not 200 <= status < 300:
            raise Trouble(f"{method} {path} was answered {status}: {answer.decode(errors='replace')}")
        return json.loads(answer)

    def publish(self, events: Sequence[Event]) -> list[str]:
        """Publish a batch through gRPC; the event ids. Raises Trouble where it is refused."""
        with grpc.insecure_channel(self._delivery_svc, options=[("grpc.enable_http_proxy", 0)]) as channel:
            try:
                answer = DeliveryServiceStub(channel).PublishEvents(
                    PublishEventsRequest(events=events),
                    timeout=_CALL_SECONDS,
                    metadata=(("authorization", f"Bearer {self._token}"),),
                )
            except grpc.RpcError as error:
                raise Trouble(f"PublishEvents failed: {error}") from error
        return list(answer.event_ids)


class Product(Platform):
    """The one that the demo starts and ends."""

    def __init__(self, folder: Path, **environment: str) -> None:
        """Start it. Raises Trouble with its last words if it does not get ready."""
        self._log = folder / "standalone.log"
        data_dir = folder / "data"
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in _SETTINGS and not name.startswith("RUNHOOK_")
        }
        with self._log.open("wb") as log:
            self._process = launch.start(
                [sys.executable, "-m", "cli", "standalone"],
                log=log,
                environment={**inherited, "PORT": "0", "DATA_DIR": str(data_dir), **environment},
                death_signal=signal.SIGTERM,
            )
        try:
            facts = self._ready(data_dir / "standalone.json")
        except BaseException:
            self.close()
            raise
        super().__init__(
            url=facts["gateway_url"],
            account_id=facts["account_id"],
            token=facts["token"],
            delivery_svc=facts["grpc"]["delivery_svc"],
        )

    def close(self) -> int:
        """End it, with all of its processes; its exit code."""
        self._process.terminate()
        try:
            return self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _ready(self, told: Path) -> dict[str, Any]:
        deadline = time.monotonic() + _START_SECONDS
        while not told.exists():  # it is written whole, once all are healthy
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Trouble("\n".join(["the platform did not get ready:", *last_lines(self._log, 20)]))
            time.sleep(0.05)
        facts: dict[str, Any] = json.loads(told.read_text())
        return facts


def request(method: str, url: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
    """Status and body of the answer to one HTTP request."""
    asked = urllib.request.Request(url, data=body, headers=headers, method=method)
    try:
        with _straight.open(asked, timeout=_CALL_SECONDS) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
    except OSError as error:
        raise Trouble(f"{method} {url} was not answered: {error}") from error
