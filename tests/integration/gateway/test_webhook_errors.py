"""Error bodies of the webhooks API, row by row (contract/outbound.md 1.3 and 3)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.envelope import (
    BODY,
    FORBIDDEN,
    INVALID,
    NOT_FOUND,
    ONE,
    SUBSCRIPTIONS,
    UNKNOWN,
    UNKNOWN_TOKEN,
    WRONG_ACCOUNT,
    check,
    error,
)
from tests.support.gateway import Gateway, gateway
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT, TOKEN, add_account, add_token, subscription_service


@pytest.fixture
async def call(database: Database) -> AsyncIterator[Gateway]:
    async with (
        subscription_service(database, most_per_account=2) as service,
        gateway(token=TOKEN, subscription_svc=service.target) as running,
    ):
        yield running


UNAUTHORIZED: list[dict[str, Any]] = [
    {"token": None},
    {"token": "None"},
    {"token": "unknown"},
    {"token": None, "headers": {"Authorization": "Basic abc"}},
    {"token": None, "headers": {"Authorization": TOKEN}},
    {"token": None, "headers": {"X-Runhook-Service-Credential": "the-service-credential-of-the-tests-0123456789"}},
]


async def test_no_or_unknown_token(call: Gateway) -> None:
    for options in UNAUTHORIZED:
        for method, path in (("GET", SUBSCRIPTIONS), ("POST", SUBSCRIPTIONS), ("DELETE", UNKNOWN)):
            check(await call(method, path, data=b"not json", **options), error(401, UNKNOWN_TOKEN))


async def test_another_accounts_path_is_forbidden_whether_it_exists_or_not(call: Gateway, database: Database) -> None:
    await add_account(database, 8)
    created = (await call("POST", SUBSCRIPTIONS, json=BODY)).json["data"]["id"]
    for account in (8, 9, 2**63 - 1):
        base = f"/api/v3/accounts/{account}/webhooks"
        for method, path in (
            ("GET", f"{base}/subscriptions"),
            ("POST", f"{base}/subscriptions"),
            ("GET", f"{base}/subscription/{created}"),
            ("PUT", f"{base}/subscription/{created}"),
            ("DELETE", f"{base}/subscription/{created}"),
        ):
            check(await call(method, path, json={}), error(403, WRONG_ACCOUNT))


async def test_another_accounts_webhook_is_not_found_below_my_own_path(call: Gateway, database: Database) -> None:
    await add_account(database, 8)
    other = await add_token(database, 8, "account_admin")
    theirs = await call("POST", "/api/v3/accounts/8/webhooks/subscriptions", json=BODY, token=other)
    for method in ("GET", "PUT", "DELETE"):
        check(await call(method, f"{ONE}/{theirs.json['data']['id']}", json=BODY), error(404, NOT_FOUND))


async def test_a_token_that_may_only_read_is_told_so(call: Gateway, database: Database) -> None:
    reader = await add_token(database, ACCOUNT, "read_only")
    assert (await call("GET", SUBSCRIPTIONS, token=reader)).status == 200
    for method, path in (("POST", SUBSCRIPTIONS), ("PUT", UNKNOWN), ("DELETE", UNKNOWN)):
        check(await call(method, path, json=BODY, token=reader), error(403, FORBIDDEN))
        check(await call(method, path, json={}, token=reader), error(403, FORBIDDEN))


NOWHERE = [
    UNKNOWN,
    f"{ONE}/x",
    f"{ONE}/%00",
    f"{ONE}/%ff",
    f"{ONE}/wsu_%2e%2e%2f",
    f"{ONE}/{'x' * 3000}",
    "/api/v3/accounts/0/webhooks/subscriptions",
    "/api/v3/accounts/-1/webhooks/subscriptions",
    "/api/v3/accounts/abc/webhooks/subscriptions",
    f"/api/v3/accounts/{2**63}/webhooks/subscriptions",
    "/api/v3/accounts/%20/webhooks/subscriptions",
    f"/api/v3/accounts/{ACCOUNT}/webhooks",
    "/api/v3/nowhere",
    f"{SUBSCRIPTIONS}//",
]


async def test_what_is_not_there_is_404_in_the_envelope(call: Gateway) -> None:
    for path in NOWHERE:
        check(await call("GET", path), error(404, NOT_FOUND))


BAD_BODIES: list[tuple[bytes, dict[str, str]]] = [
    (b"", {"body": "must be JSON: it breaks at line 1, column 1"}),
    (b"{", {"body": "must be JSON: it breaks at line 1, column 2"}),
    (b"[]", {"body": "must be a JSON object"}),
    (b'{"name":"a","name":"b"}', {"body": "must not have a key twice in one object"}),
    (b'{"name":"\\ud800"}', {"body": "must be valid Unicode: it holds half of a surrogate pair"}),
    (
        b"{}",
        dict.fromkeys(("name", "event_types", "client_url", "active"), "required key not provided"),
    ),
]


async def test_a_bad_body_is_told_all_that_is_wrong(call: Gateway) -> None:
    for body, fields in BAD_BODIES:
        check(await call("POST", SUBSCRIPTIONS, data=body), error(400, INVALID, data=fields))
    assert (await call("GET", SUBSCRIPTIONS)).json["data"] == []


async def test_every_broken_rule_is_told_at_once_and_nothing_is_stored(call: Gateway) -> None:
    bad = {"name": "a\x00", "description": "x" * 2001, "client_url": "file:///etc/passwd", "active": True}
    answer = await call("POST", SUBSCRIPTIONS, json=bad | {"event_types": ["job.run.cancelled"], "job_ids": [-5]})
    assert answer.json["status"]["user_message"] == INVALID
    assert list(answer.json["data"]) == ["name", "description", "job_ids[0]", "event_types[0]", "client_url"]
    assert (await call("GET", SUBSCRIPTIONS)).json["data"] == []


async def test_a_partial_put_changes_nothing(call: Gateway) -> None:
    created = (await call("POST", SUBSCRIPTIONS, json=BODY)).json["data"]
    missing = dict.fromkeys(("event_types", "client_url", "active"), "required key not provided")
    check(await call("PUT", f"{ONE}/{created['id']}", json={"name": "m"}), error(400, INVALID, data=missing))
    assert (await call("GET", f"{ONE}/{created['id']}")).json["data"]["name"] == "n"


@pytest.mark.parametrize(
    "flood", [{"event_types": ["x" * 300] * 100}, {"job_ids": [0] * 10_000}, {"job_ids": ["x"] * 10_000}]
)
async def test_a_flood_of_bad_entries_is_answered_like_one(call: Gateway, flood: dict[str, Any]) -> None:
    answer = await call("POST", SUBSCRIPTIONS, json=BODY | flood)
    assert (answer.status, answer.json["status"]["user_message"]) == (400, INVALID)
    assert next(iter(answer.json["data"])) == f"{next(iter(flood))}[0]"
    assert 20 <= len(answer.json["data"]) <= 100


LIMITS: list[tuple[str, dict[str, Any]]] = [
    ("limit=101", error(400, "Limit must not exceed 100")),
    ("limit=0", error(400, INVALID, data={"limit": "must be a whole number from 1 to 100"})),
    ("limit=-1", error(400, INVALID, data={"limit": "must be a whole number, 0 or above"})),
    ("limit=ten", error(400, INVALID, data={"limit": "must be a whole number, 0 or above"})),
    ("limit=", error(400, INVALID, data={"limit": "must be a whole number, 0 or above"})),
    ("offset=-1", error(400, INVALID, data={"offset": "must be a whole number, 0 or above"})),
    ("offset=1.5", error(400, INVALID, data={"offset": "must be a whole number, 0 or above"})),
]


async def test_a_page_that_cannot_be_is_400(call: Gateway) -> None:
    for query, expected in LIMITS:
        check(await call("GET", f"{SUBSCRIPTIONS}?{query}"), expected)


async def test_a_wrong_method_is_405_with_allow(call: Gateway) -> None:
    answer = await call("PATCH", SUBSCRIPTIONS, json=BODY)
    check(answer, error(405, "allowed here: POST, GET, HEAD"))
    assert answer.headers["Allow"] == "POST, GET, HEAD"


async def test_a_form_is_400(call: Gateway) -> None:
    fields = {"body": "must be a JSON object, not a form"}
    check(await call("POST", SUBSCRIPTIONS, data={"name": "n"}), error(400, INVALID, data=fields))


async def test_a_body_of_two_megabytes_is_413_and_seen_by_its_sender(call: Gateway) -> None:
    answer = await call("POST", SUBSCRIPTIONS, data=b'{"name":"' + b"x" * 2_000_000 + b'"}')
    check(answer, error(413, "the body must have at most 1,048,576 bytes"))
    assert answer.headers["Connection"] == "close"


async def test_the_last_subscription_of_an_account_is_told_in_the_envelope(call: Gateway) -> None:
    for _ in range(2):
        assert (await call("POST", SUBSCRIPTIONS, json=BODY)).status == 201
    full = "the account has its 2 subscriptions: delete one first"
    check(await call("POST", SUBSCRIPTIONS, json=BODY), error(409, full))
