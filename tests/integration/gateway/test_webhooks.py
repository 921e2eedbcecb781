"""The webhooks API over real HTTP, gRPC and Postgres: keys, types and order as its clients know them."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.support.envelope import ONE, SUBSCRIPTIONS
from tests.support.envelope import made as made_with
from tests.support.gateway import Gateway, gateway
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT, TOKEN, SubscriptionService, subscription_service

BODY = {
    "event_types": ["job.run.started"],
    "name": "Webhook for jobs",
    "client_url": "https://test.com",
    "active": True,
    "description": "A webhook for when jobs are started",
    "job_ids": [123, 321],
}
KEYS = [
    "id",
    "account_identifier",
    "name",
    "description",
    "job_ids",
    "event_types",
    "client_url",
    "active",
    "created_at",
    "updated_at",
    "account_id",
    "http_status_code",
]
MICROSECONDS = re.compile(r"\d{16}")


@pytest.fixture
async def service(database: Database) -> AsyncIterator[SubscriptionService]:
    async with subscription_service(database) as running:
        yield running


@pytest.fixture
async def call(service: SubscriptionService) -> AsyncIterator[Gateway]:
    # A busy machine takes its time over ten thousand jobs.
    async with gateway(token=TOKEN, subscription_svc=service.target, gateway_answer_seconds=20) as running:
        yield running


async def made(call: Gateway, **changes: Any) -> dict[str, Any]:
    return await made_with(call, **(BODY | changes))


async def test_create_answers_with_the_contracts_keys_types_and_the_secret(call: Gateway) -> None:
    answer = await call("POST", SUBSCRIPTIONS, json=BODY)
    assert (answer.status, list(answer.json), answer.json["status"]) == (201, ["data", "status"], {"code": 201})
    data = answer.json["data"]
    assert list(data) == [*KEYS[:7], "hmac_secret", *KEYS[7:]]
    assert re.fullmatch("wsu_[0-9A-Za-z]{27}", data["id"])
    assert re.fullmatch("act_[0-9A-Za-z]{27}", data["account_identifier"])
    assert re.fullmatch("[0-9a-f]{40}", data["hmac_secret"])
    assert MICROSECONDS.fullmatch(data["created_at"])
    assert data["created_at"] == data["updated_at"]
    assert {key: data[key] for key in BODY} == BODY | {"job_ids": ["123", "321"]}
    assert (data["account_id"], data["http_status_code"], data["active"]) == (str(ACCOUNT), "0", True)


async def test_get_has_everything_but_the_secret(call: Gateway) -> None:
    created = await made(call)
    answer = await call("GET", f"{ONE}/{created['id']}", headers={"Content-Type": "application/json"})
    assert (answer.status, answer.json["status"], list(answer.json["data"])) == (200, {"code": 200}, KEYS)
    assert answer.json["data"] == {key: created[key] for key in KEYS}


async def test_text_is_kept_to_the_letter(call: Gateway) -> None:
    odd = {
        "name": "  \u00dcn\u0131\u0307code\t\U0001f600\r\n ",
        "description": "<b>&amp;</b> ' OR 1=1 --",
        "client_url": "HTTPS://Test.COM:443/a/../b?q=%41&ü#f",
        "event_types": ["job.run.errored", "job.run.started", "job.run.errored"],
        "job_ids": ["3", 1, 2, 1],
    }
    created = await made(call, **odd)
    read = (await call("GET", f"{ONE}/{created['id']}")).json["data"]
    assert {key: read[key] for key in odd} == odd | {"job_ids": ["3", "1", "2", "1"]}


async def test_dispatch_and_deactivation_show_only_when_there_were_any(
    call: Gateway, service: SubscriptionService, database: Database
) -> None:
    created = await made(call)
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("update subscription.subscription set active = false, deactivate_reason = 'Too many failures'")
    await owner.execute(
        "insert into delivery.lane (subscription_id, last_status_code, last_attempt_at)"
        " select id, 410, timestamptz '2023-02-07 10:28:05.548538+00' from subscription.subscription"
    )
    await owner.close()
    read = (await call("GET", f"{ONE}/{created['id']}")).json["data"]
    assert list(read) == [*KEYS, "dispatched_at", "deactivate_reason"]
    assert (read["http_status_code"], read["dispatched_at"]) == ("410", "1675765685548538")
    assert (read["active"], read["deactivate_reason"]) == (False, "Too many failures")


@pytest.mark.parametrize("change", [{"active": True}, {"active": False, "client_url": "https://new.com"}])
async def test_active_or_another_url_revives_what_the_platform_set_inactive(
    call: Gateway, database: Database, change: dict[str, Any]
) -> None:
    created = await made(call)
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("update subscription.subscription set active = false, deactivate_reason = 'Too many failures'")
    await owner.close()
    path = f"{ONE}/{created['id']}"
    still = (await call("PUT", path, json=BODY | {"active": False})).json["data"]
    assert (still["active"], still["deactivate_reason"]) == (False, "Too many failures")
    revived = (await call("PUT", path, json=BODY | change)).json["data"]
    assert (revived["active"], "deactivate_reason" in revived) == (True, False)


async def test_lists_page_exactly_until_all_are_seen(call: Gateway) -> None:
    ids = [(await made(call, name=f"{number}"))["id"] for number in range(12)]
    seen: list[str] = []
    while True:  # as dbtcloud-terraforming does: offset alone, until count says that it is over
        answer = await call("GET", f"{SUBSCRIPTIONS}?offset={len(seen)}")
        seen += [one["id"] for one in answer.json["data"]]
        if len(seen) == answer.json["extra"]["pagination"]["total_count"]:
            break
    assert seen == ids
    assert list(answer.json) == ["data", "status", "extra"]
    assert answer.json["extra"] == {
        "pagination": {"total_count": 12, "count": 2},
        "filters": {"offset": 10, "limit": 10},
    }
    assert len((await call("GET", f"{SUBSCRIPTIONS}?limit=100")).json["data"]) == 12
    past = (await call("GET", f"{SUBSCRIPTIONS}?offset=99999999999999999999999")).status
    assert past == 400
    empty = (await call("GET", f"{SUBSCRIPTIONS}?offset=500&limit=1")).json
    assert (empty["data"], empty["extra"]["pagination"]) == ([], {"total_count": 12, "count": 0})


async def test_put_replaces_the_whole(call: Gateway) -> None:
    created = await made(call)
    wanted = {
        "id": "another",
        "name": "New",
        "event_types": ["job.run.errored"],
        "client_url": "http://x",
        "active": False,
    }
    answer = await call("PUT", f"{ONE}/{created['id']}", json=wanted)
    data = answer.json["data"]
    assert (answer.status, answer.json["status"], list(data)) == (200, {"code": 200}, KEYS)
    assert (data["id"], data["description"], data["job_ids"], data["active"]) == (created["id"], "", [], False)
    assert int(data["updated_at"]) > int(data["created_at"]) == int(created["created_at"])
    assert (await call("GET", f"{ONE}/{created['id']}")).json["data"] == data


async def test_a_changed_url_revives_an_inactive_webhook_and_a_full_round_trip_is_taken(call: Gateway) -> None:
    created = await made(call, active=False)
    read = (await call("GET", f"{ONE}/{created['id']}")).json["data"]
    same = (await call("PUT", f"{ONE}/{created['id']}", json=read)).json["data"]
    assert same["active"] is False
    revived = (await call("PUT", f"{ONE}/{created['id']}", json=read | {"client_url": "https://new.com"})).json["data"]
    assert revived["active"] is True


async def test_delete_answers_with_a_body_and_then_it_is_gone(call: Gateway) -> None:
    created = await made(call)
    path = f"{ONE}/{created['id']}"
    answer = await call("DELETE", path, headers={"Content-Type": "application/json"}, data=b"not read")
    assert (answer.status, answer.json) == (
        200,
        {"data": {"id": created["id"]}, "status": {"code": 200, "is_success": True}},
    )
    assert [(await call(method, path, json=BODY)).status for method in ("GET", "PUT", "DELETE")] == [404, 404, 404]


async def test_a_trailing_slash_is_taken_without_a_redirect(call: Gateway) -> None:
    answer = await call("POST", f"{SUBSCRIPTIONS}/", json=BODY)
    assert answer.status == 201
    assert (await call("GET", f"{ONE}/{answer.json['data']['id']}/")).status == 200


async def test_both_authorization_schemes_are_equal(call: Gateway) -> None:
    for scheme in ("Token", "token", "Bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {TOKEN}"}
        assert (await call("GET", SUBSCRIPTIONS, token=None, headers=headers)).status == 200


async def test_a_body_without_a_content_type_is_read(call: Gateway) -> None:
    body = json.dumps(BODY).encode()
    head = (
        f"POST {SUBSCRIPTIONS} HTTP/1.1\r\nHost: x\r\nAuthorization: Token {TOKEN}\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    assert (await call.raw(head.encode() + body)).startswith(b"HTTP/1.1 201 ")


async def test_of_many_puts_at_once_every_one_is_answered_whole(call: Gateway) -> None:
    created = await made(call)
    answers = await asyncio.gather(
        *(call("PUT", f"{ONE}/{created['id']}", json=BODY | {"name": f"n{n}", "job_ids": [n]}) for n in range(1, 11))
    )
    assert {answer.status for answer in answers} == {200}
    last = (await call("GET", f"{ONE}/{created['id']}")).json["data"]
    assert last["name"] == f"n{last['job_ids'][0]}"
    assert last in [answer.json["data"] for answer in answers]


async def test_ten_thousand_jobs_are_taken(call: Gateway, service: SubscriptionService) -> None:
    created = await made(call, job_ids=list(range(1, 10_001)), event_types=BODY["event_types"])
    assert len(created["job_ids"]) == 10_000
    assert await service.pool.fetchval("select count(*) from subscription.interest") == 10_000
