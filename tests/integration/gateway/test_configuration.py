"""Tasks, plans and triggers as configuration over REST, with the real trigger_svc: there and back, and each refusal once."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.gateway import Gateway, gateway
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT, add_account, add_token
from tests.support.tenant import TASK
from tests.support.trigger_service import CREDENTIAL, service

V1 = f"/api/v1/accounts/{ACCOUNT}"
WEBHOOK = {"name": "orders", "threshold": 2, "duration_seconds": 60}
PUBLIC = "http://127.0.0.1:8080"


@pytest.fixture
async def call(database: Database, tmp_path: Path) -> AsyncIterator[Gateway]:
    """The gateway before trigger_svc, with the token of an account_admin."""
    await add_account(database, ACCOUNT)
    token = await add_token(database, ACCOUNT, "account_admin")
    async with (
        service(database, tmp_path) as trigger_svc,
        gateway(token=token, trigger_svc=trigger_svc.target, credential=CREDENTIAL) as running,
    ):
        yield running


async def made(call: Gateway, noun: str, body: dict[str, Any]) -> Any:
    """What was made of it."""
    answer = await call("POST", f"{V1}/{noun}", json=body)
    assert answer.status == 201, answer.body
    assert answer.headers["ETag"] == f'"{answer.json["etag"]}"'
    return answer.json


async def webhook(call: Gateway, **changes: Any) -> Any:
    """A webhook of a task of its own."""
    task = await made(call, "tasks", TASK)
    return await made(call, "triggers", WEBHOOK | {"task_id": task["task_id"]} | changes)


async def sent(call: Gateway, url: str, body: bytes) -> int:
    """The status of a call to a trigger's URL."""
    headers = {"Content-Type": "application/json"}
    answer = await call("POST", url.removeprefix(PUBLIC), data=body, token=None, headers=headers)
    status: int = answer.status
    return status


def errors(answer: Any) -> dict[str, str]:
    """What is wrong, by field."""
    return {one["field"]: one["message"] for one in answer.json.get("errors", ())}


async def test_what_is_read_can_be_put_back_as_it_is(call: Gateway) -> None:
    task = await made(call, "tasks", TASK | {"queue_limit": {"executions": 9, "mode": "reject", "count": "rolling"}})
    steps = [{"task_ids": [task["task_id"]], "name": "load"}]
    plan = await made(call, "plans", {"name": "nightly", "steps": steps, "failure_handler_task_id": task["task_id"]})
    cron = {"kind": "cron", "cron": {"expression": "0 3 * * *", "time_zone": "Europe/Berlin"}}
    schedule = await made(call, "triggers", cron | {"name": "at-night", "plan_id": plan["plan_id"]})
    rules = {"extra_media_types": ["application/cloudevents+json"], "rate_per_second": 2.5}
    agreed = {
        "preset": "generic_hmac",
        "secrets": ["s3cret"],
        "generic_hmac": {"header": "X-Sig"},
        "tolerance_seconds": 9,
    }
    hook = await webhook(call, verification=agreed, call_rules=rules, data_mode="object")
    for noun, name, thing in (
        ("tasks", "task_id", task),
        ("plans", "plan_id", plan),
        ("triggers", "trigger_id", schedule),
        ("triggers", "trigger_id", hook),
    ):
        path = f"{V1}/{noun}/{thing[name]}"
        read = await call("GET", path)
        put = await call("PUT", path, json=read.json, headers={"If-Match": read.headers["ETag"]})
        assert (put.status, errors(put)) == (200, {})
        beside = ("etag", "newest_window")
        assert {key: value for key, value in put.json.items() if key not in beside} == {
            key: value for key, value in read.json.items() if key not in beside
        }
        assert (await call("GET", f"{V1}/{noun}")).json[noun][-1]["name"] in (thing["name"], "orders")


