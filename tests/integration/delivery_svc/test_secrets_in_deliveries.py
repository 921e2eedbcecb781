"""What is secret of a subscription, on its way out: signing secrets while one rotates, custom headers."""

import hashlib
import hmac
import json
from base64 import b64encode

import asyncpg
import standardwebhooks

from tests.support.delivery import KEY_RING, SECRET, add_subscription, an_event, delivery_service
from tests.support.postgres import Database
from tests.support.receiver import Receiver, Request

NEW = "fedcba9876543210fedcba9876543210fedcba98"


def _verifies(secret: str, request: Request) -> bool:
    webhook = standardwebhooks.Webhook("whsec_" + b64encode(secret.encode()).decode())
    try:
        webhook.verify(request.body, request.headers)
    except standardwebhooks.WebhookVerificationError:
        return False
    return True


def _signs(secret: str, request: Request) -> bool:
    return request.headers["authorization"] == hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()


async def test_while_two_secrets_live_the_old_one_signs_and_both_are_in_the_standard_header(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        key, _ = await add_subscription(database, receiver.url)
        await service.publish(an_event(run_id=1))
        before = await receiver.request(1)
        await _rotate(database, key, overlap="1 hour")
        await service.publish(an_event(run_id=2))
        during = await receiver.request(2)
    assert _signs(SECRET, before)
    assert (_verifies(SECRET, before), _verifies(NEW, before)) == (True, False)
    assert _signs(SECRET, during)
    assert (_verifies(SECRET, during), _verifies(NEW, during)) == (True, True)
    assert len([line for line in during.header_lines if line.lower().startswith(b"authorization:")]) == 1


async def test_an_overlap_that_ends_needs_no_word_from_anybody(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        key, _ = await add_subscription(database, receiver.url)
        await _rotate(database, key, overlap="0.4 seconds")
        await service.publish(an_event(run_id=1))
        first = await receiver.request(1)
        number = 1
        while _signs(SECRET, receiver.requests[-1]):
            await service.publish(an_event(run_id=number + 1))
            number += 1
            await receiver.request(number)
        last = receiver.requests[-1]
    assert _signs(SECRET, first)
    assert _signs(NEW, last)
    assert (_verifies(SECRET, last), _verifies(NEW, last)) == (False, True)


async def test_custom_headers_go_out_with_every_delivery_and_are_nowhere_else(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        key, _ = await add_subscription(database, receiver.url)
        sealed = KEY_RING.seal(json.dumps([["X-Api-Key", "s3cret value"]]).encode(), f"custom_headers:{key}")
        await _owner(
            database,
            "insert into subscription.secret_setting (subscription_id, kind, sealed) values ($1, 'custom_headers', $2)",
            key,
            sealed,
        )
        await service.publish(an_event())
        request = await receiver.request(1)
        await service.drained()
        dump = str(await service.pool.fetch("select a::text, d::text from delivery.attempt a, delivery.delivery d"))
    assert request.headers["x-api-key"] == "s3cret value"
    assert "s3cret" not in dump


async def test_a_secret_that_no_key_opens_cancels_the_delivery_and_says_why(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        key, _ = await add_subscription(database, receiver.url)
        await _owner(
            database, "update subscription.signing_secret set sealed = 'v1.other.' where subscription_id = $1", key
        )
        await service.publish(an_event())
        await service.drained()
        [row] = await service.pool.fetch("select state, reason from delivery.delivery")
    assert tuple(row) == ("CANCELLED", "secret_unreadable")
    assert receiver.requests == []


async def _rotate(database: Database, key: int, *, overlap: str) -> None:
    sealed = KEY_RING.seal(NEW.encode(), f"signing_secret:{key}")
    connection = await asyncpg.connect(database.owner_url)
    try:
        async with connection.transaction():
            await connection.execute(
                "update subscription.signing_secret set expires_at = clock_timestamp() + $2::text::interval"
                " where subscription_id = $1",
                key,
                overlap,
            )
            await connection.execute(
                "insert into subscription.signing_secret (subscription_id, sealed) values ($1, $2)", key, sealed
            )
            await connection.execute("update subscription.subscription set version = version + 1 where id = $1", key)
    finally:
        await connection.close()


async def _owner(database: Database, statement: str, *values: object) -> None:
    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()
