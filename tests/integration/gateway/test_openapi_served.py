"""The document and its page as a running gateway serves them: to everybody, the same bytes, with headers of their own."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.openapi import page
from tests.support.gateway import Gateway, gateway

ROOT = Path(__file__).parents[3]
COMMITTED = (ROOT / "docs/openapi.json").read_bytes()


@pytest.fixture
async def call() -> AsyncIterator[Gateway]:
    async with gateway() as running:
        yield running


async def test_the_document_is_served_as_it_is_committed(call: Gateway) -> None:
    for path in ("/openapi.json", "/openapi.json/", "/openapi.json?x=1"):
        answer = await call("GET", path, token=None)
        assert (answer.status, answer.headers["Content-Type"], answer.body) == (200, "application/json", COMMITTED)
        assert answer.headers["X-Request-Id"]


async def test_the_root_says_who_this_is_since_some_clients_ask_it_whether_anybody_is_there(call: Gateway) -> None:
    answer = await call("GET", "/", token=None)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert answer.body.endswith(b": /docs, /openapi.json\n")


async def test_the_page_is_served_with_its_own_policy_alone(call: Gateway) -> None:
    answer = await call("GET", "/docs", token=None)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers.getall("Content-Security-Policy") == [page.POLICY]
    assert b'id="createWebhook"' in answer.body


async def test_head_has_the_headers_and_no_body(call: Gateway) -> None:
    for path in ("/", "/openapi.json", "/docs"):
        full, head = await call("GET", path, token=None), await call("HEAD", path, token=None)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["Content-Length"] == full.headers["Content-Length"] == str(len(full.body))


async def test_other_methods_are_405_with_allow(call: Gateway) -> None:
    for path in ("/", "/openapi.json", "/docs"):
        for method in ("POST", "DELETE", "OPTIONS"):
            answer = await call(method, path, token=None)
            assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
            assert answer.headers["Content-Type"] == "application/problem+json"


async def test_the_command_prints_the_document() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway.openapi", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert (process.returncode, printed) == (0, COMMITTED)
