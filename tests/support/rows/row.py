"""A row of the contract's table of edge cases (inbound, section 5) as data, and how it is tried over a real socket."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runhook.trigger.v1.trigger_pb2 import Trigger
from tests.support.gateway import NOWHERE, Gateway, gateway
from tests.support.postgres import Database
from tests.support.service_process import ServiceProcess, free_port, running
from tests.support.trigger_service import CREDENTIAL, Service, secret_files
from tests.support.wire import WireAnswer, request, wire

JSON = "application/json"
Headers = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class House:
    """The gateway and trigger_svc over one database, which all rows share."""

    call: Gateway
    service: Service
    database: Database
    directory: Path

    async def trigger(self, *, task: Mapping[str, Any] | None = None, **changes: Any) -> tuple[Trigger, str]:
        """A new trigger, that 100 calls set off unless said otherwise, and its token."""
        return await self.service.trigger(task=dict(task or {}), **({"threshold": 100} | changes))

    async def post(self, token: str, body: bytes = b"{}", /, **headers: str) -> WireAnswer:
        """A POST of JSON to a trigger; headers with _ for -."""
        named = {"Content-Type": JSON} | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask("POST", f"/t/{token}", named, body)

    async def ask(self, method: str, path: str, headers: Headers, body: bytes | None = None) -> WireAnswer:
        """One request on a connection of its own."""
        lines = [f"{name}: {value}" for name, value in headers.items()]
        if body is not None and "Transfer-Encoding" not in headers:
            lines.append(f"Content-Length: {len(body)}")
        async with wire(self.call.port) as line:
            line.send(request(method, path, *lines, body=body or b""))
            return await line.answer(10, bodiless=method == "HEAD")

    async def raw(self, data: bytes) -> WireAnswer:
        """The last answer to these bytes, interim ones passed over."""
        async with wire(self.call.port) as line:
            line.send(data)
            while (answer := await line.answer()).status == 100:
                pass
            return answer

    @asynccontextmanager
    async def another(self, **settings: object) -> AsyncIterator[tuple[ServiceProcess, Gateway]]:
        """A pod of trigger_svc as a process of its own, over the same database, and a gateway before it alone."""
        target = f"127.0.0.1:{free_port()}"
        values = secret_files(self.directory) | {
            "DATABASE_URL": self.database.trigger_url,
            "GRPC_ADDRESS": target,
            "DELIVERY_SVC": NOWHERE,
            "LOG_LEVEL": "error",
        }
        async with (
            running("trigger_svc", values | settings) as pod,
            gateway(trigger_svc=target, credential=CREDENTIAL) as call,
        ):
            yield pod, call

    async def calls(self, trigger: Trigger) -> list[Any]:
        """What is stored of a trigger's calls, in their order."""
        return await self.service.pool.fetch(
            "select c.* from trigger.call c join trigger.trigger t using (trigger_id) where t.public_id = $1 order by seq",
            trigger.trigger_id,
        )

    async def executions(self, trigger: Trigger) -> list[Any]:
        """What a trigger has set going, in its order."""
        return await self.service.pool.fetch(
            "select e.* from trigger.execution e join trigger.trigger t using (trigger_id) where t.public_id = $1"
            " order by execution_id",
            trigger.trigger_id,
        )


Check = Callable[[House], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One case of row E<number>: what is sent, what must come. A `check` says it in code, where a request alone does not.

    `shows` are headers of the answer (a value, or "" for any), `raw` is sent instead of a request ({path} is the trigger's),
    `stored` how many calls there are afterwards. `missing` names the room that has not built it yet.
    """

    number: int
    case: str
    status: int = 204
    method: str = "POST"
    path: str = "{path}"
    headers: Headers = field(default_factory=lambda: {"Content-Type": JSON})
    body: bytes | None = b"{}"
    raw: bytes | None = None
    trigger: Mapping[str, Any] = field(default_factory=dict)
    task: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    shows: Headers = field(default_factory=dict)
    check: Check | None = None
    missing: str = ""

    @property
    def name(self) -> str:
        """Such as "E7 text/plain"."""
        return f"E{self.number} {self.case}"


async def try_row(row: Row, house: House) -> None:
    """Fails when the row does not hold."""
    if row.check is not None:
        await row.check(house)
        return
    trigger, token = await house.trigger(task=row.task, **row.trigger)
    path = row.path.format(path=f"/t/{token}", token=token, swapped=token.swapcase())
    if row.raw is not None:
        answer = await house.raw(row.raw.replace(b"{path}", path.encode()))
    else:
        answer = await house.ask(row.method, path, row.headers, row.body)
    assert answer.status == row.status, answer
    check_form(answer, [token.encode(), row.body or b""], row.reason)
    for name, value in row.shows.items():
        assert name.lower() in answer.headers, answer
        assert value in ("", answer.headers[name.lower()])
    stored = await house.calls(trigger)
    if row.status == 204 and row.method == "POST":
        assert [call["call_id"] for call in stored] == [answer.headers["x-call-id"]]
        assert (stored[0]["body"], stored[0]["media_type"]) == (
            row.body,
            row.headers.get("Content-Type", "").strip(),
        )
    else:
        assert stored == []


def check_form(answer: WireAnswer, secrets: Sequence[bytes], reason: str = "") -> None:
    """What holds of every answer: a request id; of an error, problem details; of 503 and 429, when to call again."""
    assert answer.headers["x-request-id"]
    if answer.status < 400:
        return
    if answer.body:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["request_id"] == answer.headers["x-request-id"]
        assert reason in ("", answer.json["reason"]), answer.json
    assert not [secret for secret in secrets if len(secret) > 8 and secret in answer.body]
    if answer.status in (429, 503):
        assert int(answer.headers["retry-after"]) >= 1