async def test_an_update_of_what_has_changed_is_412(call: Gateway) -> None:
    task = await made(call, "tasks", TASK)
    path = f"{V1}/tasks/{task['task_id']}"
    first = (await call("PUT", path, json=TASK, headers={"If-Match": f'"{task["etag"]}"'})).headers["ETag"]
    for etag in (f'"{task["etag"]}"', "x", 'W/"1"', '""', f"{first}, {first}"):
        answer = await call("PUT", path, json=TASK, headers={"If-Match": etag})
        assert (etag, answer.status, answer.json["reason"]) == (etag, 412, "ETAG_MISMATCH")
    for headers in ({"If-Match": first}, {"If-Match": "*"}, {}):
        assert (await call("PUT", path, json=TASK, headers=headers)).status == 200


async def test_a_task_and_a_plan_are_copied_and_deleted(call: Gateway) -> None:
    task = await made(call, "tasks", TASK)
    plan = await made(call, "plans", {"name": "nightly", "steps": [{"task_ids": [task["task_id"]]}]})
    for noun, identifier, name in (("plans", plan["plan_id"], "nightly"), ("tasks", task["task_id"], TASK["name"])):
        copy = await call("POST", f"{V1}/{noun}/{identifier}/copy")
        assert (copy.status, copy.json["name"]) == (201, f"{name} copy")
        copy = await call("POST", f"{V1}/{noun}/{identifier}/copy", json={"name": "x"})
        assert (copy.status, copy.json["name"]) == (201, "x")
        bad = await call("POST", f"{V1}/{noun}/{identifier}/copy", json={"name": "\n"})
        assert (bad.status, list(errors(bad))) == (400, ["name"])
        for one in (await call("GET", f"{V1}/plans")).json["plans"]:
            assert (await call("DELETE", f"{V1}/plans/{one['plan_id']}")).status == 204
        last = await call("DELETE", f"{V1}/{noun}/{identifier}")
        assert (last.status, last.body) == ((404, last.body) if noun == "plans" else (204, b""))


BAD: list[tuple[str, dict[str, Any], list[str]]] = [
    ("tasks", TASK | {"queue_limit": {"executions": -1}}, ["queue_limit.executions"]),
    ("tasks", TASK | {"queue_limit": {"mode": "x", "count": 1}}, ["queue_limit.mode", "queue_limit.count"]),
    ("plans", {}, ["name", "steps"]),
    (
        "plans",
        {"name": "p", "steps": [{}, {"task_ids": ["99", "99"]}], "timeout_seconds": 5},
        ["timeout_seconds", "steps[0].task_ids", "steps[1].task_ids[1]"],
    ),
    (
        "plans",
        {"name": "p", "steps": [{"task_ids": [98]}], "failure_handler_task_id": 99},
        ["steps[0].task_ids[0]", "failure_handler_task_id"],
    ),
    ("triggers", {}, ["name", "task_id", "threshold", "duration_seconds"]),
    ("triggers", WEBHOOK | {"task_id": 1, "threshold": 0, "duration_seconds": 0}, ["threshold", "duration_seconds"]),
    (
        "triggers",
        WEBHOOK | {"task_id": 1, "threshold": 10_001, "duration_seconds": 86_401},
        ["threshold", "duration_seconds"],
    ),
    (
        "triggers",
        WEBHOOK | {"task_id": 1, "threshold": 2.0, "duration_seconds": "60"},
        ["threshold", "duration_seconds"],
    ),
    ("triggers", WEBHOOK | {"task_id": 1, "threshold": -1, "name": "a b"}, ["name", "threshold"]),
    ("triggers", {"name": "n", "task_id": 1, "kind": "cron"}, ["cron.expression"]),
    ("triggers", {"name": "n", "task_id": 1, "kind": "once"}, ["start_at"]),
    ("triggers", {"name": "n", "task_id": 1, "kind": "once", "start_at": "2020-01-01T00:00:00Z"}, ["start_at"]),
    ("triggers", {"name": "n", "task_id": 1, "kind": "once", "start_at": "soon"}, ["start_at"]),
    (
        "triggers",
        WEBHOOK | {"task_id": 1, "verification": {"preset": "github", "tolerance_seconds": 0, "dedupe_header": "a b"}},
        ["verification.tolerance_seconds", "verification.dedupe_header", "verification.secrets"],
    ),
    (
        "triggers",
        WEBHOOK
        | {"task_id": 1, "call_rules": {"rate_per_second": -1, "extra_media_types": ["x", "multipart/form-data"]}},
        ["call_rules.extra_media_types[0]", "call_rules.extra_media_types[1]", "call_rules.rate_per_second"],
    ),
]


