"""SendTest: one signed delivery while the caller waits; whatever the endpoint does is an answer, never an error."""

import asyncio
import hashlib
import hmac
import json
import re

import asyncpg
import grpc
import pytest

from chassis.caller import CREDENTIAL_KEY
from chassis.ids import ksuid
from chassis.status import refusal_of
from runhook.delivery.v1 import delivery_service_pb2 as pb
from tests.support.delivery import ACCOUNT, CREDENTIAL, SECRET, DeliveryService, add_subscription, delivery_service
from tests.support.postgres import Database
from tests.support.receiver import Peer, Receiver, Request

CALLER = ((CREDENTIAL_KEY, CREDENTIAL),)


async def _test(service: DeliveryService, subscription_id: str, account_id: int = ACCOUNT) -> pb.SendTestResponse:
    request = pb.SendTestRequest(account_id=account_id, subscription_id=subscription_id)
    return await service.stub.SendTest(request, timeout=20, metadata=CALLER)


async def test_a_test_is_one_signed_completed_event_of_the_normal_shape(database: Database) -> None:
    async with Receiver(204) as receiver, delivery_service(database) as service:
        key, public_id = await add_subscription(database, receiver.url, name="Flask app")
        answer = await _test(service, public_id)
        request = await receiver.request(1)
        [lane] = await service.pool.fetch("select * from delivery.lane where subscription_id = $1", key)
    assert (answer.status_code, answer.error_message) == (204, "")
    body = json.loads(request.body)
    assert request.headers["authorization"] == hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["webhook-id"] == body["eventId"] == answer.event_id
    assert list(body) == [
        "accountId", "webhooksID", "eventId", "timestamp", "eventType", "webhookId", "webhookName", "data",
    ]  # fmt: skip
    assert (body["eventType"], body["webhookName"]) == ("job.run.completed", "Flask app")
    assert (body["data"]["runStatus"], body["data"]["runStatusCode"]) == ("Success", 10)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body["data"]["runFinishedAt"])
    assert (lane["last_status_code"], lane["consecutive_failures"]) == (204, 0)
    assert lane["last_attempt_at"] is not None


async def test_every_test_has_an_event_id_of_its_own(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        _, public_id = await add_subscription(database, receiver.url)
        first, second = [await _test(service, public_id) for _ in range(2)]
    assert first.event_id != second.event_id


@pytest.mark.parametrize("status_code", [301, 404, 410, 500])
async def test_an_answer_is_told_as_it_is_and_not_retried(database: Database, status_code: int) -> None:
    async with Receiver(status_code) as receiver, delivery_service(database) as service:
        key, public_id = await add_subscription(database, receiver.url)
        answer = await _test(service, public_id)
        [row] = await service.pool.fetch("select state, reason, test, attempts from delivery.delivery")
        [lane] = await service.pool.fetch("select * from delivery.lane where subscription_id = $1", key)
        assert len(receiver.requests) == 1
    assert (answer.status_code, answer.error_message) == (status_code, "")
    assert tuple(row) == ("FAILED", "test_failed", True, 1)
    # A test never counts toward deactivation.
    assert (lane["last_status_code"], lane["consecutive_failures"], lane["failing_since"]) == (status_code, 0, None)


async def test_an_endpoint_that_does_not_answer_is_told_in_words_and_keeps_the_code_before(database: Database) -> None:
    async with delivery_service(database) as service:
        async with Receiver(503) as receiver:
            key, public_id = await add_subscription(database, receiver.url)
            await _test(service, public_id)
        answer = await _test(service, public_id)  # nobody listens there any more
        code = await service.pool.fetchval("select last_status_code from delivery.lane where subscription_id = $1", key)
    assert answer.status_code == 0
    assert answer.error_message
    assert code == 503


async def test_a_slow_endpoint_ends_the_test_before_an_attempt_would_end(database: Database) -> None:
    async def silence(peer: Peer, request: Request) -> None:
        await peer.closed_by_client()

    loop = asyncio.get_running_loop()
    async with (
        Receiver(silence) as receiver,
        delivery_service(database, delivery_timeout_seconds=1.0) as service,
    ):
        _, public_id = await add_subscription(database, receiver.url)
        began = loop.time()
        answer = await _test(service, public_id)
        took = loop.time() - began
    assert answer.status_code == 0
    assert "within 0.5 s" in answer.error_message
    assert took < 1.0


async def test_an_inactive_subscription_is_tested_too(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        key, public_id = await add_subscription(database, receiver.url)
        await _owner(database, f"update subscription.subscription set active = false, version = 2 where id = {key}")
        assert (await _test(service, public_id)).status_code == 200


async def test_an_unknown_or_foreign_subscription_is_not_found(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        _, public_id = await add_subscription(database, receiver.url)
        for account_id, subscription_id in ((ACCOUNT, "wsu_" + ksuid(1)), (2, public_id), (ACCOUNT, "\x00odd")):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await _test(service, subscription_id, account_id)
            assert refusal_of(caught.value).code is grpc.StatusCode.NOT_FOUND
        assert receiver.requests == []


async def _owner(database: Database, statement: str) -> None:
    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
