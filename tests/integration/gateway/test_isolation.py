"""Accounts beside each other: a token of one never reads, changes or learns of what another has, on any route."""

import json
import re
from pathlib import Path
from typing import Any

from gateway.routes import ROUTES, Row
from tests.support.asking import NOBODYS, ask
from tests.support.platform import Platform, platform
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT
from tests.support.tenant import Tenant, tenant

OF_AN_ACCOUNT = [row for row in ROUTES if "{account_id}" in row.path]


async def answer_to(
    house: Platform, row: Row, token: str, account_id: str, ids: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    """Status and body of a good request for these ids, without what names the exchange."""
    answer = await ask(house.call, row, account_id, ids, token=token)
    if not isinstance(answer.json, dict):  # a log, a file, a payload
        return answer.status, {"body": answer.body.decode(errors="replace")}
    return answer.status, {key: value for key, value in answer.json.items() if key != "request_id"}


async def whole(house: Platform, owner: Tenant) -> str:
    """All that the account has, as its own admin reads it, but for what the platform itself notes a moment later."""
    reads = [row for row in OF_AN_ACCOUNT if row.method == "GET" and not row.path.endswith("/test")]
    reads = [
        row for row in reads if "/overview/" not in row.path
    ]  # a sum of the others, and of another moment each time
    answers = [await answer_to(house, row, owner.token, owner.account_id, owner.ids) for row in reads]
    assert {status for status, _ in answers} == {200}
    return re.sub(r'"(dispatched_at|last_used_at)": [^,}]*', "", json.dumps([content for _, content in answers]))


async def test_a_foreign_account_answers_as_one_that_is_not_there(database: Database, tmp_path: Path) -> None:
    async with platform(database, tmp_path, operator_account_id=ACCOUNT) as house:
        mine, theirs = await tenant(house, "Mine"), await tenant(house, "Secret Business")
        before = await whole(house, theirs)
        for row in OF_AN_ACCOUNT:
            foreign = await answer_to(house, row, mine.token, theirs.account_id, theirs.ids)
            assert (row.path, foreign) == (row.path, await answer_to(house, row, mine.token, "987654321", NOBODYS))
            assert (row.path, foreign[0]) == (row.path, 403)
            assert "not scoped to" in str(foreign)
            nowhere = await answer_to(house, row, mine.token, "0", theirs.ids)
            assert (row.path, nowhere[0]) == (row.path, 404)
            assert (await answer_to(house, row, "nobodys-token", theirs.account_id, theirs.ids))[0] == 401
        assert await whole(house, theirs) == before


async def test_foreign_ids_below_my_own_path_answer_as_such_that_nobody_has(database: Database, tmp_path: Path) -> None:
    async with platform(database, tmp_path, operator_account_id=ACCOUNT) as house:
        mine, theirs = await tenant(house, "Mine"), await tenant(house, "Secret Business")
        before = await whole(house, theirs)
        # Beside those with an id in their path, two that take one in their query or body.
        telling = {("GET", "deliveries"), ("POST", "triggers")}
        naming = [
            row
            for row in OF_AN_ACCOUNT
            if row.path.count("{") > 1
            or ((row.method, row.path.rpartition("/")[2]) in telling and "/overview/" not in row.path)
        ]
        for row in naming:
            foreign = await answer_to(house, row, mine.token, mine.account_id, theirs.ids)
            unknown = await answer_to(house, row, mine.token, mine.account_id, NOBODYS)
            assert (row.path, _without_ids(foreign, theirs.ids)) == (row.path, _without_ids(unknown, NOBODYS))
            assert (row.path, foreign[0]) == (row.path, 404)
            assert "Secret Business" not in str(foreign)
        assert await whole(house, theirs) == before


async def test_lists_hold_what_is_mine_alone(database: Database, tmp_path: Path) -> None:
    async with platform(database, tmp_path, operator_account_id=ACCOUNT) as house:
        mine, theirs = await tenant(house, "Mine"), await tenant(house, "Secret Business")
        for row in ROUTES:
            if row.method == "GET" and not row.path.endswith("}") and not row.path.endswith("/test"):
                content = str(await answer_to(house, row, mine.token, mine.account_id, mine.ids))
                assert "Secret Business" not in content
                assert theirs.ids["webhook_id"] not in content
        for version in ("v1", "v2", "v3"):
            content = (await house.call("GET", f"/api/{version}/accounts", token=mine.token)).json
            [account] = content.get("accounts") or content["data"]
            assert account["name"] == "Mine"


def _without_ids(answer: tuple[int, Any], ids: dict[str, str]) -> str:
    text = json.dumps(answer)
    return re.sub("|".join(rf"\b{sent}\b(?! days)" for sent in ids.values()), "?", text)