@pytest.mark.parametrize(("noun", "body", "fields"), BAD)
async def test_every_bad_field_is_named_as_it_was_written(
    call: Gateway, noun: str, body: dict[str, Any], fields: list[str]
) -> None:
    answer = await call("POST", f"{V1}/{noun}", json=body)
    assert (answer.status, list(errors(answer))) == (400, fields)


async def test_a_webhook_without_a_taker_is_400_and_beside_others_409(call: Gateway) -> None:
    bare = await made(call, "tasks", TASK | {"parameters": []})
    answer = await call("POST", f"{V1}/triggers", json=WEBHOOK | {"task_id": bare["task_id"]})
    assert (answer.status, answer.json["reason"], list(errors(answer))) == (400, "PARAMETER_MISSING", ["task_id"])
    hook = await webhook(call)
    again = await call("POST", f"{V1}/triggers", json=WEBHOOK | {"task_id": hook["task_id"]})
    assert (again.status, again.json["reason"]) == (409, "TRIGGER_EXISTS")
    cron = {"name": "n", "kind": "cron", "cron": {"expression": "0 3 * * *"}}
    beside = await call("POST", f"{V1}/triggers", json=cron | {"task_id": hook["task_id"]})
    assert (beside.status, beside.json["reason"]) == (409, "TRIGGERS_EXCLUDED")
    bereft = await call("PUT", f"{V1}/tasks/{hook['task_id']}", json=TASK | {"parameters": []})
    assert (bereft.status, bereft.json["reason"]) == (409, "WEBHOOK_NEEDS_PARAMETER")
    for _ in range(15):
        await made(call, "triggers", cron | {"task_id": bare["task_id"]})
    full = await call("POST", f"{V1}/triggers", json=cron | {"task_id": bare["task_id"]})
    assert (full.status, full.json["reason"]) == (409, "TOO_MANY_TRIGGERS")


async def test_a_url_is_shown_where_it_is_asked_for_and_old_ones_answer_for_their_grace(call: Gateway) -> None:
    hook = await webhook(call)
    path = f"{V1}/triggers/{hook['trigger_id']}"
    shown = (await call("POST", f"{path}/reveal")).json
    assert shown == {"url": hook["url"], "old_url": None, "old_url_expires_at": None}
    renewed = await call("POST", f"{path}/regenerate", json={"grace_seconds": 60})
    assert (renewed.status, renewed.json["url"] != hook["url"]) == (200, True)
    shown = (await call("POST", f"{path}/reveal")).json
    assert (shown["url"], shown["old_url"]) == (renewed.json["url"], hook["url"])
    assert shown["old_url_expires_at"] is not None
    assert [await sent(call, url, b"{}") for url in (hook["url"], renewed.json["url"])] == [204, 204]
    bad = await call("POST", f"{path}/regenerate", json={"grace_seconds": 604_801})
    assert (bad.status, list(errors(bad))) == (400, ["grace_seconds"])
    for read in (await call("GET", path), await call("GET", f"{V1}/triggers")):
        assert b"/t/" not in read.body


async def test_tasks_and_plans_are_listed_by_their_numbers(call: Gateway) -> None:
    tasks = [await made(call, "tasks", TASK) for _ in range(3)]
    plan = await made(call, "plans", {"name": "nightly", "steps": [{"task_ids": [tasks[0]["task_id"]]}]})
    named = ",".join(one["task_id"] for one in (tasks[2], tasks[0]))
    assert (await call("GET", f"{V1}/tasks?task_ids={named},99")).json["tasks"] == [tasks[0], tasks[2]]
    assert (await call("GET", f"{V1}/tasks?task_ids=")).json["tasks"] == tasks
    assert (await call("GET", f"{V1}/plans?plan_ids={plan['plan_id']}")).json["plans"] == [plan]
    assert (await call("GET", f"{V1}/plans?plan_ids=99")).json["plans"] == []
    for wrong, field in ("1,x", "task_ids"), ("1,,2", "task_ids"), ("1,0", "task_ids[1]"):
        refused = await call("GET", f"{V1}/tasks?task_ids={wrong}")
        assert (refused.status, list(errors(refused))) == (400, [field])


