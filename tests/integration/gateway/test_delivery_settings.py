"""Delivery settings and client certificates over REST: null is the platform's, 0 is refused, a key is never shown."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.certificates import pair
from tests.support.envelope import made
from tests.support.gateway import Gateway, gateway
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT, TOKEN, subscription_service

PLATFORMS = {"retry_schedule": None, "concurrency": None, "rate_per_second": None}
NO_CERTIFICATE = {"subject": None, "fingerprint": None, "expires_at": None}
MINE, OTHER = pair("mine"), pair("other")


@pytest.fixture
async def call(database: Database) -> AsyncIterator[Gateway]:
    async with (
        subscription_service(database) as service,
        gateway(token=TOKEN, subscription_svc=service.target) as running,
    ):
        yield running


@pytest.fixture
async def path(call: Gateway) -> str:
    """The path of a subscription on /api/v1."""
    return f"/api/v1/accounts/{ACCOUNT}/subscriptions/{(await made(call))['id']}"


def check_problem(answer: Any, status: int, reason: str, *fields: str) -> None:
    assert (answer.status, answer.json["status"], answer.json["reason"]) == (status, status, reason), answer.body
    assert [bad["field"] for bad in answer.json.get("errors", [])] == list(fields)


async def test_settings_are_replaced_whole_and_null_is_the_platforms(call: Gateway, path: str) -> None:
    path += "/delivery-settings"
    assert (await call("GET", path)).json == PLATFORMS
    schedule = {"delays_seconds": [0.1, 5, 86_400], "jitter": 0}
    settings = {"retry_schedule": schedule, "concurrency": 1000, "rate_per_second": 0.25}
    answer = await call("PUT", path, json=settings | {"odd": 1})
    assert (answer.status, answer.json) == (200, settings)
    assert (await call("GET", path)).json == settings
    never: dict[str, Any] = {"retry_schedule": {"delays_seconds": []}}
    assert (await call("PUT", path, json=never)).json == PLATFORMS | {
        "retry_schedule": {"delays_seconds": [], "jitter": None}
    }
    assert (await call("PUT", path, json={"rate_per_second": 10_000})).json == PLATFORMS | {"rate_per_second": 10_000}
    for nothing in ({}, PLATFORMS):
        assert (await call("PUT", path, json=nothing)).json == PLATFORMS
    assert (await call("GET", path)).json == PLATFORMS


SCHEDULE = "retry_schedule"
BAD_SETTINGS: list[tuple[bytes, list[str]]] = [
    (b'{"concurrency":0}', ["concurrency"]),
    (b'{"concurrency":-1}', ["concurrency"]),
    (b'{"concurrency":1001}', ["concurrency"]),
    (b'{"concurrency":1.5}', ["concurrency"]),
    (b'{"concurrency":"1"}', ["concurrency"]),
    (b'{"concurrency":true}', ["concurrency"]),
    (b'{"concurrency":99999999999}', ["concurrency"]),
    (b'{"rate_per_second":0}', ["rate_per_second"]),
    (b'{"rate_per_second":-0.0}', ["rate_per_second"]),
    (b'{"rate_per_second":-5}', ["rate_per_second"]),
    (b'{"rate_per_second":10000.5}', ["rate_per_second"]),
    (b'{"rate_per_second":1e999}', ["rate_per_second"]),
    (b'{"rate_per_second":1' + b"0" * 400 + b"}", ["rate_per_second"]),
    (b'{"rate_per_second":false}', ["rate_per_second"]),
    (b'{"rate_per_second":"5"}', ["rate_per_second"]),
    (b'{"retry_schedule":[]}', [SCHEDULE]),
    (b'{"retry_schedule":{}}', [f"{SCHEDULE}.delays_seconds"]),
    (b'{"retry_schedule":{"jitter":0.1}}', [f"{SCHEDULE}.delays_seconds"]),
    (b'{"retry_schedule":{"delays_seconds":null}}', [f"{SCHEDULE}.delays_seconds"]),
    (b'{"retry_schedule":{"delays_seconds":["1",null]}}', [f"{SCHEDULE}.delays_seconds[{place}]" for place in (0, 1)]),
    (
        b'{"retry_schedule":{"delays_seconds":[0.09,1,86401,-1,1e300,-1e300]}}',
        [f"{SCHEDULE}.delays_seconds[{place}]" for place in (0, 2, 3, 4, 5)],
    ),
    (b'{"retry_schedule":{"delays_seconds":[' + b"1," * 20 + b"1]}}", [f"{SCHEDULE}.delays_seconds"]),
    (b'{"retry_schedule":{"delays_seconds":[],"jitter":1.01}}', [f"{SCHEDULE}.jitter"]),
    (b'{"retry_schedule":{"delays_seconds":[],"jitter":"0.1"}}', [f"{SCHEDULE}.jitter"]),
    (
        b'{"retry_schedule":{"delays_seconds":[0],"jitter":-1},"concurrency":0,"rate_per_second":0}',
        [f"{SCHEDULE}.delays_seconds[0]", f"{SCHEDULE}.jitter", "concurrency", "rate_per_second"],
    ),
    (b"[]", ["body"]),
    (b"", ["body"]),
]


async def test_bad_settings_are_told_all_that_is_wrong_and_change_nothing(call: Gateway, path: str) -> None:
    path += "/delivery-settings"
    before = (await call("PUT", path, json={"concurrency": 3})).json
    for body, fields in BAD_SETTINGS:
        answer = await call("PUT", path, data=body)
        check_problem(answer, 400, "INVALID_INPUT", *fields)
    assert (await call("GET", path)).json == before


async def test_a_certificate_is_told_of_and_taken_away_and_its_key_never_shown(call: Gateway, path: str) -> None:
    path += "/client-certificate"
    assert (await call("GET", path)).json == NO_CERTIFICATE
    for one, name in ((OTHER, "other"), (MINE, "mine")):
        answer = await call("PUT", path, json=one.body)
        assert (answer.status, answer.json["subject"]) == (200, f"CN={name}")
        assert answer.json["expires_at"] == "2999-01-01T00:00:00Z"
        assert (await call("GET", path)).json == answer.json
        assert one.key.splitlines()[1].encode() not in answer.body
    for _ in range(2):
        answer = await call("DELETE", path)
        assert (answer.status, answer.json) == (200, NO_CERTIFICATE)
        assert (await call("GET", path)).json == NO_CERTIFICATE


async def test_a_bad_certificate_is_told_all_that_is_wrong_and_the_old_one_stays(call: Gateway, path: str) -> None:
    path += "/client-certificate"
    before = (await call("PUT", path, json=OTHER.body)).json
    ended = pair(ends=datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1))
    chain, key = "certificate_chain", "private_key"
    bad: list[tuple[Any, list[str]]] = [
        ({}, [chain, key]),
        ({chain: MINE.chain}, [key]),
        ({chain: None, key: 5}, [chain, key]),
        ({chain: "", key: ""}, [chain, key]),
        ({chain: MINE.chain, key: ""}, [key]),
        ({chain: "", key: MINE.key}, [chain]),
        ({chain: MINE.chain, key: OTHER.key}, [key]),
        ({chain: MINE.key, key: MINE.chain}, [chain, key]),
        ({chain: "\x00", key: "\ufffd"}, [chain, key]),
        ({chain: "x" * 65_537, key: MINE.key}, [chain]),
        (ended.body, [chain]),
        ([], ["body"]),
    ]
    for body, fields in bad:
        answer = await call("PUT", path, json=body)
        check_problem(answer, 400, "INVALID_INPUT", *fields)
        assert MINE.key.splitlines()[1].encode() not in answer.body
    assert (await call("GET", path)).json == before
