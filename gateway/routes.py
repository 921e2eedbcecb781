"""The route table: every path that the gateway serves but for the trigger door, which stands in front of it.

Paths are given without their trailing slash; one is accepted everywhere and never redirected, since a redirected POST
loses its body.
"""

from collections import defaultdict
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from gateway import envelope, events, executions, problem, runs, tasks, triggers, webhooks
from gateway.endpoint import Endpoint, Failure, Handler, send_failure
from gateway.http_errors import not_found
from gateway.services import Services
from gateway.settings import GatewaySettings


class Row(NamedTuple):
    """One line of the table."""

    method: str
    path: str
    handler: Handler
    failure: Failure


ALIVE = "/healthz"
V1 = "/api/v1/accounts/{account_id}"
V2 = "/api/v2/accounts/{account_id}"
V3 = "/api/v3/accounts/{account_id}"
ROUTES = (
    Row("POST", f"{V3}/webhooks/subscriptions", webhooks.create, envelope.failure),
    Row("GET", f"{V3}/webhooks/subscriptions", webhooks.list_, envelope.failure),
    Row("GET", f"{V3}/webhooks/subscription/{{webhook_id}}", webhooks.read, envelope.failure),
    Row("PUT", f"{V3}/webhooks/subscription/{{webhook_id}}", webhooks.replace, envelope.failure),
    Row("DELETE", f"{V3}/webhooks/subscription/{{webhook_id}}", webhooks.delete, envelope.failure),
    Row("GET", f"{V2}/runs/{{run_id}}", runs.read_v2, envelope.failure),
    Row("POST", f"{V1}/events", events.publish, problem.failure),
    Row("POST", f"{V1}/tasks", tasks.create, problem.failure),
    Row("GET", f"{V1}/tasks/{{task_id}}", tasks.read, problem.failure),
    Row("POST", f"{V1}/triggers", triggers.create, problem.failure),
    Row("GET", f"{V1}/triggers/{{trigger_id}}", triggers.read, problem.failure),
    Row("GET", f"{V1}/executions", executions.list_, problem.failure),
    Row("GET", f"{V1}/executions/{{execution_id}}", executions.read, problem.failure),
    Row("GET", f"{V1}/runs/{{run_id}}", runs.read, problem.failure),
)


def router(services: Services, settings: GatewaySettings) -> Router:
    """The table as an ASGI app."""
    handlers: dict[str, dict[str, Handler]] = defaultdict(dict)
    failures: dict[str, Failure] = {}
    for row in ROUTES:
        handlers[row.path][row.method] = row.handler
        failures[row.path] = row.failure
    paths = [
        Route(path, endpoint=Endpoint(path, methods, failures[path], services, settings))
        for path, methods in handlers.items()
    ]
    return _OneSlash(routes=[*paths, Route(ALIVE, endpoint=_alive)], redirect_slashes=False, default=_nowhere)


def failure_of(path: str) -> Failure:
    """The format of errors below a path: the envelope on /api/v2 and /api/v3, problem details elsewhere."""
    return envelope.failure if path.startswith(("/api/v2/", "/api/v3/")) else problem.failure


class _OneSlash(Router):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path.endswith("/") and path != "/":
            scope["path"] = path[:-1]
        await super().__call__(scope, receive, send)


async def _alive(request: Request) -> Response:
    request.scope["runhook.route"] = ALIVE
    return PlainTextResponse("alive\n")


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    await send_failure(failure_of(scope["path"]), not_found(), scope, receive, send)
