"""Odd paths, queries and methods to the webhooks API over the real services: a clear error each, and nothing changed."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.envelope import BODY, INVALID, NOT_FOUND, ONE, SUBSCRIPTIONS, check, error, listed, made
from tests.support.gateway import Gateway, gateway
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT, TOKEN, subscription_service

GOOD = json.dumps(BODY).encode()


@pytest.fixture
async def call(database: Database) -> AsyncIterator[Gateway]:
    async with (
        subscription_service(database) as service,
        gateway(token=TOKEN, subscription_svc=service.target) as running,
    ):
        yield running


ODD_IDS = [
    *("x", "wsu_", "wsu_2YBXZOLrb96DISR4AvppWEP0Cq", "wsu_2YBXZOLrb96DISR4AvppWEP0Cquu"),
    *("WSU_2YBXZOLrb96DISR4AvppWEP0Cqu", "wev_2YBXZOLrb96DISR4AvppWEP0Cqu", "0", "-1", "null", "*", "+", "~", "'", "$"),
    *("..", ".", "%2e%2e", "%2F", "a%2Fb", "%2F..%2F", "%00", "wsu_%00", "%25", "%2500", "%252F", "%0d%0aX-Injected:1"),
    *("%20", "%C3%BC", "%E2%82%AC", "%ff", "%c0%ae", "%ED%A0%80", "%", "%zz", "%2", "%22", "%3Cscript%3E", ";", "a;b"),
    *("{webhook_id}", "9" * 400, "x" * 3000, "%41" * 1000),
]


async def test_an_odd_id_is_never_found_whatever_is_asked_of_it(call: Gateway) -> None:
    created = await made(call)
    before = await listed(call)
    for odd in ODD_IDS:
        for method in ("GET", "PUT", "DELETE"):
            answer = await call(method, f"{ONE}/{odd}", data=GOOD if method == "PUT" else None)
            assert (odd, answer.status) == (odd, 404)
            check(answer, error(404, NOT_FOUND))
    assert await listed(call) == before
    spelled = "".join(f"%{ord(letter):02X}" for letter in created["id"])
    assert (await call("GET", f"{ONE}/{spelled}")).json["data"]["id"] == created["id"]


ODD_ACCOUNTS = [
    *(
        "0",
        "00",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "0x1267",
        "abc",
        "null",
        "act_x",
        "%20",
        "%00",
        "%2F",
        "%D9%A4%D9%A7%D9%A1%D9%A1",
    ),
    *(f"{ACCOUNT}%20", f"{ACCOUNT}%00", f"{ACCOUNT}x", str(2**63), str(2**64 + ACCOUNT), "9" * 400),
]


async def test_what_can_be_no_account_is_not_found(call: Gateway) -> None:
    created = await made(call)
    before = await listed(call)
    for odd in ODD_ACCOUNTS:
        base = f"/api/v3/accounts/{odd}/webhooks"
        for method, path in (
            ("GET", f"{base}/subscriptions"),
            ("POST", f"{base}/subscriptions"),
            ("GET", f"{base}/subscription/{created['id']}"),
            ("PUT", f"{base}/subscription/{created['id']}"),
            ("DELETE", f"{base}/subscription/{created['id']}"),
        ):
            answer = await call(method, path, data=GOOD if method in ("POST", "PUT") else None)
            assert (odd, method, answer.status) == (odd, method, 404)
            check(answer, error(404, NOT_FOUND))
    assert await listed(call) == before


COUNT = "must be a whole number, 0 or above"
NO_COUNTS = [
    *("", "-1", "%2B1", "+1", "1.0", "1e1", "0x5", "ten", "null", "%00", "%20", "5%20", "%D9%A3", "%ff", "1,2"),
    *(str(2**63), "9" * 3000),
]
PAGES: list[tuple[str, dict[str, Any]]] = [
    ("limit=101", error(400, "Limit must not exceed 100")),
    (f"limit={2**63 - 1}", error(400, "Limit must not exceed 100")),
    ("limit=0", error(400, INVALID, {"limit": "must be a whole number from 1 to 100"})),
    ("limit=00", error(400, INVALID, {"limit": "must be a whole number from 1 to 100"})),
    *((f"limit={odd}", error(400, INVALID, {"limit": COUNT})) for odd in NO_COUNTS),
    *((f"offset={odd}", error(400, INVALID, {"offset": COUNT})) for odd in NO_COUNTS),
    ("limit=x&offset=y", error(400, INVALID, {"limit": COUNT, "offset": COUNT})),
    ("limit=1;offset=9", error(400, INVALID, {"limit": COUNT})),
    ("limit=5&limit=x", error(400, INVALID, {"limit": COUNT})),
    ("limit=5&limit=101", error(400, "Limit must not exceed 100")),
]


async def test_a_page_that_cannot_be_is_refused(call: Gateway) -> None:
    for query, expected in PAGES:
        answer = await call("GET", f"{SUBSCRIPTIONS}?{query}")
        assert (query[:40], answer.json) == (query[:40], expected)
        check(answer, expected)


ODD_PAGES = [
    *(("", 3), ("limit=2", 2), ("limit=002", 2), ("offset=2", 1), ("offset=3", 0), (f"offset={2**63 - 1}", 0)),
    *(("limit=100&offset=1", 2), ("limit=x&limit=1", 1), ("%6cimit=1", 1), ("Limit=1", 3), ("limit[]=1", 3)),
    ("page=7&per_page=9&state=x&%00=1&=&&", 3),
]


async def test_of_parameters_with_one_name_the_last_counts_and_others_are_ignored(call: Gateway) -> None:
    for number in range(3):
        await made(call, name=f"{number}")
    for query, count in ODD_PAGES:
        answer = await call("GET", f"{SUBSCRIPTIONS}?{query}")
        assert (query, answer.status, len(answer.json["data"])) == (query, 200, count)
        assert answer.json["extra"]["pagination"] == {"total_count": 3, "count": count}


async def test_head_answers_as_get_does_without_its_body(call: Gateway) -> None:
    created = await made(call)
    for path in (SUBSCRIPTIONS, f"{ONE}/{created['id']}", f"{ONE}/x", f"{SUBSCRIPTIONS}?limit=0"):
        get, head = await call("GET", path), await call("HEAD", path)
        assert (head.status, head.body) == (get.status, b"")
        assert head.headers["Content-Length"] == get.headers["Content-Length"] == str(len(get.body))


async def test_other_methods_are_told_which_ones_there_are(call: Gateway) -> None:
    created = await made(call)
    one = f"{ONE}/{created['id']}"
    for path, allowed in (
        (SUBSCRIPTIONS, "POST, GET, HEAD"),
        (one, "GET, HEAD, PUT, DELETE"),
        (f"{one}/test", "GET"),
        (f"{one}/events", "GET, HEAD"),
        (f"{one}/event/wev_x/receipt", "GET, HEAD"),
    ):
        for method in {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"} - {
            *allowed.split(", ")
        }:
            answer = await call(method, path, data=GOOD)
            assert (path, method, answer.status, answer.headers["Allow"]) == (path, method, 405, allowed)
            if method != "HEAD":
                check(answer, error(405, f"allowed here: {allowed}"))
    assert len(await listed(call)) == 1


async def test_a_webhook_that_is_put_and_deleted_at_once_is_gone_and_every_caller_knows_what_became_of_him(
    call: Gateway,
) -> None:
    created = await made(call)
    path = f"{ONE}/{created['id']}"
    puts = [call("PUT", path, json=BODY | {"name": f"n{number}"}) for number in range(6)]
    answers = await asyncio.gather(*puts, call("DELETE", path), call("DELETE", path))
    assert {answer.status for answer in answers[:6]} <= {200, 404}
    assert sorted(answer.status for answer in answers[6:]) == [200, 404]
    check(await call("GET", path), error(404, NOT_FOUND))
    assert await listed(call) == []
