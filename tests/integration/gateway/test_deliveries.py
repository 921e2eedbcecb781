"""Recent deliveries of a webhook over REST: gateway, subscription_svc, delivery_svc, a real endpoint."""

import json
import re
import socket
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from tests.support.delivery import KEY_RING, DeliveryService, an_event, delivery_service
from tests.support.envelope import INVALID, NO_ID, NOT_FOUND, ONE, UNKNOWN, check, error, made
from tests.support.gateway import Gateway, gateway
from tests.support.postgres import Database
from tests.support.receiver import Receiver
from tests.support.subscription import ACCOUNT, TOKEN, add_token, subscription_service

DELIVERIES = f"/api/v1/accounts/{ACCOUNT}/deliveries"
EVENT_KEYS = [
    *("id", "subscription_id", "account_identifier", "job_id", "trigger_event_type"),
    *("payload", "http_status_code", "account_id"),
]
RECEIPT_KEYS = [
    *("id", "event_id", "subscription_id", "dispatched_at", "http_status_code", "error_info"),
    *("request_body", "request_headers", "response_body"),
]
DELIVERY_KEYS = [
    *("delivery_id", "event_id", "subscription_id", "event_type", "job_id", "state", "reason", "attempt_count"),
    *("last_status_code", "test", "created_at", "next_attempt_at", "finished_at", "erased_at"),
]
ATTEMPT_KEYS = [
    *(
        "attempt_id",
        "number",
        "sent_at",
        "status_code",
        "error",
        "error_message",
        "phase",
        "manual",
        "duration_seconds",
    ),
    *("resolve_seconds", "connect_seconds", "tls_seconds", "request_headers", "response_headers", "response_body"),
]


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


def check_problem(answer: Any, status: int, reason: str, *fields: str) -> None:
    assert (answer.status, answer.json["status"], answer.json["reason"]) == (status, status, reason), answer.body
    assert [bad["field"] for bad in answer.json.get("errors", [])] == list(fields)


async def delivered(house: House, *codes: int, runs: int = 1, **changes: Any) -> tuple[dict[str, Any], list[str]]:
    """A webhook whose endpoint answered so, and the ids of its events."""
    async with Receiver(*codes) as receiver:
        webhook = await made(house.call, client_url=receiver.url, event_types=["job.run.completed"], **changes)
        ids = []
        for run_id in range(1, runs + 1):
            ids += await house.delivery.publish(an_event(account_id=ACCOUNT, run_id=run_id))
        await house.delivery.drained()
    return webhook, ids


async def test_events_and_receipts_are_strings_all_through(house: House) -> None:
    webhook, [event_id] = await delivered(house, 500, 200, name="Ünïcode")
    answer = await house.call("GET", f"{ONE}/{webhook['id']}/events")
    assert (answer.status, list(answer.json), answer.json["status"]) == (
        200,
        ["data", "status", "extra"],
        {"code": 200},
    )
    assert answer.json["extra"] == {"pagination": {"total_count": 1, "count": 1}, "filters": {"offset": 0, "limit": 10}}
    [event] = answer.json["data"]
    assert list(event) == EVENT_KEYS
    payload = json.loads(event.pop("payload"))
    assert (payload["eventId"], payload["webhookName"]) == (event_id, "Ünïcode")
    assert event == {
        "id": event_id,
        "subscription_id": webhook["id"],
        "account_identifier": webhook["account_identifier"],
        "job_id": "123",
        "trigger_event_type": "job.run.completed",
        "http_status_code": "200",
        "account_id": str(ACCOUNT),
    }
    answer = await house.call("GET", f"{ONE}/{webhook['id']}/event/{event_id}/receipt")
    assert (answer.status, list(answer.json), answer.json["status"]) == (200, ["data", "status"], {"code": 200})
    first, second = answer.json["data"]
    assert [list(one) for one in (first, second)] == [RECEIPT_KEYS] * 2
    assert {type(value) for one in (first, second) for value in one.values()} == {str}
    assert [(one["http_status_code"], one["error_info"], one["event_id"]) for one in (first, second)] == [
        ("500", "", event_id),
        ("200", "", event_id),
    ]
    assert first["request_body"] == second["request_body"]
    assert json.loads(first["request_body"]) == payload
    headers = {name.lower(): value for name, value in json.loads(first["request_headers"]).items()}
    assert (headers["content-type"], headers["webhook-id"]) == ("application/json", event_id)
    assert re.fullmatch(r"\*+", headers["authorization"])
    assert re.fullmatch(r"\d{16}", first["dispatched_at"])


