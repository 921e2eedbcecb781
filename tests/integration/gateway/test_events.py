"""Publishing over REST, down to a receiver: gateway, subscription_svc, delivery_svc and a real endpoint."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from tests.support.delivery import KEY_RING, DeliveryService, delivery_service
from tests.support.gateway import Gateway, gateway
from tests.support.postgres import Database
from tests.support.receiver import Receiver
from tests.support.subscription import ACCOUNT, TOKEN, add_token, subscription_service
from tests.support.trigger import eventually

EVENTS = f"/api/v1/accounts/{ACCOUNT}/events"
SUBSCRIPTIONS = f"/api/v3/accounts/{ACCOUNT}/webhooks/subscriptions"
DATA: dict[str, Any] = {
    "jobId": "123",
    "jobName": "Daily Job (dbt build) \u00fc",
    "runId": "12345",
    "environmentId": "1234",
    "environmentName": "Production",
    "dbtVersion": "1.0.0",
    "projectName": "Snowflake Github Demo",
    "projectId": "167194",
    "runStatus": "Success",
    "runStatusCode": 10,
    "runStatusMessage": "None",
    "runReason": "Kicked off from UI by test@test.com",
    "runStartedAt": "2023-01-31T19:28:07Z",
    "runFinishedAt": "2023-01-31T19:29:32Z",
}
#: As delivered: what went out can be sent in.
EVENT: dict[str, Any] = {
    "accountId": 1,
    "webhooksID": "wsu_12345abcde",
    "eventId": "wev_2L6ZDoilyiWzKkSA59Gmc2d7FDD",
    "timestamp": "2023-01-31T19:29:35.789265936Z",
    "eventType": "job.run.completed",
    "webhookName": "test",
    "data": DATA,
}


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


async def test_an_event_published_over_rest_arrives_signed_and_to_the_nanosecond(house: House) -> None:
    async with Receiver(200) as receiver:
        wish = {"name": "n", "event_types": ["job.run.completed"], "client_url": receiver.url, "active": True}
        webhook = (await house.call("POST", SUBSCRIPTIONS, json=wish)).json["data"]
        answer = await house.call("POST", EVENTS, json={"events": [EVENT]})
        assert (answer.status, list(answer.json)) == (200, ["eventIds"])
        request = await receiver.request(1)
        signature = hmac.new(webhook["hmac_secret"].encode(), request.body, hashlib.sha256).hexdigest()
        assert request.headers["authorization"] == signature
        body = json.loads(request.body)
        assert (body["data"], list(body["data"])) == (DATA, list(DATA))
        assert (body["timestamp"], body["eventId"]) == (EVENT["timestamp"], answer.json["eventIds"][0])
        assert (body["accountId"], body["webhookId"]) == (ACCOUNT, webhook["id"])

        async def dispatched() -> Any:
            shown = (await house.call("GET", f"{SUBSCRIPTIONS[:-1]}/{webhook['id']}")).json["data"]
            return shown if "dispatched_at" in shown else None

        shown = await eventually(dispatched)  # delivery_svc writes the health of endpoints a little later
        assert (shown["http_status_code"], len(shown["dispatched_at"])) == ("200", 16)


async def test_the_same_request_id_is_answered_alike_and_with_another_event_409(house: House) -> None:
    first = await house.call("POST", EVENTS, json={"events": [EVENT | {"requestId": "r1"}]})
    again = await house.call("POST", EVENTS, json={"events": [EVENT | {"requestId": "r1"}]})
    assert (first.status, again.status, again.json) == (200, 200, first.json)
    other = await house.call(
        "POST", EVENTS, json={"events": [EVENT | {"requestId": "r1", "data": DATA | {"jobId": 9}}]}
    )
    assert (other.status, other.headers["Content-Type"]) == (409, "application/problem+json")
    assert await house.delivery.pool.fetchval("select count(*) from delivery.event") == 1


async def test_ids_may_be_numbers_and_a_batch_answers_in_order(house: House) -> None:
    numbers = DATA | {"jobId": 123, "runId": 1, "environmentId": 2**62, "projectId": 4, "runStatusCode": 20}
    del numbers["runStatus"]
    errored = {"eventType": "job.run.errored", "data": numbers | {"runErroredAt": "2023-01-31T21:15:20+00:00"}}
    answer = await house.call("POST", EVENTS, json={"events": [EVENT, errored, EVENT]})
    assert answer.status == 200
    assert len(set(answer.json["eventIds"])) == 3
    row = await house.delivery.pool.fetchval("select data from delivery.event where event_type = 'job.run.errored'")
    assert json.loads(row)["runErroredAt"] == "2023-01-31T21:15:20Z"


BAD: list[tuple[Any, dict[str, str] | None]] = [
    ({}, {"events": "required key not provided"}),
    ({"events": []}, {"events": "must hold at least one event"}),
    ({"events": {}}, {"events": "must be an array"}),
    ({"events": [5]}, {"events[0]": "must be an object"}),
    ({"events": [{}]}, {"events[0].data": "required key not provided"}),
    (
        {"events": [EVENT, EVENT | {"timestamp": "yesterday", "data": DATA | {"jobId": "x", "jobName": 5}}]},
        {
            "events[1].timestamp": "must be an RFC 3339 time such as 2026-01-31T19:29:35.789265936Z",
            "events[1].data.jobId": "must be a whole number or a string of digits, within 64 bits",
            "events[1].data.jobName": "must be a string",
        },
    ),
    (
        {"events": [EVENT | {"data": DATA | {"runStatus": "Error"}}]},
        {"events[0].data.runStatus": "must be one of Queued, Starting, Running, Success, Errored, Cancelled"},
    ),
    (
        {"events": [EVENT | {"data": DATA | {"runStatusCode": 20}}]},
        {"events[0].data.runStatusCode": "must be that of Success, or left out"},
    ),
]


async def test_what_has_no_shape_of_an_event_is_named_and_nothing_is_stored(house: House) -> None:
    for body, fields in BAD:
        answer = await house.call("POST", EVENTS, json=body)
        assert (answer.status, answer.headers["Content-Type"]) == (400, "application/problem+json")
        assert {bad["field"]: bad["message"] for bad in answer.json["errors"]} == fields
    assert await house.delivery.pool.fetchval("select count(*) from delivery.event") == 0


async def test_the_services_rules_come_back_under_the_callers_names(house: House) -> None:
    broken = {"eventType": "job.run.cancelled", "requestId": "a b", "data": {"runStatus": "Running"}}
    data = {key: value for key, value in DATA.items() if key != "runFinishedAt"}
    unfinished = {"eventType": "job.run.errored", "data": data}
    answer = await house.call("POST", EVENTS, json={"events": [broken, unfinished]})
    assert answer.status == 400
    assert {bad["field"] for bad in answer.json["errors"]} == {
        "events[0].eventType",
        "events[0].requestId",
        "events[0].data.jobId",
        "events[0].data.runId",
        "events[0].data.environmentId",
        "events[0].data.projectId",
        "events[1].data.runErroredAt",
    }


async def test_who_may_publish_is_told_before_what_is_wrong(house: House, database: Database) -> None:
    reader = await add_token(database, ACCOUNT, "read_only")
    publisher = await add_token(database, ACCOUNT, "publisher")
    for body in ({"events": [EVENT]}, {"events": 5}):
        assert (await house.call("POST", EVENTS, json=body, token="unknown")).status == 401
        assert (await house.call("POST", EVENTS, json=body, token=reader)).json["reason"] == "MISSING_PERMISSION"
        assert (await house.call("POST", "/api/v1/accounts/9/events", json=body)).json["reason"] == "WRONG_ACCOUNT"
    assert (await house.call("POST", EVENTS, json={"events": [EVENT]}, token=publisher)).status == 200
