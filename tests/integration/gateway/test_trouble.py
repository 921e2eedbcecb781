"""When a service behind the gateway is away or mute: 503 with Retry-After within two seconds, and back by itself."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from tests.support.gateway import Gateway, gateway
from tests.support.postgres import Database
from tests.support.service_process import free_port
from tests.support.subscription import ACCOUNT, TOKEN, subscription_service
from tests.support.trigger_peer import CREDENTIAL

V1 = f"/api/v1/accounts/{ACCOUNT}"
REQUESTS = [
    ("GET", f"/api/v3/accounts/{ACCOUNT}/webhooks/subscriptions"),
    ("POST", f"/api/v3/accounts/{ACCOUNT}/webhooks/subscriptions"),
    ("GET", f"/api/v3/accounts/{ACCOUNT}/webhooks/subscription/wsu_{'x' * 27}/test"),
    ("GET", "/api/v2/accounts/"),
    ("GET", f"{V1}/tokens"),
    ("POST", f"{V1}/events"),
    ("GET", f"{V1}/deliveries/1"),
    ("GET", f"{V1}/tasks/1"),
    ("GET", f"{V1}/executions"),
    ("GET", f"/api/v2/accounts/{ACCOUNT}/runs/1/"),
    ("POST", f"/t/{'x' * 43}"),
]


@pytest.fixture
def mute() -> Iterator[str]:
    """Takes connections and never says a word, as a stopped process does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


async def check(call: Gateway, method: str, path: str) -> None:
    async with asyncio.timeout(2.5):
        answer = await call(method, path, data=b"{}" if method == "POST" else None)
    assert (answer.status, path) == (503, path)
    assert 1 <= int(answer.headers["Retry-After"]) <= 4
    assert b"127.0.0.1" not in answer.body


async def check_all(call: Gateway) -> None:
    await asyncio.gather(*(check(call, method, path) for method, path in REQUESTS))


async def test_a_service_that_is_away_is_503_in_every_format() -> None:
    async with gateway(token=TOKEN) as call:
        await check_all(call)


async def test_a_service_that_is_mute_is_503_within_two_seconds(mute: str) -> None:
    targets = {"subscription_svc": mute, "delivery_svc": mute, "trigger_svc": mute}
    async with gateway(token=TOKEN, credential=CREDENTIAL, **targets) as call:
        await check_all(call)


class Hanging(grpc.GenericRpcHandler):
    """Every method of every service: takes the call and never answers."""

    def __init__(self) -> None:
        self.taken = asyncio.Event()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Streams both ways fit every rpc."""
        return grpc.stream_stream_rpc_method_handler(self._hang)

    async def _hang(self, requests: Any, context: Any) -> None:
        await context.send_initial_metadata(())  # the gateway puts calls on a stream that leads somewhere
        async for _ in requests:
            self.taken.set()
        await asyncio.Event().wait()


@pytest.mark.parametrize(("method", "path"), REQUESTS)
async def test_a_service_that_stops_in_the_middle_of_a_request_is_503_at_once(method: str, path: str) -> None:
    hanging, server = Hanging(), grpc.aio.server()
    server.add_generic_rpc_handlers((hanging,))
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    targets = dict.fromkeys(("subscription_svc", "delivery_svc", "trigger_svc"), target)
    async with gateway(token=TOKEN, credential=CREDENTIAL, **targets) as call:
        asked = asyncio.create_task(call(method, path, data=b"{}" if method == "POST" else None))
        await asyncio.wait_for(hanging.taken.wait(), 5)
        await server.stop(None)
        answer = await asyncio.wait_for(asked, 2)
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert b"127.0.0.1" not in answer.body


async def test_a_service_that_comes_back_is_found_again(database: Database) -> None:
    port = free_port()
    path = f"/api/v3/accounts/{ACCOUNT}/webhooks/subscriptions"
    async with gateway(token=TOKEN, subscription_svc=f"127.0.0.1:{port}") as call:
        assert (await call("GET", path)).status == 503
        async with subscription_service(database, address=f"127.0.0.1:{port}"), asyncio.timeout(10):
            while (await call("GET", path)).status != 200:  # noqa: ASYNC110 - the channel tells nobody when it tries again
                await asyncio.sleep(0.1)
        assert (await call("GET", path)).status == 503


async def test_a_database_that_is_away_is_503_not_a_hang(database: Database) -> None:
    path = f"/api/v3/accounts/{ACCOUNT}/webhooks/subscriptions"
    async with subscription_service(database) as service, gateway(token=TOKEN, subscription_svc=service.target) as call:
        assert (await call("GET", path)).status == 200
        service.pool.terminate()
        answer = await asyncio.wait_for(call("GET", path), 2.5)
        assert answer.status == 503
        assert answer.json["status"]["user_message"] == "the database does not answer: call again"


async def test_the_gateway_itself_lives_whatever_is_away() -> None:
    async with gateway() as call:
        answer = await call("GET", "/healthz", token=None)
        assert (answer.status, answer.body) == (200, b"alive\n")


async def test_every_answer_has_a_request_id_and_a_sane_one_is_kept() -> None:
    async with gateway() as call:
        for sent, kept in (("abc-DEF_1.2", True), ("x", True), ("x" * 129, False), ("", False), ("in ject", False)):
            answer = await call("GET", "/nowhere", headers={"X-Request-Id": sent})
            assert (answer.headers["X-Request-Id"] == sent) is kept
            assert answer.json["request_id"] == answer.headers["X-Request-Id"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_answers_do_not_wait_for_acknowledgements() -> None:
    async with gateway() as call:
        reader, writer = await asyncio.open_connection("127.0.0.1", call.port)
        async with asyncio.timeout(1.0):  # with Nagle's delay each answer would take 40 ms
            for _ in range(40):
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                await reader.readuntil(b"alive\n")
        writer.close()
