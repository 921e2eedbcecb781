"""/api/v1 triggers: secret URLs that start tasks. Invariant: the URL is in the answer that made it, and in no other."""

from typing import Literal

from google.protobuf.duration_pb2 import Duration
from starlette.responses import Response

from gateway.answers import JsonAnswer
from gateway.numbers import Id
from gateway.shapes import Int32, Shape
from gateway.times import shown as shown_time
from gateway.visit import Visit
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.trigger_pb2 import DataMode, Trigger, Window, WindowState

DATA_MODES = {"string": DataMode.DATA_MODE_STRING}


class TriggerBody(Shape):
    """A new trigger: `threshold` calls, or `duration_seconds` after the first, close a window."""

    name: str = ""
    task_id: Id = 0
    threshold: Int32 = 0
    duration_seconds: Int32 = 0
    data_mode: Literal["string"] = "string"


async def create(visit: Visit) -> Response:
    """POST .../triggers: 201 with the one look at its URL."""
    rpc = visit.services.triggers.CreateTrigger
    hopeless = pb.CreateTriggerRequest(trigger=Trigger(account_id=visit.account_id))
    body = await visit.read(TriggerBody, rpc, hopeless)
    answer = await visit.ask(rpc, pb.CreateTriggerRequest(trigger=_trigger(body, visit.account_id)), _name)
    url = f"{visit.settings.public_url}/t/{answer.token}"
    return JsonAnswer(shown(answer.trigger) | {"url": url}, 201)


async def read(visit: Visit) -> Response:
    """GET .../triggers/{trigger_id}: with its newest window, null before the first call."""
    request = pb.GetTriggerRequest(account_id=visit.account_id, trigger_id=visit.text("trigger_id"))
    answer = await visit.ask(visit.services.triggers.GetTrigger, request)
    window = shown_window(answer.newest_window) if answer.HasField("newest_window") else None
    return JsonAnswer(shown(answer.trigger) | {"newest_window": window})


def shown(trigger: Trigger) -> dict[str, object]:
    """The trigger as callers see it."""
    return {
        "trigger_id": trigger.trigger_id,
        "account_id": str(trigger.account_id),
        "name": trigger.name,
        "task_id": str(trigger.task_id),
        "threshold": trigger.threshold,
        "duration_seconds": trigger.duration.seconds,
        "enabled": trigger.enabled,
        "data_mode": "string",
        "created_at": shown_time(trigger.create_time),
    }


def shown_window(window: Window) -> dict[str, object]:
    """A window as callers see it."""
    return {
        "window_id": str(window.window_id),
        "state": WindowState.Name(window.state).removeprefix("WINDOW_STATE_"),
        "size": window.size,
        "threshold": window.threshold,
        "opened_at": shown_time(window.open_time),
        "deadline_at": shown_time(window.deadline_time),
        "closed_at": shown_time(window.close_time),
        "close_reason": window.close_reason,
    }


def _trigger(body: TriggerBody, account_id: int) -> Trigger:
    return Trigger(
        account_id=account_id,
        name=body.name,
        task_id=body.task_id,
        threshold=body.threshold,
        duration=Duration(seconds=body.duration_seconds),
        enabled=True,
        data_mode=DATA_MODES[body.data_mode],
    )


def _name(field: str) -> str:
    name = field.removeprefix("trigger.")
    return "duration_seconds" if name == "duration" else name
