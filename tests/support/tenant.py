"""An account with one of everything, made over REST: what rights are tried on, and what another account must not see."""

import asyncio
from dataclasses import dataclass
from typing import Any

from runhook.trigger.v1.plan_pb2 import Plan, Step
from runhook.trigger.v1.trigger_service_pb2 import CreatePlanRequest
from tests.support.gateway import Gateway
from tests.support.platform import Platform
from tests.support.trigger_service import METADATA

#: Nothing listens there, and connections are refused at once.
CLOSED = "http://127.0.0.1:1/"
TASK = {"name": "Load orders", "command": "dbt_build", "parameters": [{"name": "resource_webhook_payload"}]}
#: What a trigger that fires at its first call is replaced by: the same.
TRIGGER = {"name": "orders", "threshold": 1, "duration_seconds": 60}
DATA = {
    "jobId": 1,
    "runId": 1,
    "environmentId": 1,
    "projectId": 1,
    "runStatus": "Success",
    "runFinishedAt": "2026-01-31T19:29:32Z",
}
#: Finds nothing, and so has ended a moment later.
RECOVER = {"published_after": "2026-01-31T19:29:35Z", "event_type": "job.run.started"}
#: Finds nothing as well.
ERASE = {"published_before": "2026-01-31T19:29:35Z"}
LOG = "1 of 1 OK: façade\n".encode()
RUN_RESULTS = b'{"results":[]}'
EVENTS = {"events": [{"eventType": "job.run.completed", "data": DATA}]}


def webhook_body(name: str) -> dict[str, Any]:
    """A webhook for job.run.completed of every job."""
    return {"name": name, "event_types": ["job.run.completed"], "client_url": CLOSED, "active": True}


def plan_body(task_id: str) -> dict[str, Any]:
    """A plan of one step with this task."""
    return {"name": "Nightly", "steps": [{"task_ids": [task_id]}]}


def trigger_body(task_id: str) -> dict[str, Any]:
    """A trigger that fires at its first call."""
    return {"name": "orders", "task_id": task_id, "threshold": 1, "duration_seconds": 60}


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """An account, the token of its account_admin, and ids of what it has under the names of the paths' places."""

    account_id: str
    token: str
    ids: dict[str, str]


async def tenant(house: Platform, name: str, *, plan: str = "enterprise", operator: str | None = None) -> Tenant:
    """A new account with one of everything. `operator` is the token of whoever runs the platform."""
    call = house.call
    options = {} if operator is None else {"token": operator}
    made = await _answer(call, "POST", "/api/v1/accounts", {"name": name, "plan": plan}, **options)
    account_id, token = made["account_id"], made["token"]
    mine = f"/api/v1/accounts/{account_id}"
    hooks = f"/api/v3/accounts/{account_id}/webhooks/subscriptions"
    webhook = (await _answer(call, "POST", hooks, webhook_body(name), token=token))["data"]
    published = await _answer(call, "POST", f"{mine}/events", EVENTS, token=token)
    await house.delivery.drained()
    found = await _answer(call, "GET", f"{mine}/deliveries?subscription_id={webhook['id']}", token=token)
    recovery_id = await recovered(call, mine, webhook["id"], token)
    erasure = await _answer(call, "POST", f"{mine}/erasures", ERASE, token=token)
    task = await _answer(call, "POST", f"{mine}/tasks", TASK, token=token)
    trigger = await _answer(call, "POST", f"{mine}/triggers", trigger_body(task["task_id"]), token=token)
    door = trigger["url"].removeprefix("http://127.0.0.1:8080")
    called = await call("POST", door, data=b"{}", token=None, headers={"Content-Type": "application/json"})
    assert called.status == 204, called.body
    execution = (await _answer(call, "GET", f"{mine}/executions", token=token))["executions"][0]
    ids = {
        "webhook_id": webhook["id"],
        "subscription_id": webhook["id"],
        "event_id": published["eventIds"][0],
        "delivery_id": found["deliveries"][0]["delivery_id"],
        "recovery_id": recovery_id,
        "erasure_id": erasure["erasure_id"],
        "token_id": made["service_token"]["token_id"],
        "task_id": task["task_id"],
        "plan_id": await planned(house, int(account_id), int(task["task_id"])),
        "trigger_id": trigger["trigger_id"],
        "window_id": execution["window_id"],
        "execution_id": execution["execution_id"],
        "run_id": execution["runs"][0]["run_id"],
        "artifact_name": await executed(house),
    }
    return Tenant(account_id=account_id, token=token, ids=ids)


async def planned(house: Platform, account_id: int, task_id: int) -> str:
    """The id of a plan of one step with this task."""
    plan = Plan(account_id=account_id, name="Nightly", steps=[Step(task_ids=[task_id])])
    made = await house.triggers.triggers.CreatePlan(CreatePlanRequest(plan=plan), metadata=METADATA)
    return str(made.plan.plan_id)


async def executed(house: Platform) -> str:
    """Carries the one free run out; the name of the artifact that it leaves behind, beside its log."""
    async with house.triggers.runner() as runner:
        lease = await runner.take()
        await house.triggers.start(lease)
        await house.triggers.append(lease, LOG)
        await house.triggers.finish(lease)
        await house.triggers.store(lease, **{"run_results.json": RUN_RESULTS})
    return "run_results.json"


async def recovered(call: Gateway, mine: str, subscription_id: str, token: str) -> str:
    """The id of a recovery that has ended."""
    made = await _answer(call, "POST", f"{mine}/subscriptions/{subscription_id}/recover", RECOVER, token=token)
    async with asyncio.timeout(20):
        while made["state"] == "RUNNING":
            made = await _answer(call, "GET", f"{mine}/recoveries/{made['recovery_id']}", token=token)
    recovery_id: str = made["recovery_id"]
    return recovery_id


async def _answer(call: Gateway, method: str, path: str, body: Any = None, **options: Any) -> Any:
    answer = await call(method, path, json=body, **options)
    assert answer.status in (200, 201, 202), answer.body
    return answer.json
