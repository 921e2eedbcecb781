"""Signing secrets and custom headers over REST: secrets come in or go out once, and are never shown again."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.envelope import NO_ID, made
from tests.support.gateway import Gateway, gateway
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT, TOKEN, add_account, add_token, subscription_service

MINE = f"/api/v1/accounts/{ACCOUNT}"
SECRET = re.compile("[0-9a-f]{40}")
DAY = 86_400


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
    return f"{MINE}/subscriptions/{(await made(call))['id']}"


def check_problem(answer: Any, status: int, reason: str, *fields: str) -> None:
    assert (answer.status, answer.json["status"], answer.json["reason"]) == (status, status, reason), answer.body
    assert [bad["field"] for bad in answer.json.get("errors", [])] == list(fields)


async def secrets(call: Gateway, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await call("GET", f"{path}/secret")).json["secrets"]
    return found


async def test_a_secret_is_rotated_with_a_day_of_overlap_and_promoted(call: Gateway, path: str) -> None:
    [only] = await secrets(call, path)
    assert list(only) == ["created_at", "expires_at", "signs_authorization"]
    assert (only["expires_at"], only["signs_authorization"]) == (None, True)
    rotated = await call("POST", f"{path}/secret/rotate")
    assert (rotated.status, list(rotated.json)) == (201, ["hmac_secret", "old_expires_at"])
    assert SECRET.fullmatch(rotated.json["hmac_secret"])
    old, new = await secrets(call, path)
    assert old == only | {"expires_at": rotated.json["old_expires_at"]}
    assert (new["expires_at"], new["signs_authorization"]) == (None, False)
    assert old["expires_at"][:10] != new["created_at"][:10]
    check_problem(await call("POST", f"{path}/secret/rotate"), 409, "ROTATION_UNDER_WAY")
    promoted = await call("POST", f"{path}/secret/promote")
    assert (promoted.status, promoted.json) == (200, {"secrets": [new | {"signs_authorization": True}]})
    check_problem(await call("POST", f"{path}/secret/promote"), 409, "NO_ROTATION")
    assert rotated.json["hmac_secret"] not in str(await secrets(call, path))


@pytest.mark.parametrize(
    ("body", "living"),
    [
        (b"{}", 2),
        (b'{"overlap_seconds":null,"odd":[]}', 2),
        (b'{"overlap_seconds":604800}', 2),
        (b'{"overlap_seconds":0}', 1),
    ],
)
async def test_the_overlap_is_what_the_caller_says(call: Gateway, path: str, body: bytes, living: int) -> None:
    assert (await call("POST", f"{path}/secret/rotate", data=body)).status == 201
    assert len(await secrets(call, path)) == living


BAD_OVERLAPS: list[tuple[bytes, str]] = [
    (b'{"overlap_seconds":-1}', "overlap_seconds"),
    (b'{"overlap_seconds":604801}', "overlap_seconds"),
    (b'{"overlap_seconds":1.5}', "overlap_seconds"),
    (b'{"overlap_seconds":"60"}', "overlap_seconds"),
    (b'{"overlap_seconds":true}', "overlap_seconds"),
    (b'{"overlap_seconds":99999999999}', "overlap_seconds"),
    (b"[]", "body"),
    (b" ", "body"),
    (b"{", "body"),
]


async def test_a_bad_overlap_changes_nothing(call: Gateway, path: str) -> None:
    before = await secrets(call, path)
    for body, field in BAD_OVERLAPS:
        check_problem(await call("POST", f"{path}/secret/rotate", data=body), 400, "INVALID_INPUT", field)
    form = {"overlap_seconds": "60"}
    check_problem(await call("POST", f"{path}/secret/rotate", data=form), 400, "INVALID_INPUT", "body")
    assert await secrets(call, path) == before


async def test_headers_are_replaced_whole_and_their_values_never_shown(call: Gateway, path: str) -> None:
    assert (await call("GET", f"{path}/headers")).json == {"names": []}
    answer = await call("PUT", f"{path}/headers", json={"headers": {"X-Api-Key": "hush", "x-b": ""}, "odd": 1})
    assert (answer.status, answer.json) == (200, {"names": ["X-Api-Key", "x-b"]})
    assert (await call("GET", f"{path}/headers")).json == {"names": ["X-Api-Key", "x-b"]}
    assert (await call("PUT", f"{path}/headers", json={"headers": {"X-C": "a b"}})).json == {"names": ["X-C"]}
    assert (await call("PUT", f"{path}/headers", json={"headers": {}})).json == {"names": []}
    assert (await call("GET", f"{path}/headers")).json == {"names": []}


BAD_HEADERS: list[tuple[Any, list[str]]] = [
    ({}, ["headers"]),
    ({"headers": None}, ["headers"]),
    ({"headers": []}, ["headers"]),
    ({"headers": "X-A: b"}, ["headers"]),
    ({"headers": {"X-A": None}}, ["headers.X-A"]),
    ({"headers": {"X-A": 5, "X-B": ["b"]}}, ["headers.X-A", "headers.X-B"]),
    ({"headers": {"": "v"}}, ["headers."]),
    ({"headers": {"X A": "v", "X-Good": "v", "X-C": "v\r\nInjected: 1"}}, ["headers.X A", "headers.X-C"]),
    ({"headers": {"Host": "v", "Connection": "v"}}, ["headers.Host", "headers.Connection"]),
    ({"headers": {"X-A": "v", "x-a": "v"}}, ["headers.x-a"]),
    ({"headers": {"authorization": "v"}}, ["headers.authorization"]),
    (
        {"headers": {"Webhook-Signature": "v", "Content-Length": "0"}},
        ["headers.Webhook-Signature", "headers.Content-Length"],
    ),
    (
        {"headers": {"X-\u00fc": "v", "X-V": "\u00fc", "X-N": "\x00"}},
        ["headers.X-\u00fc", "headers.X-V", "headers.X-N"],
    ),
    ({"headers": {"X" * 5000: "v"}}, ["headers." + "X" * 100]),
    ({"headers": {f"X-{number}": "v" for number in range(21)}}, ["headers"]),
    ({"headers": {f"X-{number}": "v" * 4000 for number in range(3)}}, ["headers"]),
    ({"headers": {"X-A": "hush" * 1025}}, ["headers.X-A"]),
]


async def test_bad_headers_are_told_all_that_is_wrong_but_no_value(call: Gateway, path: str) -> None:
    await call("PUT", f"{path}/headers", json={"headers": {"X-Before": "v"}})
    for body, fields in BAD_HEADERS:
        answer = await call("PUT", f"{path}/headers", json=body)
        check_problem(answer, 400, "INVALID_INPUT", *fields)
        assert b"hush" not in answer.body
    assert (await call("GET", f"{path}/headers")).json == {"names": ["X-Before"]}


async def test_what_another_account_has_is_not_there_and_its_path_is_forbidden(
    call: Gateway, path: str, database: Database
) -> None:
    await add_account(database, 8)
    other = await add_token(database, 8, "account_admin")
    subscription_id = path.rpartition("/")[2]
    headers = {"headers": {"X-A": "v"}}
    for method, below, body in (
        ("GET", "secret", None),
        ("POST", "secret/rotate", None),
        ("POST", "secret/rotate", {"overlap_seconds": 5}),
        ("POST", "secret/promote", None),
        ("GET", "headers", None),
        ("PUT", "headers", headers),
    ):
        for odd in (NO_ID, "x", "%00", "%2F", "x" * 3000):
            answer = await call(method, f"{MINE}/subscriptions/{odd}/{below}", json=body)
            check_problem(answer, 404, "SUBSCRIPTION_NOT_FOUND")
        theirs = f"/api/v1/accounts/8/subscriptions/{subscription_id}/{below}"
        check_problem(await call(method, theirs, json=body, token=other), 404, "SUBSCRIPTION_NOT_FOUND")
        check_problem(await call(method, theirs, json=body), 403, "WRONG_ACCOUNT")
    assert len(await secrets(call, path)) == 1
    assert (await call("GET", f"{path}/headers")).json == {"names": []}
