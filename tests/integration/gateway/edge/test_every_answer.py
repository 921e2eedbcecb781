"""What every answer has, whoever wrote it: the app, the trigger door, a page, or the connection itself."""

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.edge.throttle import Throttle
from gateway.observer import Observer
from tests.support.gateway import gateway, serving
from tests.support.wire import HEALTHZ, WireAnswer, request, wire

HEADERS = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
ASKED = [
    HEALTHZ,
    request("GET", "/nowhere"),
    request("GET", "/api/v3/accounts/1/webhooks/subscriptions"),
    request("GET", "/api/v3/accounts/1/webhooks/subscriptions", "Authorization: Bearer t"),
    request("PATCH", "/api/v1/accounts/1/tasks", "Authorization: Bearer t"),
    request("POST", f"/t/{'x' * 43}", "Content-Length: 0"),
    request("GET", f"/t/{'x' * 43}"),
    b"garbage\r\n\r\n",
    request("GET", "/" + "x" * 10_000),
]


@pytest.mark.parametrize("asked", ASKED)
async def test_every_answer_has_the_headers_and_one_id(asked: bytes) -> None:
    async with gateway() as call:
        answers = []
        for line in (
            "X-Request-Id: mine.1_a-B\r\n",
            "",
            f"X-Request-Id: {'x' * 129}\r\n",
            "X-Request-Id: no blanks\r\n",
        ):
            async with wire(call.port) as connection:
                answers.append(await connection.ask(asked.replace(b"Host: x\r\n", f"Host: x\r\n{line}".encode())))
        for answer in answers:
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS
            assert "server" not in answer.headers
            if b"problem" in answer.headers["content-type"].encode():
                assert answer.json["request_id"] == answer.headers["x-request-id"]
        ids = [answer.headers["x-request-id"] for answer in answers]
        assert all(len(one) == 32 for one in ids[1:])
        assert len(set(ids)) == 4
        assert ids[0] == "mine.1_a-B" or asked in ASKED[-2:]


async def with_its_own(scope: Scope, receive: Receive, send: Send) -> None:
    """A page that knows better."""
    await Response(headers={"Content-Security-Policy": "default-src 'self'", "Cache-Control": "max-age=60"})(
        scope, receive, send
    )


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    """A fault of ours."""
    raise RuntimeError("a secret of the inside")


async def ask(app: Observer) -> WireAnswer:
    async with serving(app) as door, wire(door.port) as line:
        return await line.ask(HEALTHZ)


async def test_an_answer_with_a_policy_of_its_own_keeps_it() -> None:
    answer = await ask(Observer(with_its_own, Throttle(0, 0)))
    assert answer.headers["content-security-policy"] == "default-src 'self'"
    assert answer.headers["cache-control"] == "max-age=60"
    assert answer.headers["x-frame-options"] == "DENY"


async def test_a_fault_of_ours_is_500_without_its_cause() -> None:
    answer = await ask(Observer(failing, Throttle(0, 0)))
    assert (answer.status, answer.json["request_id"]) == (500, answer.headers["x-request-id"])
    assert b"secret" not in answer.body