async def test_pages_of_events_begin_with_the_newest_and_end(house: House) -> None:
    webhook, ids = await delivered(house, 200, runs=3)
    path = f"{ONE}/{webhook['id']}/events"
    seen: list[str] = []
    while True:
        answer = (await house.call("GET", f"{path}?limit=2&offset={len(seen)}")).json
        seen += [one["id"] for one in answer["data"]]
        assert answer["extra"]["pagination"] == {"total_count": 3, "count": len(answer["data"])}
        if len(seen) == 3:
            break
    assert seen == ids[::-1]
    assert (await house.call("GET", f"{path}?offset=10000")).json["data"] == []
    hint = "must not exceed 10,000: /api/v1/accounts/{account_id}/deliveries goes further back"
    check(await house.call("GET", f"{path}?offset=10001"), error(400, INVALID, {"offset": hint}))
    check(await house.call("GET", f"{path}?limit=101"), error(400, "Limit must not exceed 100"))
    check(await house.call("GET", f"{ONE}/{NO_ID}/events?offset=1"), error(404, NOT_FOUND))


async def test_what_was_never_answered_is_code_zero_with_words(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    webhook = await made(house.call, client_url=url, event_types=["job.run.completed"])
    [event_id] = await house.delivery.publish(an_event(account_id=ACCOUNT))
    await house.delivery.drained()
    [event] = (await house.call("GET", f"{ONE}/{webhook['id']}/events")).json["data"]
    receipts = (await house.call("GET", f"{ONE}/{webhook['id']}/event/{event_id}/receipt")).json["data"]
    assert event["http_status_code"] == "0"
    assert {(one["http_status_code"], one["response_body"]) for one in receipts} == {("0", "")}
    assert all(one["error_info"] for one in receipts)


async def test_a_deliverys_whole_story_is_told_on_our_own_paths(house: House) -> None:
    webhook, [event_id] = await delivered(house, 503, 200)
    answer = await house.call("GET", f"{DELIVERIES}?subscription_id={webhook['id']}")
    assert (answer.status, list(answer.json), answer.json["next_page_token"]) == (
        200,
        ["deliveries", "next_page_token"],
        "",
    )
    [delivery] = answer.json["deliveries"]
    assert list(delivery) == DELIVERY_KEYS
    assert (delivery["event_id"], delivery["subscription_id"], delivery["job_id"]) == (event_id, webhook["id"], "123")
    assert (delivery["state"], delivery["attempt_count"], delivery["last_status_code"]) == ("SUCCEEDED", 2, 200)
    assert (delivery["reason"], delivery["test"]) == ("", False)
    assert delivery["finished_at"] > delivery["created_at"]
    whole = (await house.call("GET", f"{DELIVERIES}/{delivery['delivery_id']}")).json
    assert list(whole) == [*DELIVERY_KEYS, "body", "attempts"]
    assert {key: whole[key] for key in DELIVERY_KEYS} == delivery
    assert json.loads(whole["body"])["eventId"] == event_id
    first, second = whole["attempts"]
    assert list(first) == ATTEMPT_KEYS
    assert [(one["number"], one["status_code"], one["error"], one["error_message"]) for one in (first, second)] == [
        (1, 503, "", ""),
        (2, 200, "", ""),
    ]
    assert 0 < first["duration_seconds"] < 5
    assert {"name", "value"} == {key for header in first["request_headers"] for key in header}


async def test_deliveries_are_found_by_state_and_time_and_paged_by_token(house: House) -> None:
    webhook, ids = await delivered(house, 200, runs=3)
    async with Receiver(200) as receiver:
        body = {"name": "n", "event_types": ["job.run.completed"], "client_url": receiver.url, "active": True}
        assert (await house.call("PUT", f"{ONE}/{webhook['id']}", json=body)).status == 200
        assert (await house.call("GET", f"{ONE}/{webhook['id']}/test")).status == 200
    base = f"{DELIVERIES}?subscription_id={webhook['id']}"
    every = (await house.call("GET", base)).json["deliveries"]
    assert [one["test"] for one in every] == [True, False, False, False]
    assert [one["event_id"] for one in every[1:]] == ids[::-1]
    paged, token = [], ""
    while True:
        page = (await house.call("GET", f"{base}&page_size=3&page_token={token}")).json
        paged += page["deliveries"]
        if not (token := page["next_page_token"]):
            break
    assert paged == every
    for query, count in (
        ("state=SUCCEEDED", 4),
        ("state=FAILED", 0),
        (f"published_after={every[0]['created_at']}", 1),
        (f"published_before={every[0]['created_at']}", 3),
        (f"published_after={every[3]['created_at']}&published_before={every[1]['created_at']}&state=SUCCEEDED", 2),
        ("published_before=2001-01-01T00:00:00%2B01:00", 0),
    ):
        assert (query, len((await house.call("GET", f"{base}&{query}")).json["deliveries"])) == (query, count)


BAD_SEARCHES = [
    ("", ["subscription_id"]),
    ("subscription_id=x&state=succeeded", ["state"]),
    ("subscription_id=x&state=", ["state"]),
    (
        "subscription_id=x&published_after=yesterday&published_before=2023-01-01",
        ["published_after", "published_before"],
    ),
    ("subscription_id=x&page_size=-1", ["page_size"]),
    ("state=UNSPECIFIED&page_size=x&published_after=", ["page_size", "subscription_id", "state", "published_after"]),
    (f"subscription_id={NO_ID}&page_token=nonsense", ["page_token"]),
    (f"subscription_id={NO_ID}&page_token=%00", ["page_token"]),
]


async def test_a_search_that_cannot_be_is_told_all_that_is_wrong(house: House) -> None:
    for query, fields in BAD_SEARCHES:
        check_problem(await house.call("GET", f"{DELIVERIES}?{query}"), 400, "INVALID_INPUT", *fields)
        assert (await house.call("GET", f"{DELIVERIES}?{query}", token="unknown")).status == 401
    for odd in (NO_ID, "", "x", "%00", "%2F", "x" * 3000):
        assert (await house.call("GET", f"{DELIVERIES}?subscription_id={odd}")).status == 404


async def test_what_is_not_there_is_404_for_those_who_may_look(house: House, database: Database) -> None:
    webhook, [event_id] = await delivered(house, 200)
    publisher = await add_token(database, ACCOUNT, "publisher")
    odd_numbers = ("0", "999", "-1", "x", "1.0", "%00", "%2F", str(2**63 - 1), str(2**63), "9" * 400)
    odd_events = ("wev_2L6ZDoilyiWzKkSA59Gmc2d7FDD", "x", "%00", "%2F", webhook["id"], "x" * 3000)
    for odd in odd_numbers:
        missed = await house.call("GET", f"{DELIVERIES}/{odd}")
        assert (odd, missed.status, missed.json["reason"]) == (odd, 404, "DELIVERY_NOT_FOUND")
        assert (odd, (await house.call("GET", f"{DELIVERIES}/{odd}", token=publisher)).status) == (odd, 403)
    for odd in odd_events:
        check(await house.call("GET", f"{ONE}/{webhook['id']}/event/{odd}/receipt"), error(404, NOT_FOUND))
    for path in (f"{UNKNOWN}/events", f"{UNKNOWN}/event/{event_id}/receipt"):
        check(await house.call("GET", path), error(404, NOT_FOUND))
    assert (await house.call("DELETE", f"{ONE}/{webhook['id']}")).status == 200
    for path in ("events", f"event/{event_id}/receipt", "test"):
        check(await house.call("GET", f"{ONE}/{webhook['id']}/{path}"), error(404, NOT_FOUND))
