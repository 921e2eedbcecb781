"""Erasing over REST: one event, an account, and nothing by mistake."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from tests.support.delivery import KEY_RING, DeliveryService, an_event, delivery_service
from tests.support.envelope import made
from tests.support.gateway import Gateway, gateway
from tests.support.postgres import Database
from tests.support.receiver import Receiver, answer
from tests.support.subscription import ACCOUNT, TOKEN, subscription_service

MINE = f"/api/v1/accounts/{ACCOUNT}"
KEYS = ["erasure_id", "event_id", "published_before", "state", "erased", "created_at", "finished_at"]


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


async def _finished(house: House, erasure_id: str) -> Any:
    async with asyncio.timeout(20):
        while True:
            found = (await house.call("GET", f"{MINE}/erasures/{erasure_id}")).json
            if found["state"] == "FINISHED":
                return found


async def test_the_bodies_of_an_event_are_erased_and_the_rest_is_still_told(house: House) -> None:
    async with Receiver(answer(200, b"thanks", ["X-Seen: yes"])) as receiver:
        webhook = await made(house.call, client_url=receiver.url, event_types=["job.run.completed"])
        [event_id] = await house.delivery.publish(an_event(account_id=ACCOUNT))
        await receiver.request(1)
        await house.delivery.drained()
    begun = await house.call("POST", f"{MINE}/erasures", json={"event_id": event_id})
    done = await _finished(house, begun.json["erasure_id"])
    listed = (await house.call("GET", f"{MINE}/erasures")).json["erasures"]
    [delivery] = (await house.call("GET", f"{MINE}/deliveries?subscription_id={webhook['id']}")).json["deliveries"]
    one = (await house.call("GET", f"{MINE}/deliveries/{delivery['delivery_id']}")).json
    refused = await house.call("POST", f"{MINE}/deliveries/{delivery['delivery_id']}/redeliver")
    hook = f"/api/v3/accounts/{ACCOUNT}/webhooks/subscription/{webhook['id']}"
    [event] = (await house.call("GET", f"{hook}/events")).json["data"]
    [receipt] = (await house.call("GET", f"{hook}/event/{event_id}/receipt")).json["data"]
    assert (begun.status, list(begun.json)) == (202, KEYS)
    assert (done["event_id"], done["erased"], listed) == (event_id, 1, [done])
    assert (one["state"], one["body"], one["event_type"]) == ("SUCCEEDED", "", "job.run.completed")
    assert [(told["response_body"], told["response_headers"]) for told in one["attempts"]] == [("", [])]
    assert (refused.status, refused.json["reason"]) == (409, "BODY_ERASED")
    assert (event["payload"], receipt["request_body"], receipt["response_body"]) == ("", "", "")
    assert receipt["http_status_code"] == "200"


async def test_an_account_is_erased_up_to_a_time(house: House) -> None:
    await made(house.call, client_url="http://127.0.0.1:9/", event_types=["job.run.errored"])
    await house.delivery.publish(an_event(account_id=ACCOUNT), an_event(account_id=ACCOUNT))
    early = await house.call("POST", f"{MINE}/erasures", json={"published_before": "2026-01-31T19:29:35Z"})
    assert (await _finished(house, early.json["erasure_id"]))["erased"] == 0
    begun = await house.call("POST", f"{MINE}/erasures", json={})
    done = await _finished(house, begun.json["erasure_id"])
    assert (done["event_id"], done["erased"]) == (None, 2)
    assert await house.delivery.pool.fetchval("select count(*) from delivery.event where data <> ''") == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"event_id": ""}, "event_id"),
        ({"event_id": 7}, "event_id"),
        ({"eventId": "wev_2YBXZOLrb96DISR4AvppWEP0Cqu"}, "eventId"),
        ({"published_before": "yesterday"}, "published_before"),
        ({"published_before": "0001-01-01T00:00:00Z"}, "published_before"),
        (
            {"event_id": "wev_2YBXZOLrb96DISR4AvppWEP0Cqu", "published_before": "2026-01-31T19:29:35Z"},
            "published_before",
        ),
    ],
)
async def test_a_wish_that_may_mean_more_than_it_says_is_refused(
    house: House, body: dict[str, object], field: str
) -> None:
    refused = await house.call("POST", f"{MINE}/erasures", json=body)
    assert (refused.status, [bad["field"] for bad in refused.json["errors"]]) == (400, [field])
    assert (await house.call("GET", f"{MINE}/erasures")).json == {"erasures": []}


async def test_an_unknown_event_or_erasure_is_not_found(house: House) -> None:
    unknown = await house.call("POST", f"{MINE}/erasures", json={"event_id": "wev_2YBXZOLrb96DISR4AvppWEP0Cqu"})
    assert (unknown.status, unknown.json["reason"]) == (404, "EVENT_NOT_FOUND")
    assert (await house.call("GET", f"{MINE}/erasures/7")).status == 404