async def test_windows_and_their_calls_are_shown_and_closed_by_hand(call: Gateway) -> None:
    hook = await webhook(call, threshold=3)
    path = f"{V1}/triggers/{hook['trigger_id']}"
    none = await call("POST", f"{path}/flush")
    assert (none.status, none.json["reason"]) == (409, "NO_OPEN_WINDOW")
    assert [await sent(call, hook["url"], body) for body in (b'{"n":1}', b'{"n":2}')] == [204, 204]
    flushed = (await call("POST", f"{path}/flush")).json
    execution = (await call("GET", f"{V1}/executions")).json["executions"][0]
    assert (flushed["execution_id"], flushed["window"]["close_reason"]) == (execution["execution_id"], "flush")
    [window] = (await call("GET", f"{path}/windows")).json["windows"]
    assert window == flushed["window"] == (await call("GET", f"{path}/windows/{window['window_id']}")).json
    calls = f"{path}/windows/{window['window_id']}/calls"
    listed = (await call("GET", f"{calls}?with_bodies=true&page_size=1")).json
    rest = (await call("GET", f"{calls}?with_bodies=true&page_token={listed['next_page_token']}")).json
    bodies = [base64.b64decode(one["body_base64"]) for one in (*listed["calls"], *rest["calls"])]
    assert bodies == [b'{"n":1}', b'{"n":2}']
    assert {one["body_base64"] for one in (await call("GET", calls)).json["calls"]} == {None}
    for gone in ("99", "99/calls"):
        answer = await call("GET", f"{path}/windows/{gone}")
        assert (answer.status, answer.json["reason"]) == (404, "WINDOW_NOT_FOUND")
    assert (await call("GET", f"{calls}?with_bodies=yes")).status == 400


async def test_calls_are_thrown_away_only_if_that_is_said(call: Gateway) -> None:
    kept, lost = await webhook(call), await webhook(call)
    for hook in (kept, lost):
        assert await sent(call, hook["url"], b"{}") == 204
    wrong = await call("DELETE", f"{V1}/triggers/{lost['trigger_id']}?discard=yes")
    assert (wrong.status, list(errors(wrong))) == (400, ["discard"])
    assert (await call("DELETE", f"{V1}/triggers/{kept['trigger_id']}")).status == 204
    assert (await call("DELETE", f"{V1}/triggers/{lost['trigger_id']}?discard=true")).status == 204
    executions = (await call("GET", f"{V1}/executions")).json["executions"]
    assert [one["task_id"] for one in executions] == [kept["task_id"]]
    assert await sent(call, lost["url"], b"{}") == 404


async def test_secrets_come_in_and_never_go_out(call: Gateway) -> None:
    agreed = {"preset": "slack", "secrets": ["s3cret-1", "s3cret-2"]}
    hook = await webhook(call, verification=agreed)
    path = f"{V1}/triggers/{hook['trigger_id']}"
    put = await call("PUT", path, json=WEBHOOK | {"verification": {"preset": "slack"}})
    assert put.json["verification"]["secret_count"] == 2
    bad = await call("PUT", path, json=WEBHOOK | {"verification": {"preset": "basic", "secrets": ["s3cret-3"]}})
    assert (bad.status, list(errors(bad))) == (400, ["verification.secrets[0]"])
    answers = [put, bad, await call("GET", path), await call("GET", f"{V1}/triggers")]
    assert not any(b"s3cret" in answer.body for answer in answers)


async def test_a_disabled_webhook_is_404_until_it_is_enabled(call: Gateway) -> None:
    hook = await webhook(call)
    path = f"{V1}/triggers/{hook['trigger_id']}"
    off = await call("PUT", path, json=WEBHOOK | {"enabled": False})
    assert (off.status, off.json["enabled"], await sent(call, hook["url"], b"{}")) == (200, False, 404)
    assert (await call("PUT", path, json=WEBHOOK)).json["enabled"]
