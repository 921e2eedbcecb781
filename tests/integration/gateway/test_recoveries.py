"""Delivering again over REST: one delivery, and all of a webhook that failed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from tests.support.delivery import KEY_RING, DeliveryService, an_event, delivery_service
from tests.support.envelope import made
from tests.support.gateway import Gateway, gateway
from tests.support.postgres import Database
from tests.support.receiver import Receiver
from tests.support.subscription import ACCOUNT, TOKEN, subscription_service

MINE = f"/api/v1/accounts/{ACCOUNT}"
RECOVERY_KEYS = [
    *("recovery_id", "subscription_id", "state", "published_after", "published_before", "event_type"),
    "job_id",
    *("found", "requeued", "created_at", "finished_at"),
]


class House(NamedTuple):
    call: Gateway
    delivery: DeliveryService


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with (
        subscription_service(database, key_ring=KEY_RING) as subscriptions,
        delivery_service(database, delivery_retry_delays_seconds="") as delivery,
        gateway(token=TOKEN, subscription_svc=subscriptions.target, delivery_svc=delivery.target) as running,
    ):
        yield House(running, delivery)


async def _failed(house: House, url: str) -> tuple[str, str]:
    """A webhook's id and that of its delivery, which was answered 500."""
    webhook = await made(house.call, client_url=url, event_types=["job.run.completed"])
    await house.delivery.publish(an_event(account_id=ACCOUNT))
    await house.delivery.drained()
    listed = await house.call("GET", f"{MINE}/deliveries?subscription_id={webhook['id']}")
    [delivery] = listed.json["deliveries"]
    assert delivery["state"] == "FAILED"
    return webhook["id"], delivery["delivery_id"]


async def _ended(house: House, recovery_id: str) -> Any:
    async with asyncio.timeout(20):
        while True:
            found = (await house.call("GET", f"{MINE}/recoveries/{recovery_id}")).json
            if found["state"] != "RUNNING":
                return found


async def test_a_delivery_is_delivered_again(house: House) -> None:
    async with Receiver(500, 200) as receiver:
        _, delivery_id = await _failed(house, receiver.url)
        answer = await house.call("POST", f"{MINE}/deliveries/{delivery_id}/redeliver")
        await receiver.request(2)
        await house.delivery.drained()
    again = (await house.call("GET", f"{MINE}/deliveries/{delivery_id}")).json
    assert (answer.status, answer.json["delivery_id"], answer.json["state"]) == (202, delivery_id, "PENDING")
    assert answer.json["finished_at"] is None
    assert (again["state"], [one["number"] for one in again["attempts"]]) == ("SUCCEEDED", [1, 2])


async def test_all_that_failed_is_delivered_again_and_the_recovery_is_told(house: House) -> None:
    async with Receiver(500, 200) as receiver:
        webhook_id, delivery_id = await _failed(house, receiver.url)
        path = f"{MINE}/subscriptions/{webhook_id}"
        since = {"published_after": "2026-01-31T19:29:35Z"}
        other = await house.call("POST", f"{path}/recover", json=since | {"job_id": 999})
        nothing = await _ended(house, other.json["recovery_id"])
        answer = await house.call("POST", f"{path}/recover", json=since)
        ended = await _ended(house, answer.json["recovery_id"])
        await receiver.request(2)
        await house.delivery.drained()
    listed = (await house.call("GET", f"{path}/recoveries")).json["recoveries"]
    cancelled = await house.call("DELETE", f"{MINE}/recoveries/{ended['recovery_id']}")
    assert (answer.status, list(answer.json)) == (202, RECOVERY_KEYS)
    assert (ended["state"], ended["found"], ended["requeued"], ended["event_type"]) == ("FINISHED", 1, 1, None)
    assert (nothing["job_id"], nothing["found"], nothing["requeued"], ended["job_id"]) == ("999", 0, 0, None)
    assert listed == [ended, nothing]
    assert (cancelled.status, cancelled.json) == (200, ended)
    assert (await house.call("GET", f"{MINE}/deliveries/{delivery_id}")).json["state"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "published_after"),
        ({"published_after": "yesterday"}, "published_after"),
        ({"published_after": "0001-01-01T00:00:00Z"}, "published_after"),
        ({"published_after": "2026-01-02T00:00:00Z", "published_before": "2026-01-01T00:00:00Z"}, "published_before"),
        ({"published_after": "2026-01-02T00:00:00Z", "event_type": "odd"}, "event_type"),
        ({"published_after": "2026-01-02T00:00:00Z", "job_id": -1}, "job_id"),
        ({"published_after": "2026-01-02T00:00:00Z", "job_id": "x"}, "job_id"),
    ],
)
async def test_an_odd_wish_is_told_by_its_field(house: House, body: dict[str, str], field: str) -> None:
    webhook = await made(house.call, client_url="http://127.0.0.1:9/", event_types=["job.run.completed"])
    answer = await house.call("POST", f"{MINE}/subscriptions/{webhook['id']}/recover", json=body)
    assert (answer.status, [bad["field"] for bad in answer.json["errors"]]) == (400, [field])
