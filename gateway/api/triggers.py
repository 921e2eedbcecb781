"""/api/v1 triggers: what starts tasks and plans. Invariant: a URL is shown where it is made and where it is asked for."""

from typing import Any, Literal

from google.protobuf.duration_pb2 import Duration
from starlette.responses import Response

from gateway.answers import JsonAnswer
from gateway.api.verification import (
    CallRulesBody,
    VerificationBody,
    call_rules,
    shown_call_rules,
    shown_verification,
    verification,
)
from gateway.api.windows import shown as shown_window
from gateway.etags import etag_header, if_match
from gateway.numbers import Id
from gateway.paging import PageQuery
from gateway.shapes import Int32, Shape
from gateway.times import Time
from gateway.times import shown as shown_time
from gateway.visit import Visit
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.trigger_pb2 import CronSchedule, DataMode, Trigger, TriggerKind

DATA_MODES = {
    "string": DataMode.DATA_MODE_STRING,
    "object": DataMode.DATA_MODE_OBJECT,
    "talend_raw": DataMode.DATA_MODE_TALEND_RAW,
}
KINDS = {
    "webhook": TriggerKind.TRIGGER_KIND_WEBHOOK,
    "once": TriggerKind.TRIGGER_KIND_ONCE,
    "cron": TriggerKind.TRIGGER_KIND_CRON,
}
#: What the service calls differently.
_NAMES = {
    "duration": "duration_seconds",
    "start_time": "start_at",
    "verification.tolerance": "verification.tolerance_seconds",
    "grace": "grace_seconds",
}


class CronBody(Shape):
    """A repeated moment; an empty time zone is UTC."""

    expression: str = ""
    time_zone: str = ""


class TriggerBody(Shape):
    """A trigger of a task or plan: calls to its URL, a moment, or a cron expression.

    Of calls `threshold`, or `duration_seconds` after the first, close a window. `kind` null is a webhook, or what it was.
    """

    name: str = ""
    task_id: Id | None = None
    plan_id: Id | None = None
    kind: Literal["webhook", "once", "cron"] | None = None
    threshold: Int32 | None = None
    duration_seconds: Int32 | None = None
    enabled: bool = True
    data_mode: Literal["string", "object", "talend_raw"] = "string"
    start_at: Time | None = None
    cron: CronBody | None = None
    verification: VerificationBody | None = None
    call_rules: CallRulesBody | None = None


class DeleteQuery(Shape):
    """Whether the calls of the open window are thrown away instead of executed."""

    discard: Literal["true", "false"] = "false"


class RegenerateBody(Shape):
    """How long the old URL still answers."""

    grace_seconds: Int32 = 0


async def create(visit: Visit) -> Response:
    """POST .../triggers: 201, of a webhook with its URL."""
    rpc = visit.services.triggers.CreateTrigger
    hopeless = pb.CreateTriggerRequest(trigger=Trigger(account_id=visit.account_id))
    body = await visit.read(TriggerBody, rpc, hopeless)
    answer = await visit.ask(rpc, pb.CreateTriggerRequest(trigger=_trigger(body, visit.account_id)), _name)
    content = shown(answer.trigger) | {"url": _url(visit, answer.token)}
    return JsonAnswer(content, 201, headers=etag_header(answer.trigger.etag))


async def list_(visit: Visit) -> Response:
    """GET .../triggers?page_size=&page_token="""
    rpc = visit.services.triggers.ListTriggers
    query = await visit.query(PageQuery, rpc, pb.ListTriggersRequest(account_id=visit.account_id, page_size=-1))
    request = pb.ListTriggersRequest(
        account_id=visit.account_id, page_size=query.page_size, page_token=query.page_token
    )
    answer = await visit.ask(rpc, request)
    triggers = [shown(one) for one in answer.triggers]
    return JsonAnswer({"triggers": triggers, "next_page_token": answer.next_page_token})


async def read(visit: Visit) -> Response:
    """GET .../triggers/{trigger_id}: with its newest window, null before the first call."""
    request = pb.GetTriggerRequest(account_id=visit.account_id, trigger_id=visit.text("trigger_id"))
    answer = await visit.ask(visit.services.triggers.GetTrigger, request)
    window = shown_window(answer.newest_window) if answer.HasField("newest_window") else None
    return JsonAnswer(shown(answer.trigger) | {"newest_window": window}, headers=etag_header(answer.trigger.etag))


async def replace(visit: Visit) -> Response:
    """PUT .../triggers/{trigger_id}: what is not sent is the service's default, but for kind, target and secrets."""
    rpc = visit.services.triggers.UpdateTrigger
    trigger_id = visit.text("trigger_id")
    hopeless = pb.UpdateTriggerRequest(trigger=Trigger(account_id=visit.account_id, trigger_id=trigger_id))
    trigger = _trigger(await visit.read(TriggerBody, rpc, hopeless), visit.account_id)
    trigger.trigger_id, trigger.etag = trigger_id, if_match(visit)
    changed = (await visit.ask(rpc, pb.UpdateTriggerRequest(trigger=trigger), _name)).trigger
    return JsonAnswer(shown(changed), headers=etag_header(changed.etag))


