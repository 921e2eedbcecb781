"""An endpoint that fails for too long: its subscription is set inactive by its owner, and the operator is told."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import grpc
import pytest

from chassis.status import refusal_of
from delivery_svc.breaker import BreakerPolicy
from delivery_svc.deactivation import DeactivationPolicy
from delivery_svc.deactivator import Deactivator
from delivery_svc.retry import RetryPolicy
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1 import event_pb2
from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from tests.support.delivery import (
    ALL_TYPES,
    CREDENTIAL,
    KEY_RING,
    DeliveryService,
    add_subscription,
    an_event,
    delivery_service,
)
from tests.support.grpc_peer import bearer
from tests.support.postgres import Database
from tests.support.receiver import Receiver
from tests.support.subscription import add_token, subscription_service

OPERATOR = 77
NEWS = ("subscription.deactivated", "execution.rejected")


@asynccontextmanager
async def _deactivator(database: Database, service: DeliveryService, **wishes: Any) -> AsyncIterator[Deactivator]:
    """The real one over the real subscription_svc; it gives up after two failed deliveries."""
    async with (
        subscription_service(database, key_ring=KEY_RING, operator_account_id=OPERATOR) as owner,
        grpc.aio.insecure_channel(owner.target) as channel,
    ):
        values: dict[str, Any] = {"policy": DeactivationPolicy(failures=2), "operator_account_id": OPERATOR}
        values |= {"breaker": BreakerPolicy(), "retry": RetryPolicy(), "timeout": 10.0} | wishes
        yield Deactivator(
            pool=service.pool,
            subscriptions=SubscriptionServiceStub(channel),
            credential=CREDENTIAL,
            publisher=service.engine.publisher,
            **values,
        )


async def _fail(service: DeliveryService, deliveries: int) -> None:
    await service.publish(*(an_event(run_id=number + 1) for number in range(deliveries)))
    await service.drained()
    await service.engine.recorder.idle()
    await service.engine.health.tick()


async def _state(service: DeliveryService, key: int) -> tuple[bool, str | None, int]:
    [row] = await service.pool.fetch(
        "select s.active, s.deactivate_reason, k.consecutive_failures from subscription.subscription s"
        " join delivery.lane k on k.subscription_id = s.id where s.id = $1",
        key,
    )
    return row["active"], row["deactivate_reason"], row["consecutive_failures"]


async def test_two_failed_deliveries_in_a_row_deactivate_and_the_operator_is_told_once(database: Database) -> None:
    async with (
        Receiver(500) as failing,
        Receiver() as operator,
        delivery_service(database) as service,
        _deactivator(database, service) as deactivator,
    ):
        key, public_id = await add_subscription(database, failing.url, name="CI")
        await add_subscription(database, operator.url, account_id=OPERATOR, event_types=NEWS)
        await _fail(service, 1)
        await deactivator.tick()
        assert await _state(service, key) == (True, None, 1)
        await _fail(service, 1)
        await deactivator.tick()
        assert await _state(service, key) == (False, "2 deliveries in a row failed", 0)
        body = json.loads((await operator.request(1)).body)
        await deactivator.tick()
        # Nothing that is published now is sent to it.
        before = len(failing.requests)
        await _fail(service, 1)
        assert (len(failing.requests), len(operator.requests)) == (before, 1)
    assert (body["accountId"], body["eventType"]) == (OPERATOR, "subscription.deactivated")
    assert body["data"] == {
        "accountId": "1",
        "subject": public_id,
        "subjectName": "CI",
        "reason": "2 deliveries in a row failed",
    }


async def test_a_success_in_between_starts_the_count_again(database: Database) -> None:
    async with (
        Receiver(*[500] * 4, 200, 500) as receiver,
        delivery_service(database) as service,
        _deactivator(database, service) as deactivator,
    ):
        key, _ = await add_subscription(database, receiver.url)
        for _ in range(3):
            await _fail(service, 1)
            await deactivator.tick()
        assert await _state(service, key) == (True, None, 1)


async def test_a_death_between_the_steps_is_made_good_by_the_next_tick(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(events: Any) -> list[str]:
        raise ConnectionError("the pod ends here")

    async with (
        Receiver(500) as failing,
        Receiver() as operator,
        delivery_service(database) as service,
        _deactivator(database, service) as deactivator,
    ):
        key, _ = await add_subscription(database, failing.url)
        await add_subscription(database, operator.url, account_id=OPERATOR, event_types=NEWS)
        await _fail(service, 2)
        with monkeypatch.context() as patched:
            patched.setattr(service.engine.publisher, "publish", dies)
            with pytest.raises(ConnectionError):
                await deactivator.tick()
        assert (await _state(service, key))[:2] == (False, "2 deliveries in a row failed")
        await deactivator.tick()
        await operator.request(1)
        assert (await _state(service, key))[2] == 0


async def test_two_pods_that_judge_at_once_tell_the_operator_once(database: Database) -> None:
    async with (
        Receiver(500) as failing,
        Receiver() as operator,
        delivery_service(database) as service,
        _deactivator(database, service) as one,
        _deactivator(database, service) as two,
    ):
        await add_subscription(database, failing.url)
        await add_subscription(database, operator.url, account_id=OPERATOR, event_types=NEWS)
        await _fail(service, 2)
        await asyncio.gather(one.tick(), two.tick())
        await operator.request(1)
        await service.drained()
        assert len(operator.requests) == 1


async def test_what_its_owner_pauses_is_forgiven_so_that_a_revival_starts_afresh(database: Database) -> None:
    async with (
        Receiver(500) as receiver,
        delivery_service(database) as service,
        _deactivator(database, service) as deactivator,
    ):
        key, _ = await add_subscription(database, receiver.url)
        await _fail(service, 2)
        await _set_active(database, key, False)
        await deactivator.tick()
        assert await _state(service, key) == (False, None, 0)
        await _set_active(database, key, True)
        await deactivator.tick()
        assert await _state(service, key) == (True, None, 0)


async def test_without_an_operators_account_nobody_is_told(database: Database) -> None:
    async with (
        Receiver(500) as failing,
        delivery_service(database) as service,
        _deactivator(database, service, operator_account_id=None) as deactivator,
    ):
        key, _ = await add_subscription(database, failing.url, event_types=ALL_TYPES)
        await _fail(service, 2)
        await deactivator.tick()
        assert (await _state(service, key))[0] is False
        assert await service.pool.fetchval("select count(*) from delivery.event where event_type like 'sub%'") == 0


async def _set_active(database: Database, key: int, active: bool) -> None:
    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute(
            "update subscription.subscription set active = $2, version = version + 1 where id = $1", key, active
        )
    finally:
        await connection.close()


async def test_an_operational_event_by_grpc_is_for_our_own_processes_alone(database: Database) -> None:
    event = event_pb2.Event(account_id=OPERATOR, event_type="execution.rejected", request_id="exe-1")
    event.operational_fact.account_id = 1
    event.operational_fact.subject = "42"
    event.operational_fact.reason = 'the queue of "nightly" is full'
    async with Receiver() as operator, delivery_service(database) as service:
        await add_subscription(database, operator.url, account_id=OPERATOR, event_types=NEWS)
        token = await add_token(database, OPERATOR, "account_admin")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await service.stub.PublishEvents(
                pb.PublishEventsRequest(events=[event]), timeout=20, metadata=bearer(token)
            )
        await service.publish(event)
        body = json.loads((await operator.request(1)).body)
        with pytest.raises(grpc.aio.AioRpcError) as missing:
            await service.publish(event_pb2.Event(account_id=OPERATOR, event_type="execution.rejected"))
    refusal = refusal_of(caught.value)
    assert [bad.field for bad in refusal.fields][:1] == ["events[0].event_type"]
    assert "execution" not in refusal.fields[0].message
    assert body["data"] == {
        "accountId": "1",
        "subject": "42",
        "subjectName": "",
        "reason": 'the queue of "nightly" is full',
    }
    assert {bad.field for bad in refusal_of(missing.value).fields} == {
        "events[0].operational_fact.account_id",
        "events[0].operational_fact.subject",
    }
