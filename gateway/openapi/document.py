"""The document: OpenAPI 3.1 of everything that the gateway serves, put together from its operations.

Invariant: it is the same bytes wherever it is made, so that the committed docs/openapi.json can be compared with it.
"""

import json
from importlib.metadata import version
from types import ModuleType
from typing import Any

from gateway.openapi import errors
from gateway.openapi.formats import FORMATS
from gateway.openapi.operations import (
    accounts,
    deliveries,
    delivery_settings,
    erasures,
    executions,
    gateway,
    overview,
    recoveries,
    run_results,
    subscriptions,
    tasks,
    triggers,
    webhooks,
    windows,
)
from gateway.openapi.schema import Schema

PACKAGE = "runhook-platform"
#: In the order in which people read.
ROOMS: tuple[tuple[ModuleType, str], ...] = (
    (webhooks, "Subscriptions to events of job runs. Numbers are strings, errors come in an envelope."),
    (subscriptions, "Secrets of a webhook subscription: what signs its deliveries and what goes out with them."),
    (delivery_settings, "How a webhook subscription is delivered to, and the certificate that its endpoint is shown."),
    (deliveries, "Events come in, signed deliveries go out, every attempt is remembered for 30 days."),
    (recoveries, "Back into the queue by hand: one delivery, or all that failed since a time."),
    (erasures, "Bodies of events and of answers, taken out for good."),
    (tasks, "What runs execute, alone or in ordered steps."),
    (
        triggers,
        "Secret URLs that gather calls in windows and start a task or plan for each window; moments and schedules.",
    ),
    (windows, "What gathers the calls of a webhook: each closed one is an execution."),
    (executions, "What became of a closed window."),
    (run_results, "What runs printed and left behind, for 30 days."),
    (overview, "What an account does, at a glance."),
    (accounts, "Who may call, and what other clients of this API ask for when they start."),
    (gateway, "Asks for no token."),
)
ABOUT = """\
Webhooks for job runs: signed events go out when a run starts, fails or completes; calls come in at secret URLs.

**Callers** send a service token, as `Authorization: Bearer <token>` or `Authorization: Token <token>`, which are the same. \
A token sees its own account alone.

**Paths** take one slash at their end too and never redirect. HEAD is served wherever GET is, unless the operation says \
otherwise.

**Bodies** are JSON objects in UTF-8 of at most 1 MiB and 32 levels, without a key twice; \
whole numbers have no fraction, not even `.0`. Unknown keys and unknown query \
parameters are ignored, unless the operation says otherwise. Forms are refused.

**Errors** come in two formats: `/api/v2` and `/api/v3` answer in an envelope with `status.code`, everything else with \
problem details (RFC 9457). 429 and 503 say in `Retry-After` when to call again. A request whose head is not HTTP as \
we take it is answered 400, 408, 414, 417, 431 or 501 in the same formats, whatever the operation.

**Every answer** has `X-Request-Id`: the caller's own, if it sent one of 1 to 128 letters, digits, `.`, `_` or `-`. \
Objects in answers are closed here so that they can be checked; read them leniently, since a later release may add keys."""


def document() -> dict[str, Any]:
    """The document as an object."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Runhook",
            "version": version(PACKAGE),
            "summary": "Webhooks for job runs",
            "description": ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The gateway that served this document."}],
        "tags": [{"name": room.TAG, "description": description} for room, description in ROOMS],
        "paths": _paths(),
        "components": {
            "securitySchemes": _SECURITY,
            "headers": errors.HEADERS,
            "responses": errors.answers(),
            "schemas": _schemas(),
        },
    }


def rendered() -> bytes:
    """The document as it is served and committed."""
    return json.dumps(document(), ensure_ascii=False, indent=2).encode() + b"\n"


_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer <service token>`"},
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Authorization: Token <service token>`",
    },
}


def _paths() -> dict[str, Any]:
    paths: dict[str, dict[str, Schema]] = {}
    for room, _ in ROOMS:
        for operation in room.OPERATIONS:
            paths.setdefault(operation.path, {})[operation.method] = operation.written(room.TAG)
    return paths


def _schemas() -> dict[str, Schema]:
    schemas = {**FORMATS, "Problem": errors.PROBLEM}
    for room, _ in ROOMS:
        schemas.update(room.SCHEMAS)
    return schemas
