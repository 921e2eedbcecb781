"""Accounts and service tokens over REST, down to Postgres."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.envelope import FORBIDDEN, INVALID, NOT_FOUND, UNKNOWN_TOKEN, WRONG_ACCOUNT, check, error
from tests.support.gateway import Gateway, gateway
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT, TOKEN, add_account, add_token, subscription_service

ACCOUNTS = "/api/v1/accounts"
TOKENS = f"{ACCOUNTS}/{ACCOUNT}/tokens"
TOKEN_KEYS = [
    "token_id",
    "account_id",
    "name",
    "permission_set",
    "expires_at",
    "created_at",
    "last_used_at",
    "revoked_at",
]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")
MINE = {"id": ACCOUNT, "name": "", "state": 1, "plan": "enterprise"}


@pytest.fixture
async def call(database: Database) -> AsyncIterator[Gateway]:
    """The first account is the operator's."""
    async with (
        subscription_service(database, operator_account_id=ACCOUNT) as service,
        gateway(token=TOKEN, subscription_svc=service.target) as running,
    ):
        yield running


def check_problem(answer: Any, status: int, reason: str, *fields: str) -> None:
    assert (answer.status, answer.json["status"], answer.json["reason"]) == (status, status, reason), answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [bad["field"] for bad in answer.json.get("errors", [])] == list(fields)
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]


async def test_clients_of_both_versions_find_the_account_that_they_start_up_with(call: Gateway) -> None:
    name = (await call("GET", f"{ACCOUNTS}/{ACCOUNT}")).json["name"]
    for version in ("v2", "v3"):
        for slash in ("", "/"):
            answer = await call("GET", f"/api/{version}/accounts{slash}", headers={"Content-Type": "application/json"})
            assert answer.json == {
                "data": [MINE | {"name": name}],
                "status": {"code": 200, "is_success": True},
                "extra": {"pagination": {"total_count": 1, "count": 1}, "filters": {"offset": 0, "limit": 10}},
            }
            one = await call("GET", f"/api/{version}/accounts/{ACCOUNT}{slash}")
            assert one.json == {"data": MINE | {"name": name}, "status": {"code": 200, "is_success": True}}


async def test_pages_of_the_accounts_list_are_those_of_every_list(call: Gateway) -> None:
    empty = (await call("GET", "/api/v3/accounts/?offset=1&limit=5")).json
    assert (empty["data"], empty["extra"]["pagination"]) == ([], {"total_count": 1, "count": 0})
    assert empty["extra"]["filters"] == {"offset": 1, "limit": 5}
    check(await call("GET", "/api/v2/accounts/?limit=101"), error(400, "Limit must not exceed 100"))
    fields = {"offset": "must be a whole number, 0 or above"}
    check(await call("GET", "/api/v2/accounts/?offset=-1"), error(400, INVALID, fields))
    check(await call("GET", "/api/v2/accounts/?offset=-1", token="unknown"), error(401, UNKNOWN_TOKEN))


async def test_another_account_is_forbidden_whether_it_exists_or_not(call: Gateway, database: Database) -> None:
    await add_account(database, 8)
    for version in ("v2", "v3"):
        for account, expected in (
            (8, error(403, WRONG_ACCOUNT)),
            (9, error(403, WRONG_ACCOUNT)),
            (0, error(404, NOT_FOUND)),
        ):
            check(await call("GET", f"/api/{version}/accounts/{account}/"), expected)
    for account in (8, 9, 2**63 - 1):
        check_problem(await call("GET", f"{ACCOUNTS}/{account}"), 403, "WRONG_ACCOUNT")
        check_problem(await call("GET", f"{ACCOUNTS}/{account}/tokens"), 403, "WRONG_ACCOUNT")
    for odd in ("0", "x", "-1", str(2**63)):
        check_problem(await call("GET", f"{ACCOUNTS}/{odd}"), 404, "NOT_FOUND")
        assert (await call("GET", f"{ACCOUNTS}/{odd}/tokens")).status == 404


