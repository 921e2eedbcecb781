"""The webhooks API as its clients see it: paths, a good body, the exact body of every error."""

import json
from typing import Any

from tests.support.gateway import Gateway
from tests.support.subscription import ACCOUNT

SUBSCRIPTIONS = f"/api/v3/accounts/{ACCOUNT}/webhooks/subscriptions"
ONE = f"/api/v3/accounts/{ACCOUNT}/webhooks/subscription"
NO_ID = "wsu_2YBXZOLrb96DISR4AvppWEP0Cqu"
UNKNOWN = f"{ONE}/{NO_ID}"
BODY = {"name": "n", "event_types": ["job.run.started"], "client_url": "https://test.com", "active": True}
INVALID = "The request was invalid. Please double check the provided data and try again."
NOT_FOUND = "The requested resource was not found. Please check that you have the proper permissions."
WRONG_ACCOUNT = "Access denied: Token is not scoped to account."
FORBIDDEN = "Forbidden: You do not have permission to access this resource."
UNKNOWN_TOKEN = "Invalid token."


def error(code: int, user_message: str, data: Any = None) -> dict[str, Any]:
    """The body of an error; `data` has the bad fields of a 400."""
    developer_message = None if code in (401, 403) else ""
    status = {"code": code, "is_success": False, "user_message": user_message, "developer_message": developer_message}
    return {"status": status, "data": data}


def check(answer: Any, expected: dict[str, Any]) -> None:
    """The answer is this error, in this order, with the status and the headers that belong to it."""
    assert answer.json == expected
    assert list(answer.json) == ["status", "data"]
    assert list(answer.json["status"]) == ["code", "is_success", "user_message", "developer_message"]
    assert answer.status == expected["status"]["code"]
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Request-Id"]


async def made(call: Gateway, **changes: Any) -> dict[str, Any]:
    """A new webhook, as its maker sees it."""
    answer = await call("POST", SUBSCRIPTIONS, json=BODY | changes)
    assert answer.status == 201, answer.body
    data: dict[str, Any] = answer.json["data"]
    return data


async def listed(call: Gateway) -> Any:
    """All that is stored, as far as a client can see."""
    return (await call("GET", f"{SUBSCRIPTIONS}?limit=100")).json["data"]


def changed(**changes: Any) -> bytes:
    """A good body but for these keys."""
    return json.dumps(BODY | changes).encode()


async def refused(call: Gateway, body: bytes, **options: Any) -> dict[str, str]:
    """The bad fields of a body that neither makes nor changes a webhook."""
    before = await listed(call)
    created, replaced = (
        await call("POST", SUBSCRIPTIONS, data=body, **options),
        await call("PUT", f"{ONE}/{before[0]['id']}", data=body, **options),
    )
    check(created, error(400, INVALID, created.json["data"]))
    check(replaced, created.json)
    assert await listed(call) == before
    fields: dict[str, str] = created.json["data"]
    return fields
