"""A good request to any row of the route table, so that tests of all rows need not know each of them."""

from collections.abc import Mapping
from typing import Any

from gateway.routes import Row
from tests.support.certificates import pair
from tests.support.gateway import Gateway
from tests.support.tenant import ERASE, EVENTS, RECOVER, TASK, TRIGGER, plan_body, trigger_body, webhook_body

#: What is in every place of a path, and belongs to nobody.
NOBODYS = {
    "webhook_id": "wsu_2YBXZOLrb96DISR4AvppWEP0Cqu",
    "subscription_id": "wsu_2YBXZOLrb96DISR4AvppWEP0Cqu",
    "event_id": "wev_2YBXZOLrb96DISR4AvppWEP0Cqu",
    "trigger_id": "trg_2YBXZOLrb96DISR4AvppWEP0Cqu",
    "execution_id": "exe_2YBXZOLrb96DISR4AvppWEP0Cqu",
    "delivery_id": "987654321",
    "recovery_id": "987654321",
    "erasure_id": "987654321",
    "token_id": "987654321",
    "task_id": "987654321",
    "window_id": "987654321",
    "plan_id": "987654321",
    "run_id": "987654321",
    "artifact_name": "run_results.json",
}
SETTINGS = {"retry_schedule": {"delays_seconds": [5, 0.5]}, "concurrency": 10}
CERTIFICATE = pair()
_BODIES: dict[str, Any] = {
    "subscriptions": webhook_body("n"),
    "{webhook_id}": webhook_body("n"),
    "rotate": {"overlap_seconds": 0},
    "headers": {"headers": {"X-A": "b"}},
    "delivery-settings": SETTINGS,
    "client-certificate": CERTIFICATE.body,
    "recover": RECOVER,
    "erasures": ERASE,
    "events": EVENTS,
    "tasks": TASK,
    "{task_id}": TASK,
    "{trigger_id}": TRIGGER,
    "regenerate": {"grace_seconds": 60},
    "tokens": {"name": "n", "permission_set": "account_admin"},
    "accounts": {"name": "n"},
}


async def ask(call: Gateway, row: Row, account_id: str, ids: Mapping[str, str], **options: Any) -> Any:
    """The answer to a good request for these ids."""
    path = row.path.format(account_id=account_id, **ids)
    if row.path.endswith("/deliveries"):
        path += f"?subscription_id={ids['subscription_id']}"
    last = row.path.rpartition("/")[2]
    bodies = _BODIES | {
        "triggers": trigger_body(ids["task_id"]),
        "executions": {"task_id": ids["task_id"]},
        "plans": plan_body(ids["task_id"]),
        "{plan_id}": plan_body(ids["task_id"]),
    }
    body = bodies.get(last)
    return await call(row.method, path, json=body if row.method in ("POST", "PUT") else None, **options)
