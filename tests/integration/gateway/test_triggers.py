"""Tasks, triggers, calls, executions and runs over REST: first with the real trigger_svc, then form by form with a peer."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from runhook.trigger.v1.execution_pb2 import EXECUTION_STATE_REJECTED
from tests.support.gateway import Gateway, gateway
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT, TOKEN, add_account, add_token
from tests.support.trigger_peer import EXECUTION_ID, TRIGGER_ID, TriggerPeer, trigger_peer
from tests.support.trigger_peer import TOKEN as CALL_TOKEN
from tests.support.trigger_service import CREDENTIAL, service

V1 = f"/api/v1/accounts/{ACCOUNT}"
V2 = f"/api/v2/accounts/{ACCOUNT}"
TASK = {"name": "Load orders", "command": "dbt_build", "parameters": [{"name": "resource_webhook_payload"}]}
PROBLEM = "application/problem+json"


class Both(NamedTuple):
    call: Gateway
    peer: TriggerPeer


@pytest.fixture
async def both() -> AsyncIterator[Both]:
    async with (
        trigger_peer() as (peer, target),
        gateway(token=TOKEN, trigger_svc=target, public_url="https://hooks.example.com/") as running,
    ):
        yield Both(running, peer)


async def test_two_calls_to_the_secret_url_become_one_execution(database: Database, tmp_path: Path) -> None:
    await add_account(database, ACCOUNT)
    token = await add_token(database, ACCOUNT, "account_admin")
    async with (
        service(database, tmp_path) as trigger_svc,
        gateway(token=token, trigger_svc=trigger_svc.target, credential=CREDENTIAL) as call,
    ):
        task = (await call("POST", f"{V1}/tasks", json=TASK)).json
        assert (await call("GET", f"{V1}/tasks/{task['task_id']}")).json == task
        wish = {"name": "orders", "task_id": task["task_id"], "threshold": 2, "duration_seconds": 60}
        trigger = (await call("POST", f"{V1}/triggers", json=wish)).json
        door = trigger.pop("url").removeprefix("http://127.0.0.1:8080")
        assert (await call("GET", f"{V1}/triggers/{trigger['trigger_id']}")).json == trigger | {"newest_window": None}
        send = {"token": None, "headers": {"Content-Type": "application/json"}}
        answers = await asyncio.gather(*(call("POST", door, data=b'{"n":1}', **send) for _ in range(3)))
        assert [answer.status for answer in answers] == [204] * 3
        assert len({answer.headers["X-Call-Id"] for answer in answers}) == 3
        listed = (await call("GET", f"{V1}/executions?task_id={task['task_id']}")).json
        assert [(one["call_count"], one["state"]) for one in listed["executions"]] == [(2, "PENDING")]
        execution = (await call("GET", f"{V1}/executions/{listed['executions'][0]['execution_id']}")).json
        assert execution == listed["executions"][0]
        window = (await call("GET", f"{V1}/triggers/{trigger['trigger_id']}")).json["newest_window"]
        assert (window["state"], window["size"], window["closed_at"]) == ("OPEN", 1, None)
        refused = await call("POST", door, data=b"x", token=None, headers={"Content-Type": "image/png"})
        assert (refused.status, "text/plain" in refused.headers["Accept-Post"]) == (415, True)
        assert (await call("POST", f"/t/{'x' * 43}", data=b"x", token=None)).status == 404


async def test_a_task_is_passed_on_whole_and_shown_in_our_own_form(both: Both) -> None:
    wish = TASK | {
        "kind": "big_data",
        "slots": {"select": "orders+"},
        "timeout_seconds": 90,
        "allow_parallel_runs": True,
        "max_attempts": 3,
        "environment_id": "12",
        "environment_name": "Staging",
        "project_id": 13,
        "project_name": "Shop",
        "dbt_version": "1.11.0",
        "queue_limit": {"executions": 7, "mode": "hold", "count": "rolling"},
        "surprise": 5,
    }
    answer = await both.call("POST", f"{V1}/tasks", json=wish)
    del wish["surprise"]
    assert answer.status == 201
    assert answer.json == wish | {
        "task_id": "7",
        "account_id": str(ACCOUNT),
        "environment_id": "12",
        "project_id": "13",
        "parameters": [{"name": "resource_webhook_payload", "default_value": ""}],
        "paused": False,
        "etag": "",
        "created_at": "1970-01-01T00:00:01Z",
    }
    assert both.peer.metadata[0]["authorization"] == f"Bearer {TOKEN}"


async def test_a_trigger_is_made_with_its_url_which_is_shown_once(both: Both) -> None:
    wish = {"name": "orders", "task_id": "7", "threshold": 2, "duration_seconds": 30}
    answer = await both.call("POST", f"{V1}/triggers", json=wish)
    assert (answer.status, answer.json["url"]) == (201, f"https://hooks.example.com/t/{CALL_TOKEN}")
    assert {key: answer.json[key] for key in wish} == wish
    assert (answer.json["data_mode"], answer.json["enabled"]) == ("string", True)
    read = await both.call("GET", f"{V1}/triggers/{TRIGGER_ID}")
    assert CALL_TOKEN.encode() not in read.body
    assert read.json["newest_window"] == {
        "window_id": "3",
        "state": "OPEN",
        "size": 1,
        "threshold": 2,
        "opened_at": "1970-01-01T00:00:01Z",
        "deadline_at": None,
        "closed_at": None,
        "close_reason": "",
    }


RUN = {
    "run_id": "9223372036854775807",
    "account_id": "4711",
    "task_id": "7",
    "execution_id": EXECUTION_ID,
    "state": "FAILED",
    "reason": "command_failed",
    "message": "1 of 3 models failed",
    "exit_code": 1,
    "step": None,
    "log_bytes": 0,
    "log_truncated": False,
    "summary": None,
    "artifact_names": ["run_results.json"],
    "created_at": "1970-01-01T00:00:01Z",
    "started_at": "1970-01-01T00:00:02Z",
    "finished_at": "1970-01-01T00:00:03Z",
}


async def test_runs_and_executions_are_shown_in_our_own_form(both: Both) -> None:
    assert (await both.call("GET", f"{V1}/runs/5")).json == RUN
    execution = (await both.call("GET", f"{V1}/executions/{EXECUTION_ID}")).json
    assert execution == {
        "execution_id": EXECUTION_ID,
        "account_id": "4711",
        "task_id": "7",
        "plan_id": None,
        "trigger_id": TRIGGER_ID,
        "window_id": "3",
        "cause": "",
        "rerun_of": None,
        "state": "RUNNING",
        "reason": "",
        "step": 0,
        "call_count": 2,
        "payload_bytes": 0,
        "runs": [RUN],
        "created_at": "1970-01-01T00:00:01Z",
        "finished_at": None,
    }
    page = await both.call("GET", f"{V1}/executions?task_id=7&page_size=99999999999&page_token=abc")
    assert page.json == {"executions": [execution], "next_page_token": "next"}
    request = both.peer.requests[-1]
    assert (request.task_id, request.page_size, request.page_token) == (7, 2**31 - 1, "abc")
    await both.call("GET", f"{V1}/executions?plan_id=8&trigger_id=trg_1&window_id=9&state=REJECTED")
    request = both.peer.requests[-1]
    assert (request.plan_id, request.trigger_id, request.window_id) == (8, "trg_1", 9)
    assert request.state == EXECUTION_STATE_REJECTED


async def test_receivers_find_a_run_where_the_vendor_has_it(both: Both) -> None:
    answer = await both.call("GET", f'{V2}/runs/5/?include_related=["run_steps"]')
    assert (answer.status, answer.json["status"]) == (200, {"code": 200, "is_success": True})
    expected = {
        "id": 2**63 - 1,
        "account_id": 4711,
        "job_definition_id": 7,
        "status": 20,
        "status_humanized": "Error",
        "in_progress": False,
        "is_complete": True,
        "is_success": False,
        "is_error": True,
        "is_cancelled": False,
    }
    assert {key: answer.json["data"][key] for key in expected} == expected


BAD: list[tuple[str, Any, dict[str, str]]] = [
    ("tasks", {}, {"name": "is required", "timeout_seconds": "is too long"}),
    (
        "tasks",
        {"name": 5, "slots": {"a": 1}, "parameters": [{"name": None}], "max_attempts": 2**31, "environment_id": 1.5},
        {
            "name": "must be a string",
            "slots.a": "must be a string",
            "parameters[0].name": "must be a string",
            "max_attempts": "must fit 32 bits",
            "environment_id": "must be a whole number or a string of digits, within 64 bits",
        },
    ),
    ("tasks", TASK | {"kind": "tiny"}, {"kind": "must be one of standard, big_data"}),
    ("triggers", {}, {"task_id": "is required", "duration_seconds": "is too short"}),
    ("triggers", {"threshold": 2.5}, {"threshold": "must be a whole number"}),
    ("triggers", {"data_mode": "other"}, {"data_mode": "must be one of string, object, talend_raw"}),
]


@pytest.mark.parametrize(("noun", "body", "fields"), BAD)
async def test_what_is_wrong_is_named_as_the_caller_wrote_it(
    both: Both, noun: str, body: Any, fields: dict[str, str]
) -> None:
    answer = await both.call("POST", f"{V1}/{noun}", json=body)
    assert (answer.status, answer.headers["Content-Type"]) == (400, PROBLEM)
    assert {bad["field"]: bad["message"] for bad in answer.json["errors"]} == fields
    assert (answer.json["title"], answer.json["reason"]) == ("Bad Request", "INVALID_INPUT")


@pytest.mark.parametrize("path", ["tasks/7", "tasks/x", "tasks/0", "tasks/-1", f"tasks/{2**63}", "runs/x", "nowhere"])
async def test_what_is_not_there_is_a_404_problem(both: Both, path: str) -> None:
    answer = await both.call("GET", f"{V1}/{path}")
    assert (answer.status, answer.headers["Content-Type"]) == (404, PROBLEM)


async def test_a_bad_query_is_named(both: Both) -> None:
    answer = await both.call("GET", f"{V1}/executions?page_size=-1")
    assert answer.status == 400
    assert answer.json["errors"] == [{"field": "page_size", "message": "must be a whole number, 0 or above"}]


async def test_without_a_token_nothing_is_asked_of_a_service(both: Both) -> None:
    answer = await both.call("GET", f"{V1}/runs/5", token=None)
    assert (answer.status, answer.headers["WWW-Authenticate"], both.peer.requests) == (401, "Bearer", [])
