"""The table of rights, row by row over REST: what each permission set may do on each kind of path, on both plans."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gateway.routes import ROUTES
from tests.support.asking import CERTIFICATE, SETTINGS
from tests.support.envelope import FORBIDDEN
from tests.support.gateway import Gateway
from tests.support.platform import new_token, platform
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT
from tests.support.tenant import EVENTS, RECOVER, TASK, TRIGGER, Tenant, plan_body, tenant, trigger_body, webhook_body

SETS = ("account_admin", "admin", "developer", "member", "webhooks_only", "read_only", "publisher", "runner")
EVERYBODY = frozenset(SETS)
ADMIN = frozenset({"account_admin"})
TEAM = frozenset({"account_admin", "admin", "developer", "member"})
WRITERS = TEAM | {"webhooks_only"}
READERS = WRITERS | {"read_only"}
WRITERS_ON_TEAM = WRITERS - {"developer"}


class Line(NamedTuple):
    """A route, who may use it, and what those are answered."""

    method: str
    path: str
    allowed: frozenset[str]
    status: int = 200
    body: Callable[[Tenant], Any] = lambda tenant: None
    on_team: frozenset[str] | None = None


V1, V3 = "/api/v1/accounts/{account_id}", "/api/v3/accounts/{account_id}"
HOOK = f"{V3}/webhooks/subscription/{{webhook_id}}"
SUBSCRIPTION = f"{V1}/subscriptions/{{subscription_id}}"


def writing(method: str, path: str, status: int, body: Any = None) -> Line:
    """A line of those that write webhooks, which depends on the plan too."""
    return Line(method, path, WRITERS, status, lambda tenant: body, WRITERS_ON_TEAM)


LINES = [
    # webhooks
    writing("POST", f"{V3}/webhooks/subscriptions", 201, webhook_body("n")),
    writing("PUT", HOOK, 200, webhook_body("n")),
    writing("POST", f"{SUBSCRIPTION}/secret/rotate", 201, {"overlap_seconds": 0}),
    writing("POST", f"{SUBSCRIPTION}/secret/promote", 409),
    writing("PUT", f"{SUBSCRIPTION}/headers", 200, {"headers": {"X-A": "b"}}),
    writing("PUT", f"{SUBSCRIPTION}/delivery-settings", 200, SETTINGS),
    writing("PUT", f"{SUBSCRIPTION}/client-certificate", 200, CERTIFICATE.body),
    writing("DELETE", f"{SUBSCRIPTION}/client-certificate", 200),
    Line("GET", f"{V3}/webhooks/subscriptions", READERS),
    Line("GET", HOOK, READERS),
    Line("GET", f"{SUBSCRIPTION}/secret", READERS),
    Line("GET", f"{SUBSCRIPTION}/headers", READERS),
    Line("GET", f"{SUBSCRIPTION}/delivery-settings", READERS),
    Line("GET", f"{SUBSCRIPTION}/client-certificate", READERS),
    # a test makes a delivery, a redelivery and a recovery send some again
    Line("GET", f"{HOOK}/test", WRITERS),
    Line("POST", f"{V1}/deliveries/{{delivery_id}}/redeliver", WRITERS, 409),
    Line("POST", f"{SUBSCRIPTION}/recover", WRITERS, 202, lambda tenant: RECOVER),
    Line("DELETE", f"{V1}/recoveries/{{recovery_id}}", WRITERS),
    Line("POST", f"{V1}/erasures", ADMIN, 202, lambda tenant: {"event_id": tenant.ids["event_id"]}),
    Line("GET", f"{V1}/erasures", READERS),
    Line("GET", f"{V1}/erasures/{{erasure_id}}", READERS),
    # publish
    Line("POST", f"{V1}/events", ADMIN | {"publisher"}, body=lambda tenant: EVENTS),
    # deliveries
    Line("GET", f"{HOOK}/events", READERS),
    Line("GET", f"{HOOK}/event/{{event_id}}/receipt", READERS),
    Line("GET", f"{V1}/deliveries?subscription_id={{subscription_id}}", READERS),
    Line("GET", f"{V1}/deliveries/{{delivery_id}}", READERS),
    Line("GET", f"{SUBSCRIPTION}/recoveries", READERS),
    Line("GET", f"{V1}/recoveries/{{recovery_id}}", READERS),
    Line("GET", f"{V1}/overview/deliveries", READERS),
    # triggers, tasks; the task has its trigger already
    Line("POST", f"{V1}/tasks", TEAM, 201, lambda tenant: TASK),
    Line("POST", f"{V1}/triggers", TEAM, 409, lambda tenant: trigger_body(tenant.ids["task_id"])),
    *(Line("GET", f"{V1}/{what}s", TEAM | {"read_only"}) for what in ("task", "plan", "trigger")),
    *(Line("GET", f"{V1}/{what}s/{{{what}_id}}", TEAM | {"read_only"}) for what in ("task", "plan", "trigger")),
    Line("PUT", f"{V1}/tasks/{{task_id}}", TEAM, 200, lambda tenant: TASK),
    Line("POST", f"{V1}/tasks/{{task_id}}/copy", TEAM, 201),
    Line("POST", f"{V1}/plans", TEAM, 201, lambda tenant: plan_body(tenant.ids["task_id"])),
    Line("PUT", f"{V1}/plans/{{plan_id}}", TEAM, 200, lambda tenant: plan_body(tenant.ids["task_id"])),
    Line("POST", f"{V1}/plans/{{plan_id}}/copy", TEAM, 201),
    Line("PUT", f"{V1}/triggers/{{trigger_id}}", TEAM, 200, lambda tenant: TRIGGER),
    Line("POST", f"{V1}/triggers/{{trigger_id}}/reveal", TEAM),
    Line("POST", f"{V1}/triggers/{{trigger_id}}/regenerate", TEAM),
    Line("POST", f"{V1}/triggers/{{trigger_id}}/flush", TEAM, 409),  # its window closed with its first call
    Line("GET", f"{V1}/triggers/{{trigger_id}}/windows", TEAM | {"read_only"}),
    Line("GET", f"{V1}/triggers/{{trigger_id}}/windows/{{window_id}}", TEAM | {"read_only"}),
    Line("GET", f"{V1}/triggers/{{trigger_id}}/windows/{{window_id}}/calls", TEAM | {"read_only"}),
    # runs
    Line("GET", f"{V1}/overview/triggers", TEAM | {"read_only"}),
    Line("GET", f"{V1}/executions", TEAM | {"read_only"}),
    Line("GET", f"{V1}/executions/{{execution_id}}", TEAM | {"read_only"}),
    Line("GET", f"{V1}/executions/{{execution_id}}/payload", TEAM | {"read_only"}),
    Line("POST", f"{V1}/executions", TEAM, 201, lambda tenant: {"task_id": tenant.ids["task_id"]}),
    Line("POST", f"{V1}/executions/{{execution_id}}/rerun", TEAM, 201),
    Line("POST", f"{V1}/executions/{{execution_id}}/cancel", TEAM, 409),
    *(
        Line("POST", f"{V1}/{what}s/{{{what}_id}}/{verb}", TEAM)
        for what in ("task", "plan")
        for verb in ("pause", "resume")
    ),
    Line("GET", f"{V1}/runs/{{run_id}}", TEAM | {"read_only"}),
    Line("GET", f"{V1}/runs/{{run_id}}/log", TEAM | {"read_only"}),
    Line("GET", "/api/v2/accounts/{account_id}/runs/{run_id}", TEAM | {"read_only"}),
    *(
        Line("GET", f"/api/{version}/accounts/{{account_id}}/runs/{{run_id}}/artifacts{name}", TEAM | {"read_only"})
        for version in ("v1", "v2")
        for name in ("", "/{artifact_name}")
    ),
    # tokens, accounts; whoever has a token may ask which account it opens, as every client does when it starts
    Line("GET", f"{V1}/tokens", TEAM),
    Line("POST", f"{V1}/tokens", ADMIN, 201, lambda tenant: {"name": "n", "permission_set": "read_only"}),
    Line("POST", "/api/v1/accounts", frozenset(), 201, lambda tenant: {"name": "n"}),
    Line("GET", "/api/v1/accounts", EVERYBODY),
    Line("GET", V1, EVERYBODY),
    *(Line("GET", f"/api/{version}/accounts", EVERYBODY) for version in ("v2", "v3")),
    *(Line("GET", f"/api/{version}/accounts/{{account_id}}", EVERYBODY) for version in ("v2", "v3")),
    # those that take away what they name
    writing("DELETE", HOOK, 200),
    Line("DELETE", f"{V1}/tokens/{{token_id}}", ADMIN),
    *(Line("DELETE", f"{V1}/{what}s/{{{what}_id}}", TEAM, 204) for what in ("trigger", "plan", "task")),
]


def test_the_table_has_every_route() -> None:
    assert {(line.method, line.path.partition("?")[0]) for line in LINES} == {(row.method, row.path) for row in ROUTES}


async def idle(call: Gateway, owner: Tenant) -> None:
    """Returns when no recovery runs, so that one may be asked for."""
    path = f"/api/v1/accounts/{owner.account_id}/subscriptions/{owner.ids['subscription_id']}/recoveries"
    states = {"RUNNING"}
    async with asyncio.timeout(20):
        while "RUNNING" in states:
            states = {one["state"] for one in (await call("GET", path, token=owner.token)).json["recoveries"]}


async def a_test(call: Gateway, owner: Tenant) -> str:
    """The id of a test's delivery, which is never delivered again, whoever asks."""
    path = f"/api/v1/accounts/{owner.account_id}/deliveries?subscription_id={owner.ids['subscription_id']}"
    listed = (await call("GET", path, token=owner.token)).json["deliveries"]
    return next(str(one["delivery_id"]) for one in listed if one["test"])


