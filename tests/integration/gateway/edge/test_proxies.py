"""Behind proxies: whose word is taken for who is asking and how."""

from typing import Any

import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from tests.support.gateway import gateway, serving
from tests.support.wire import request, wire


async def mirror(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with who the app thinks is asking."""
    await JSONResponse([scope["client"][0], scope["scheme"]])(scope, receive, send)


async def seen(trusted: str, *headers: str, source: str = "127.0.0.1") -> Any:
    async with serving(mirror, trusted_proxies=trusted) as door, wire(door.port, source=source) as line:
        return (await line.ask(request("GET", "/", *headers))).json


FORWARDED = ("X-Forwarded-For: 203.0.113.7, 198.51.100.4", "X-Forwarded-Proto: https")


async def test_a_trusted_proxy_says_who_asks_and_how() -> None:
    assert await seen("127.0.0.0/8", *FORWARDED) == ["198.51.100.4", "https"]
    assert await seen("127.0.0.1, 198.51.100.0/24", *FORWARDED) == ["203.0.113.7", "https"]
    assert await seen("127.0.0.1") == ["127.0.0.1", "http"]


async def test_what_anybody_else_says_of_it_is_nothing() -> None:
    assert await seen("", *FORWARDED) == ["127.0.0.1", "http"]
    assert await seen("10.0.0.0/8", *FORWARDED) == ["127.0.0.1", "http"]
    assert await seen("127.0.0.1", *FORWARDED, source="127.0.0.2") == ["127.0.0.2", "http"]


async def test_the_log_has_the_client_and_the_answer_hsts(capsys: pytest.CaptureFixture[str]) -> None:
    async with gateway(trusted_proxies="127.0.0.1") as call:
        answer = await call("GET", "/healthz", headers=dict(header.split(": ") for header in FORWARDED))
    assert "client=198.51.100.4" in capsys.readouterr().out
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_each_request_of_a_proxys_connection_has_its_own_client() -> None:
    async with serving(mirror, trusted_proxies="127.0.0.1") as door, wire(door.port) as line:
        for client in ("192.0.2.1", "192.0.2.2", "2001:db8::1"):
            assert (await line.ask(request("GET", "/", f"X-Forwarded-For: {client}"))).json[0] == client
