"""The route table: every path that the gateway serves but for the trigger door, which stands in front of it.

Paths are given without their trailing slash; one is accepted everywhere and never redirected, since a redirected POST
loses its body. HEAD is served wherever GET is, unless a row says that its GET does something.
"""

from collections import defaultdict
from typing import NamedTuple

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import envelope, problem
from gateway.api import (
    accounts,
    client_certificate,
    custom_headers,
    deliveries,
    delivery_settings,
    erasures,
    events,
    executions,
    overview,
    pausing,
    plans,
    recent,
    recoveries,
    run_results,
    runs,
    signing_secrets,
    tasks,
    tokens,
    triggers,
    webhook_test,
    webhooks,
    windows,
)
from gateway.endpoint import Endpoint, Handler
from gateway.failures import Failure, failure_of, send_failure
from gateway.http_errors import not_allowed, not_found
from gateway.openapi.served import pages
from gateway.paths import Paths
from gateway.services import Services
from gateway.settings import GatewaySettings


class Row(NamedTuple):
    """One line of the table. `head` is whether HEAD is served where this is a GET."""

    method: str
    path: str
    handler: Handler
    failure: Failure
    head: bool = True


ALIVE = "/healthz"
V1 = "/api/v1/accounts"
V2 = "/api/v2/accounts"
V3 = "/api/v3/accounts"
MINE = f"{V1}/{{account_id}}"
WEBHOOKS = f"{V3}/{{account_id}}/webhooks/subscriptions"
WEBHOOK = f"{V3}/{{account_id}}/webhooks/subscription/{{webhook_id}}"
TASK = f"{MINE}/tasks/{{task_id}}"
PLAN = f"{MINE}/plans/{{plan_id}}"
TRIGGER = f"{MINE}/triggers/{{trigger_id}}"
SUBSCRIPTION = f"{MINE}/subscriptions/{{subscription_id}}"
ROUTES = (
    Row("POST", WEBHOOKS, webhooks.create, envelope.failure),
    Row("GET", WEBHOOKS, webhooks.list_, envelope.failure),
    Row("GET", WEBHOOK, webhooks.read, envelope.failure),
    Row("PUT", WEBHOOK, webhooks.replace, envelope.failure),
    Row("DELETE", WEBHOOK, webhooks.delete, envelope.failure),
    Row("GET", f"{WEBHOOK}/test", webhook_test.run, envelope.failure, head=False),
    Row("GET", f"{WEBHOOK}/events", recent.events, envelope.failure),
    Row("GET", f"{WEBHOOK}/event/{{event_id}}/receipt", recent.receipts, envelope.failure),
    Row("GET", V2, accounts.list_v3, envelope.failure),
    Row("GET", f"{V2}/{{account_id}}", accounts.read_v3, envelope.failure),
    Row("GET", V3, accounts.list_v3, envelope.failure),
    Row("GET", f"{V3}/{{account_id}}", accounts.read_v3, envelope.failure),
    Row("GET", f"{V2}/{{account_id}}/runs/{{run_id}}", runs.read_v2, envelope.failure),
    Row("GET", f"{V2}/{{account_id}}/runs/{{run_id}}/artifacts", run_results.list_v2, envelope.failure),
    Row(
        "GET",
        f"{V2}/{{account_id}}/runs/{{run_id}}/artifacts/{{artifact_name}}",
        run_results.artifact,
        envelope.failure,
    ),
    Row("POST", V1, accounts.create, problem.failure),
    Row("GET", V1, accounts.list_, problem.failure),
    Row("GET", MINE, accounts.read, problem.failure),
    Row("GET", f"{MINE}/overview/deliveries", overview.deliveries, problem.failure),
    Row("GET", f"{MINE}/overview/triggers", overview.triggers, problem.failure),
    Row("POST", f"{MINE}/tokens", tokens.create, problem.failure),
    Row("GET", f"{MINE}/tokens", tokens.list_, problem.failure),
    Row("DELETE", f"{MINE}/tokens/{{token_id}}", tokens.revoke, problem.failure),
    Row("GET", f"{SUBSCRIPTION}/secret", signing_secrets.list_, problem.failure),
    Row("POST", f"{SUBSCRIPTION}/secret/rotate", signing_secrets.rotate, problem.failure),
    Row("POST", f"{SUBSCRIPTION}/secret/promote", signing_secrets.promote, problem.failure),
    Row("GET", f"{SUBSCRIPTION}/headers", custom_headers.list_, problem.failure),
    Row("PUT", f"{SUBSCRIPTION}/headers", custom_headers.replace, problem.failure),
    Row("GET", f"{SUBSCRIPTION}/delivery-settings", delivery_settings.read, problem.failure),
    Row("PUT", f"{SUBSCRIPTION}/delivery-settings", delivery_settings.replace, problem.failure),
    Row("GET", f"{SUBSCRIPTION}/client-certificate", client_certificate.read, problem.failure),
    Row("PUT", f"{SUBSCRIPTION}/client-certificate", client_certificate.replace, problem.failure),
    Row("DELETE", f"{SUBSCRIPTION}/client-certificate", client_certificate.remove, problem.failure),
    Row("GET", f"{MINE}/deliveries", deliveries.list_, problem.failure),
    Row("GET", f"{MINE}/deliveries/{{delivery_id}}", deliveries.read, problem.failure),
    Row("POST", f"{MINE}/deliveries/{{delivery_id}}/redeliver", deliveries.redeliver, problem.failure),
    Row("POST", f"{SUBSCRIPTION}/recover", recoveries.start, problem.failure),
    Row("GET", f"{SUBSCRIPTION}/recoveries", recoveries.list_, problem.failure),
    Row("GET", f"{MINE}/recoveries/{{recovery_id}}", recoveries.read, problem.failure),
    Row("DELETE", f"{MINE}/recoveries/{{recovery_id}}", recoveries.cancel, problem.failure),
    Row("POST", f"{MINE}/events", events.publish, problem.failure),
    Row("POST", f"{MINE}/erasures", erasures.start, problem.failure),
    Row("GET", f"{MINE}/erasures", erasures.list_, problem.failure),
    Row("GET", f"{MINE}/erasures/{{erasure_id}}", erasures.read, problem.failure),
    Row("POST", f"{MINE}/tasks", tasks.create, problem.failure),
    Row("GET", f"{MINE}/tasks", tasks.list_, problem.failure),
    Row("GET", TASK, tasks.read, problem.failure),
    Row("PUT", TASK, tasks.replace, problem.failure),
    Row("DELETE", TASK, tasks.delete, problem.failure),
    Row("POST", f"{TASK}/copy", tasks.copy, problem.failure),
    Row("POST", f"{MINE}/plans", plans.create, problem.failure),
    Row("GET", f"{MINE}/plans", plans.list_, problem.failure),
    Row("GET", PLAN, plans.read, problem.failure),
    Row("PUT", PLAN, plans.replace, problem.failure),
    Row("DELETE", PLAN, plans.delete, problem.failure),
    Row("POST", f"{PLAN}/copy", plans.copy, problem.failure),
    Row("POST", f"{MINE}/triggers", triggers.create, problem.failure),
    Row("GET", f"{MINE}/triggers", triggers.list_, problem.failure),
    Row("GET", TRIGGER, triggers.read, problem.failure),
    Row("PUT", TRIGGER, triggers.replace, problem.failure),
    Row("DELETE", TRIGGER, triggers.delete, problem.failure),
    Row("POST", f"{TRIGGER}/reveal", triggers.reveal, problem.failure),
    Row("POST", f"{TRIGGER}/regenerate", triggers.regenerate, problem.failure),
    Row("POST", f"{TRIGGER}/flush", windows.flush, problem.failure),
    Row("GET", f"{TRIGGER}/windows", windows.list_, problem.failure),
    Row("GET", f"{TRIGGER}/windows/{{window_id}}", windows.read, problem.failure),
    Row("GET", f"{TRIGGER}/windows/{{window_id}}/calls", windows.calls, problem.failure),
    Row("POST", f"{MINE}/tasks/{{task_id}}/pause", pausing.pause_task, problem.failure),
    Row("POST", f"{MINE}/tasks/{{task_id}}/resume", pausing.resume_task, problem.failure),
    Row("POST", f"{MINE}/plans/{{plan_id}}/pause", pausing.pause_plan, problem.failure),
    Row("POST", f"{MINE}/plans/{{plan_id}}/resume", pausing.resume_plan, problem.failure),
    Row("GET", f"{MINE}/executions", executions.list_, problem.failure),
    Row("POST", f"{MINE}/executions", executions.start, problem.failure),
    Row("GET", f"{MINE}/executions/{{execution_id}}", executions.read, problem.failure),
    Row("GET", f"{MINE}/executions/{{execution_id}}/payload", executions.payload, problem.failure),
    Row("POST", f"{MINE}/executions/{{execution_id}}/rerun", executions.rerun, problem.failure),
    Row("POST", f"{MINE}/executions/{{execution_id}}/cancel", executions.cancel, problem.failure),
    Row("GET", f"{MINE}/runs/{{run_id}}", runs.read, problem.failure),
    Row("GET", f"{MINE}/runs/{{run_id}}/log", run_results.log, problem.failure),
    Row("GET", f"{MINE}/runs/{{run_id}}/artifacts", run_results.list_, problem.failure),
    Row("GET", f"{MINE}/runs/{{run_id}}/artifacts/{{artifact_name}}", run_results.artifact, problem.failure),
)