async def gone_soon(call: Gateway, owner: Tenant, name: str) -> dict[str, str]:
    """The id of something that nothing needs: of a task, or of a plan or trigger of that task."""
    mine = f"/api/v1/accounts/{owner.account_id}"
    task = (await call("POST", f"{mine}/tasks", json=TASK, token=owner.token)).json
    if name == "task_id":
        return {name: task[name]}
    noun, body = ("plans", plan_body) if name == "plan_id" else ("triggers", trigger_body)
    return {name: (await call("POST", f"{mine}/{noun}", json=body(task["task_id"]), token=owner.token)).json[name]}


async def call_of(call: Gateway, line: Line, owner: Tenant, token: str, scheme: str) -> Any:
    """The answer to this line; what it takes away is made for it."""
    ids = dict(owner.ids)
    if line.method == "DELETE":
        hooks = f"/api/v3/accounts/{owner.account_id}/webhooks/subscriptions"
        made = await call("POST", hooks, json=webhook_body("gone soon"), token=owner.token)
        tokens = f"/api/v1/accounts/{owner.account_id}/tokens"
        wish = {"name": "gone soon", "permission_set": "runner"}
        ids["webhook_id"] = made.json["data"]["id"]
        ids["token_id"] = (await call("POST", tokens, json=wish, token=owner.token)).json["token_id"]
    if line.method == "DELETE" and line.path.endswith(("{task_id}", "{plan_id}", "{trigger_id}")):
        ids |= await gone_soon(call, owner, line.path.rpartition("/")[2].strip("{}"))
    if line.path.endswith("/recover"):
        await idle(call, owner)
    if line.path.endswith("/redeliver"):
        ids["delivery_id"] = await a_test(call, owner)
    path = line.path.format(account_id=owner.account_id, **ids)
    headers = {"Authorization": f"{scheme} {token}"}
    return await call(line.method, path, json=line.body(owner), token=None, headers=headers)