async def test_the_operator_makes_an_account_and_its_first_token_opens_it_alone(call: Gateway) -> None:
    answer = await call("POST", ACCOUNTS, json={"name": "Übung", "account_id": "77", "plan": "team"})
    assert answer.status == 201
    made = answer.json
    assert list(made) == ["account_id", "account_identifier", "name", "plan", "created_at", "service_token", "token"]
    assert (made["account_id"], made["name"], made["plan"]) == ("77", "Übung", "team")
    assert re.fullmatch("act_[0-9A-Za-z]{27}", made["account_identifier"])
    assert TIME.fullmatch(made["created_at"])
    assert list(made["service_token"]) == TOKEN_KEYS
    assert (made["service_token"]["account_id"], made["service_token"]["permission_set"]) == ("77", "account_admin")
    token = made["token"]
    assert re.fullmatch("rhk_[A-Za-z0-9_-]{43}", token)
    account = {key: made[key] for key in ("account_id", "account_identifier", "name", "plan", "created_at")}
    assert (await call("GET", f"{ACCOUNTS}/77", token=token)).json == account
    assert (await call("GET", ACCOUNTS, token=token)).json == {"accounts": [account], "next_page_token": ""}
    assert (await call("GET", "/api/v3/accounts/", token=token)).json["data"] == [
        {"id": 77, "name": "Übung", "state": 1, "plan": "team"}
    ]
    check_problem(await call("GET", f"{ACCOUNTS}/77"), 403, "WRONG_ACCOUNT")
    check_problem(await call("POST", ACCOUNTS, json={"name": "x"}, token=token), 403, "OPERATOR_ONLY")
    check_problem(await call("POST", ACCOUNTS, data=b"not json", token=token), 403, "OPERATOR_ONLY")


async def test_an_account_without_a_number_gets_a_free_one_and_a_taken_one_is_refused(call: Gateway) -> None:
    numbers = {(await call("POST", ACCOUNTS, json={"name": "n", "odd": 1})).json["account_id"] for _ in range(2)}
    assert len(numbers | {str(ACCOUNT)}) == 3
    again = await call("POST", ACCOUNTS, json={"name": "n", "account_id": ACCOUNT})
    assert (again.status, again.json["status"]) == (409, 409)


BAD_ACCOUNTS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["name"]),
    ({"name": ""}, ["name"]),
    ({"name": None}, ["name"]),
    ({"name": "x" * 256}, ["name"]),
    ({"name": "a\x00"}, ["name"]),
    ({"name": "n", "account_id": -1}, ["account_id"]),
    ({"name": "n", "account_id": 1.5}, ["account_id"]),
    ({"name": "n", "account_id": 2**63}, ["account_id"]),
    ({"name": "n", "plan": "free"}, ["plan"]),
    ({"name": "n", "plan": None}, ["plan"]),
    ({"name": 5, "account_id": "x", "plan": 5}, ["name", "account_id", "plan"]),
]


async def test_a_bad_account_is_told_all_that_is_wrong_and_not_made(call: Gateway, database: Database) -> None:
    for body, fields in BAD_ACCOUNTS:
        check_problem(await call("POST", ACCOUNTS, json=body), 400, "INVALID_INPUT", *fields)
    told = (await call("POST", ACCOUNTS, json={"name": "n", "plan": "free"})).json["errors"]
    assert told == [{"field": "plan", "message": "must be one of enterprise, team"}]


async def test_a_token_is_made_listed_used_and_revoked(call: Gateway) -> None:
    wish = {"name": "CI", "permission_set": "read_only", "expires_at": "2999-01-01T00:00:00+01:00", "odd": None}
    answer = await call("POST", TOKENS, json=wish)
    assert answer.status == 201
    made = answer.json
    text = made.pop("token")
    assert re.fullmatch("rhk_[A-Za-z0-9_-]{43}", text)
    assert list(made) == TOKEN_KEYS
    assert TIME.fullmatch(made.pop("created_at"))
    assert made == {
        "token_id": made["token_id"],
        "account_id": str(ACCOUNT),
        "name": "CI",
        "permission_set": "read_only",
        "expires_at": "2998-12-31T23:00:00Z",
        "last_used_at": None,
        "revoked_at": None,
    }
    assert (await call("GET", "/api/v3/accounts/", token=text)).status == 200
    tokens = (await call("GET", TOKENS)).json
    assert (tokens["next_page_token"], tokens["tokens"][-1]["token_id"]) == ("", made["token_id"])
    assert text not in str(tokens)
    first, again = [await call("DELETE", f"{TOKENS}/{made['token_id']}") for _ in range(2)]
    assert first.json == again.json
    assert (first.status, again.status, list(first.json)) == (200, 200, TOKEN_KEYS)
    assert TIME.fullmatch(first.json["revoked_at"])
    assert (await call("GET", TOKENS)).json["tokens"][-1]["revoked_at"] == first.json["revoked_at"]


