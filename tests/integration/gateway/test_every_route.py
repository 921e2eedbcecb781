"""What every row of the route table owes its callers, whatever stands behind it."""

import asyncio
import itertools
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.routes import ROUTES
from tests.support.asking import NOBODYS, ask
from tests.support.gateway import gateway
from tests.support.platform import platform
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT, TOKEN
from tests.support.tenant import tenant

ODD_IDS = [
    *("x", "0", "00", "-1", "1.5", "null", "*", "'", "..", "%2e%2e", "%2F", "a%2Fb", "%00", "a%00b", "%25", "%2500"),
    *("%0d%0aX-Injected:1", "%20", "%C3%BC", "%ff", "%ED%A0%80", "%", "%zz", str(2**63), str(2**64 + 1), "9" * 400),
    *("wsu_2YBXZOLrb96DISR4AvppWEP0Cq!", "trg_", "exe_%00", "x" * 3000),
]
SOME = 7
UNKNOWN: list[dict[str, Any]] = [
    {"token": None},
    {"token": "unknown"},
    {"token": None, "headers": {"Authorization": "Basic x"}},
]
METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"}


@pytest.fixture
def mute() -> Iterator[str]:
    """Takes connections and never says a word, as a stopped process does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


async def test_a_service_that_is_away_or_mute_is_503_within_two_seconds_on_every_route(mute: str) -> None:
    for target in ("127.0.0.1:1", mute):
        targets = dict.fromkeys(("subscription_svc", "delivery_svc", "trigger_svc"), target)
        async with gateway(token=TOKEN, **targets) as call, asyncio.timeout(5):
            answers = await asyncio.gather(*(ask(call, row, str(ACCOUNT), NOBODYS) for row in ROUTES))
        for row, answer in zip(ROUTES, answers, strict=True):
            assert (row.path, answer.status) == (row.path, 503)
            assert 1 <= int(answer.headers["Retry-After"]) <= 4
            assert b"127.0.0.1" not in answer.body


async def test_an_odd_id_in_any_place_of_any_path_is_not_found(database: Database, tmp_path: Path) -> None:
    """Every odd id meets every kind of id; the other rows with that kind get some each, in turn."""
    async with platform(database, tmp_path, operator_account_id=ACCOUNT) as house:
        owner = await tenant(house, "Owner")
        turn, met = itertools.cycle(ODD_IDS), set[str]()
        for row in ROUTES:
            for place in [name for name in (*owner.ids, "account_id") if f"{{{name}}}" in row.path]:
                some = ODD_IDS if place not in met else list(itertools.islice(turn, SOME))
                met.add(place)
                for odd in some:
                    ids = owner.ids | {"account_id": owner.account_id} | {place: odd}
                    account_id = ids.pop("account_id")
                    answer = await ask(house.call, row, account_id, ids, token=owner.token)
                    assert (row.path, place, odd[:40], answer.status) == (row.path, place, odd[:40], 404), answer.body


async def test_without_a_known_token_every_route_is_401_whatever_is_sent(database: Database, tmp_path: Path) -> None:
    async with platform(database, tmp_path) as house:
        for row in ROUTES:
            for options in UNKNOWN:
                for ids in (NOBODYS, dict.fromkeys(NOBODYS, "%00")):
                    answer = await ask(house.call, row, str(ACCOUNT), ids, **options)
                    assert (row.path, answer.status, answer.headers["WWW-Authenticate"]) == (row.path, 401, "Bearer")


def methods_of(path: str) -> set[str]:
    """What is served at a path."""
    rows = [row for row in ROUTES if row.path == path]
    return {row.method for row in rows} | {"HEAD" for row in rows if row.method == "GET" and row.head}


async def test_every_route_takes_a_trailing_slash_and_names_its_methods() -> None:
    async with gateway(token=TOKEN) as call:
        for path in {row.path for row in ROUTES}:
            known = methods_of(path)
            filled = path.format(account_id=ACCOUNT, **NOBODYS)
            for slash in ("", "/"):
                for method in METHODS - known:
                    answer = await call(method, filled + slash)
                    assert (path, method, answer.status) == (path, method, 405)
                    assert set(answer.headers["Allow"].split(", ")) == known
                for method in known:
                    answer = await call(method, filled + slash, data=b"{}")
                    assert (path, method, answer.status) == (path, method, 503)


async def test_unknown_keys_and_parameters_are_ignored_on_every_route(database: Database, tmp_path: Path) -> None:
    async with platform(database, tmp_path, operator_account_id=ACCOUNT) as house:
        owner = await tenant(house, "Owner")
        for row in ROUTES:
            if row.method == "GET":
                filled = row.path.format(account_id=owner.account_id, **owner.ids)
                query = f"include_related=[%22x%22]&_=1&state&subscription_id={owner.ids['subscription_id']}"
                query = query.replace("&state", "") if row.path.endswith(("/deliveries", "/executions")) else query
                answer = await house.call("GET", f"{filled}?{query}", token=owner.token)
                assert (row.path, answer.status) == (row.path, 200)
                if answer.headers["Content-Type"] == "application/json":
                    json.loads(answer.body)