async def delete(visit: Visit) -> Response:
    """DELETE .../triggers/{trigger_id}?discard=: 204."""
    named: Any = {"account_id": visit.account_id, "trigger_id": visit.text("trigger_id")}
    # Of the same right, and never granted: nothing is deleted in order to find out who asks.
    hopeless = pb.RegenerateTriggerTokenRequest(**named, grace=Duration(seconds=-1))
    query = await visit.query(DeleteQuery, visit.services.triggers.RegenerateTriggerToken, hopeless)
    request = pb.DeleteTriggerRequest(**named, discard_open_window=query.discard == "true")
    await visit.ask(visit.services.triggers.DeleteTrigger, request)
    return Response(status_code=204)


async def reveal(visit: Visit) -> Response:
    """POST .../triggers/{trigger_id}/reveal: its URL, and the old one while it still answers."""
    request = pb.RevealTriggerTokenRequest(account_id=visit.account_id, trigger_id=visit.text("trigger_id"))
    answer = await visit.ask(visit.services.triggers.RevealTriggerToken, request)
    content = {
        "url": _url(visit, answer.token),
        "old_url": _url(visit, answer.old_token),
        "old_url_expires_at": shown_time(answer.old_token_expire_time),
    }
    return JsonAnswer(content)


async def regenerate(visit: Visit) -> Response:
    """POST .../triggers/{trigger_id}/regenerate: a new URL."""
    rpc = visit.services.triggers.RegenerateTriggerToken
    named: Any = {"account_id": visit.account_id, "trigger_id": visit.text("trigger_id")}
    hopeless = pb.RegenerateTriggerTokenRequest(**named, grace=Duration(seconds=-1))
    body = await visit.read(RegenerateBody, rpc, hopeless, optional=True)
    request = pb.RegenerateTriggerTokenRequest(**named, grace=Duration(seconds=body.grace_seconds))
    answer = await visit.ask(rpc, request, _name)
    return JsonAnswer({"url": _url(visit, answer.token)})


def shown(trigger: Trigger) -> dict[str, object]:
    """The trigger as callers see it; what its kind does not have is null."""
    kinds, modes = ({number: name for name, number in table.items()} for table in (KINDS, DATA_MODES))
    is_webhook = trigger.kind in (TriggerKind.TRIGGER_KIND_UNSPECIFIED, TriggerKind.TRIGGER_KIND_WEBHOOK)
    cron = {"expression": trigger.cron.expression, "time_zone": trigger.cron.time_zone}
    return {
        "trigger_id": trigger.trigger_id,
        "account_id": str(trigger.account_id),
        "name": trigger.name,
        "task_id": str(trigger.task_id) if trigger.task_id else None,
        "plan_id": str(trigger.plan_id) if trigger.plan_id else None,
        "kind": kinds.get(trigger.kind, "webhook"),
        "threshold": trigger.threshold if is_webhook else None,
        "duration_seconds": trigger.duration.seconds if is_webhook else None,
        "enabled": trigger.enabled,
        "data_mode": modes.get(trigger.data_mode, "string"),
        "start_at": shown_time(trigger.start_time),
        "cron": cron if trigger.HasField("cron") else None,
        "next_start_at": shown_time(trigger.next_start_time),
        "verification": shown_verification(trigger.verification) if trigger.HasField("verification") else None,
        "call_rules": shown_call_rules(trigger.call_rules) if trigger.HasField("call_rules") else None,
        "etag": trigger.etag,
        "created_at": shown_time(trigger.create_time),
    }


def _url(visit: Visit, token: str) -> str | None:
    return f"{visit.settings.public_url}/t/{token}" if token else None


def _trigger(body: TriggerBody, account_id: int) -> Trigger:
    cron = body.cron
    seconds = body.duration_seconds
    return Trigger(
        account_id=account_id,
        name=body.name,
        task_id=body.task_id or 0,
        plan_id=body.plan_id or 0,
        kind=KINDS[body.kind] if body.kind else TriggerKind.TRIGGER_KIND_UNSPECIFIED,
        threshold=body.threshold or 0,
        duration=None if seconds is None else Duration(seconds=seconds),
        enabled=body.enabled,
        data_mode=DATA_MODES[body.data_mode],
        start_time=body.start_at,
        cron=None if cron is None else CronSchedule(expression=cron.expression, time_zone=cron.time_zone),
        verification=verification(body.verification),
        call_rules=call_rules(body.call_rules),
    )


def _name(field: str) -> str:
    name = field.removeprefix("trigger.")
    return _NAMES.get(name, name)