async def test_pages_of_tokens_hang_together(call: Gateway) -> None:
    for number in range(4):
        await call("POST", TOKENS, json={"name": f"{number}", "permission_set": "publisher"})
    names, page_token = [], ""
    while True:
        page = (await call("GET", f"{TOKENS}?page_size=2&page_token={page_token}")).json
        names += [one["name"] for one in page["tokens"]]
        if not (page_token := page["next_page_token"]):
            break
    assert names[1:] == ["0", "1", "2", "3"]
    for query, field in (
        ("page_size=-1", "page_size"),
        ("page_size=x", "page_size"),
        ("page_token=x%00", "page_token"),
    ):
        check_problem(await call("GET", f"{TOKENS}?{query}"), 400, "INVALID_INPUT", field)
    assert len((await call("GET", f"{TOKENS}?page_size={10**18}")).json["tokens"]) == 5


BAD_TOKENS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["name", "permission_set"]),
    ({"name": "", "permission_set": "root"}, ["name", "permission_set"]),
    ({"name": "n", "permission_set": "read_only", "expires_at": "2020-01-01T00:00:00Z"}, ["expires_at"]),
    ({"name": "n", "permission_set": "read_only", "expires_at": "tomorrow"}, ["expires_at"]),
    ({"name": "n", "permission_set": "read_only", "expires_at": 5}, ["expires_at"]),
    ({"name": 5, "permission_set": [], "expires_at": {}}, ["name", "permission_set", "expires_at"]),
    ({"name": "x" * 256, "permission_set": "Read_Only"}, ["name", "permission_set"]),
]


async def test_a_bad_token_is_told_all_that_is_wrong_and_not_made(call: Gateway) -> None:
    before = (await call("GET", TOKENS)).json
    for body, fields in BAD_TOKENS:
        check_problem(await call("POST", TOKENS, json=body), 400, "INVALID_INPUT", *fields)
    assert (await call("GET", TOKENS)).json["tokens"][1:] == before["tokens"][1:] == []


async def test_what_is_wrong_is_told_under_the_callers_own_names_in_words_too(call: Gateway) -> None:
    wish = {"name": "n", "permission_set": "read_only", "expires_at": "2020-01-01T00:00:00Z"}
    problem = (await call("POST", TOKENS, json=wish)).json
    assert problem["detail"] == f"expires_at: {problem['errors'][0]['message']}"


async def test_a_token_of_another_account_is_not_there_to_be_revoked(call: Gateway, database: Database) -> None:
    await add_account(database, 8)
    theirs = await add_token(database, 8, "account_admin")
    wish = {"name": "n", "permission_set": "read_only"}
    token_id = (await call("POST", f"{ACCOUNTS}/8/tokens", json=wish, token=theirs)).json["token_id"]
    for odd in (token_id, "0", "-1", "x", "%00", str(2**63), "9" * 400):
        assert (await call("DELETE", f"{TOKENS}/{odd}")).status == 404
        assert (await call("DELETE", f"{TOKENS}/{odd}", token="unknown")).status == 401
        check_problem(await call("DELETE", f"{ACCOUNTS}/8/tokens/{odd}"), 403, "WRONG_ACCOUNT")
    assert [one["revoked_at"] for one in (await call("GET", f"{ACCOUNTS}/8/tokens", token=theirs)).json["tokens"]] == [
        None,
        None,
    ]


async def test_who_may_not_make_tokens_is_told_that_before_what_is_wrong_with_the_body(
    call: Gateway, database: Database
) -> None:
    developer = await add_token(database, ACCOUNT, "developer")
    reader = await add_token(database, ACCOUNT, "read_only")
    for body in (b"{}", b"not json", b'{"name":"n","permission_set":"account_admin"}'):
        for token in (developer, reader):
            check_problem(await call("POST", TOKENS, data=body, token=token), 403, "MISSING_PERMISSION")
    assert (await call("GET", TOKENS, token=developer)).status == 200
    check_problem(await call("GET", TOKENS, token=reader), 403, "MISSING_PERMISSION")
    assert FORBIDDEN not in (await call("GET", TOKENS, token=reader)).json["detail"]