def router(services: Services, settings: GatewaySettings) -> ASGIApp:
    """The table as an ASGI app."""
    handlers: dict[str, dict[str, Handler]] = defaultdict(dict)
    failures: dict[str, Failure] = {}
    for row in ROUTES:
        handlers[row.path][row.method] = row.handler
        if row.method == "GET" and row.head:
            handlers[row.path]["HEAD"] = row.handler
        failures[row.path] = row.failure
    apps: dict[str, ASGIApp] = {
        path: Endpoint(path, methods, failures[path], services, settings) for path, methods in handlers.items()
    }
    return Router(Paths(apps | {ALIVE: _alive} | pages()))


class Router:
    """Hands a request to what answers at its path."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; 404 where nothing answers."""
        found = self._paths.find(scope["raw_path"])
        if found is None:
            await send_failure(failure_of(scope["path"]), not_found(), scope, receive, send)
            return
        scope["path_params"] = found.values
        await found.app(scope, receive, send)


async def _alive(scope: Scope, receive: Receive, send: Send) -> None:
    scope["runhook.route"] = ALIVE
    if scope["method"] not in ("GET", "HEAD"):
        await send_failure(problem.failure, not_allowed("GET, HEAD"), scope, receive, send)
        return
    await PlainTextResponse("alive\n")(scope, receive, send)