def check_forbidden(answer: Any, path: str) -> None:
    assert answer.status == 403
    if path.startswith("/api/v1"):
        assert answer.json["reason"] in ("MISSING_PERMISSION", "OPERATOR_ONLY")
    else:
        assert (answer.json["status"]["user_message"], answer.json["data"]) == (FORBIDDEN, None)


def lines_of(plan: str, permission_set: str) -> list[Line]:
    """On the plan `team` all lines for a developer, whom it takes something from, and for others those that it might."""
    return [line for line in LINES if plan == "enterprise" or permission_set == "developer" or line.on_team is not None]


@pytest.mark.parametrize("plan", ["enterprise", "team"])
async def test_every_permission_set_may_do_what_the_table_says_and_nothing_else(
    database: Database, tmp_path: Path, plan: str
) -> None:
    async with platform(database, tmp_path, operator_account_id=ACCOUNT) as house:
        owner = await tenant(house, "Owner", plan=plan)
        schemes = ("Token", "Bearer", "token", "BEARER", "bEaReR", "TOKEN", "bearer", "tOkEn")
        for permission_set, scheme in zip(SETS, schemes, strict=True):
            token = await new_token(house.call, int(owner.account_id), permission_set, token=owner.token)
            for line in lines_of(plan, permission_set):
                allowed = line.on_team if plan == "team" and line.on_team is not None else line.allowed
                answer = await call_of(house.call, line, owner, token, scheme)
                expected = line.status if permission_set in allowed else 403
                assert (permission_set, line.method, line.path, answer.status) == (
                    *(permission_set, line.method, line.path),
                    expected,
                ), answer.body
                if expected == 403:
                    check_forbidden(answer, line.path)


async def test_the_operators_account_admin_alone_makes_accounts(database: Database, tmp_path: Path) -> None:
    async with platform(database, tmp_path, operator_account_id=ACCOUNT) as house:
        for permission_set in SETS:
            token = await new_token(house.call, ACCOUNT, permission_set)
            answer = await house.call("POST", "/api/v1/accounts", json={"name": permission_set}, token=token)
            assert (permission_set, answer.status) == (
                permission_set,
                201 if permission_set == "account_admin" else 403,
            )
