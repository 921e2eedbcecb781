"""The test of a webhook over REST: gateway, subscription_svc, delivery_svc, a real endpoint that does as it likes."""

import asyncio
import hashlib
import hmac
import json
import re
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import pytest

from tests.support.delivery import KEY_RING, DeliveryService, delivery_service
from tests.support.envelope import NO_ID, NOT_FOUND, ONE, UNKNOWN, check, error, made
from tests.support.gateway import Gateway, gateway
from tests.support.postgres import Database
from tests.support.receiver import Peer, Receiver, Request
from tests.support.subscription import ACCOUNT, TOKEN, add_token, subscription_service


class House(NamedTuple):
    call: Gateway
    delivery: DeliveryService


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with (
        subscription_service(database, key_ring=KEY_RING) as subscriptions,
        delivery_service(database) as delivery,
        gateway(token=TOKEN, subscription_svc=subscriptions.target, delivery_svc=delivery.target) as running,
    ):
        yield House(running, delivery)


def told(verification_error: str | None, code: str) -> dict[str, Any]:
    return {
        "data": {"verification_error": verification_error, "verification_status_code": code},
        "status": {"code": 200},
    }


async def test_a_test_is_one_signed_delivery_and_says_what_the_endpoint_did(house: House) -> None:
    async with Receiver(200) as receiver:
        webhook = await made(house.call, client_url=receiver.url, active=False)
        answer = await house.call("GET", f"{ONE}/{webhook['id']}/test", headers={"Content-Type": "application/json"})
        assert (answer.status, answer.json) == (200, told(None, "200"))
        request = await receiver.request(1)
    signature = hmac.new(webhook["hmac_secret"].encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["authorization"] == signature
    assert json.loads(request.body)["webhookId"] == webhook["id"]
    read = (await house.call("GET", f"{ONE}/{webhook['id']}")).json["data"]
    assert (read["http_status_code"], read["active"], "deactivate_reason" in read) == ("200", False, False)
    assert re.fullmatch(r"\d{16}", read["dispatched_at"])


@pytest.mark.parametrize("code", [201, 301, 401, 410, 500, 503])
async def test_whatever_an_endpoint_answers_is_no_error_of_the_test(house: House, code: int) -> None:
    async with Receiver(code) as receiver:
        webhook = await made(house.call, client_url=receiver.url)
        answer = await house.call("GET", f"{ONE}/{webhook['id']}/test")
        assert (answer.status, answer.json) == (200, told(None, str(code)))
        assert len(receiver.requests) == 1


async def test_an_endpoint_that_does_not_answer_is_told_in_words(house: House) -> None:
    async def garbage(peer: Peer, request: Request) -> None:
        await peer.send(b"SSH-2.0-OpenSSH_9.6\r\n")
        peer.close()

    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/"
    async with Receiver(garbage) as receiver:
        for url in (closed, "http://nowhere.invalid/", "http://10.0.0.1/", "https://[::1]:1/", receiver.url):
            webhook = await made(house.call, client_url=url)
            answer = await house.call("GET", f"{ONE}/{webhook['id']}/test")
            told_error = answer.json["data"]["verification_error"]
            assert (url, answer.status, answer.json) == (url, 200, told(told_error, "0"))
            assert 5 < len(told_error) < 200
            assert (await house.call("GET", f"{ONE}/{webhook['id']}")).json["data"]["http_status_code"] == "0"


async def test_the_last_code_that_an_endpoint_answered_stays_when_it_is_silent_after_that(house: House) -> None:
    async with Receiver(418) as receiver:
        webhook = await made(house.call, client_url=receiver.url)
        assert (await house.call("GET", f"{ONE}/{webhook['id']}/test")).json == told(None, "418")
    assert (await house.call("GET", f"{ONE}/{webhook['id']}/test")).json["data"]["verification_status_code"] == "0"
    assert (await house.call("GET", f"{ONE}/{webhook['id']}")).json["data"]["http_status_code"] == "418"


async def test_an_endpoint_that_is_silent_is_given_up_within_the_time_of_a_delivery(database: Database) -> None:
    async def silence(peer: Peer, request: Request) -> None:
        await peer.closed_by_client()

    async with (
        Receiver(silence) as receiver,
        subscription_service(database, key_ring=KEY_RING) as subscriptions,
        delivery_service(database, delivery_timeout_seconds=3.0) as delivery,
        gateway(token=TOKEN, subscription_svc=subscriptions.target, delivery_svc=delivery.target) as call,
    ):
        webhook = await made(call, client_url=receiver.url)
        async with asyncio.timeout(4):  # longer than any other answer may take
            answer = await call("GET", f"{ONE}/{webhook['id']}/test")
        assert (answer.status, answer.json["data"]["verification_status_code"]) == (200, "0")
        assert answer.json["data"]["verification_error"]


async def test_nothing_but_get_sends_a_test(house: House) -> None:
    async with Receiver(200) as receiver:
        webhook = await made(house.call, client_url=receiver.url)
        for method in ("HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"):
            answer = await house.call(method, f"{ONE}/{webhook['id']}/test")
            assert (method, answer.status, answer.headers["Allow"]) == (method, 405, "GET")
        assert receiver.connections == 0


@pytest.fixture
def mute() -> Iterator[str]:
    """Takes connections and never says a word, as a stopped process does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


async def test_a_test_is_503_within_two_seconds_when_delivery_svc_is_away_or_mute(mute: str) -> None:
    for target in ("127.0.0.1:1", mute):
        async with gateway(token=TOKEN, delivery_svc=target) as call, asyncio.timeout(2.5):
            answer = await call("GET", f"{UNKNOWN}/test")
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")


async def test_what_cannot_be_tested_is_told_before_anything_is_sent(house: House, database: Database) -> None:
    reader = await add_token(database, ACCOUNT, "read_only")
    for odd in (NO_ID, "x", "%00", "%2F", "x" * 3000):
        check(await house.call("GET", f"{ONE}/{odd}/test"), error(404, NOT_FOUND))
    assert (await house.call("GET", f"{UNKNOWN}/test", token=reader)).status == 403
    assert (await house.call("GET", f"{UNKNOWN}/test", token="unknown")).status == 401
    assert (await house.call("GET", f"/api/v3/accounts/8/webhooks/subscription/{NO_ID}/test")).status == 403
