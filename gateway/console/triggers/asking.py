"""What several pages of triggers ask the service for."""

import asyncio
from collections.abc import Iterable

from gateway.console.executions.view import ExecutionView, execution_view
from gateway.console.names import Names, names_of
from gateway.console.triggers.view import TriggerView, WindowView, trigger_view, window_view, window_views
from gateway.console.visit import ConsoleVisit
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.execution_pb2 import Execution
from runhook.trigger.v1.trigger_pb2 import Trigger, Window, WindowState

ID = "trigger_id"
_SOME = 40
#: Beside a window stand the state and the path of its execution: what that executes, its own page says.
_NOBODY = Names({}, {})


async def trigger(visit: ConsoleVisit) -> Trigger:
    """The one that the path names. HttpError 404."""
    request = pb.GetTriggerRequest(account_id=visit.account_id, trigger_id=visit.text(ID))
    return (await visit.ask(visit.services.triggers.GetTrigger, request)).trigger


async def shown(visit: ConsoleVisit, found: Trigger) -> TriggerView:
    """It with the name of what it starts."""
    return trigger_view(found, await names_of(visit, [found.task_id], [found.plan_id]), visit.now)


async def windows(visit: ConsoleVisit, *, page_size: int, page_token: str = "") -> tuple[list[WindowView], str]:
    """A page of the trigger's windows, newest first, with what they set going; and the token of the next page."""
    trigger_id = visit.text(ID)
    request = pb.ListWindowsRequest(
        account_id=visit.account_id, trigger_id=trigger_id, page_size=page_size, page_token=page_token
    )
    answer = await visit.ask(visit.services.triggers.ListWindows, request)
    executions = await _executions(visit, answer.windows)
    return window_views(answer.windows, trigger_id, executions, visit.now), answer.next_page_token


async def window(visit: ConsoleVisit) -> WindowView:
    """The one that the path names, with what it set going. HttpError 404."""
    trigger_id, window_id = visit.text(ID), visit.number("window_id")
    request = pb.GetWindowRequest(account_id=visit.account_id, trigger_id=trigger_id, window_id=window_id)
    answer, executions = await asyncio.gather(
        visit.ask(visit.services.triggers.GetWindow, request),
        _list(visit, pb.ListExecutionsRequest(window_id=window_id, page_size=1)),
    )
    execution = next((execution_view(one, _NOBODY, visit.now) for one in executions), None)
    return window_view(answer.window, trigger_id, visit.now, execution)


async def _executions(visit: ConsoleVisit, found: Iterable[Window]) -> dict[int, ExecutionView]:
    """What closed windows set going, by window: most are among the newest of the trigger, the rest is asked for one by one."""
    wanted = {one.window_id for one in found if one.state == WindowState.WINDOW_STATE_CLOSED}
    if not wanted:
        return {}
    newest = await _list(visit, pb.ListExecutionsRequest(trigger_id=visit.text(ID), page_size=_SOME))
    known = {one.window_id: one for one in newest if one.window_id in wanted and not one.rerun_of}
    rest = wanted - known.keys()
    for listed in await asyncio.gather(*(_list(visit, pb.ListExecutionsRequest(window_id=one)) for one in rest)):
        known.update({one.window_id: one for one in listed})
    return {window_id: execution_view(one, _NOBODY, visit.now) for window_id, one in known.items()}


async def _list(visit: ConsoleVisit, request: pb.ListExecutionsRequest) -> Iterable[Execution]:
    request.account_id = visit.account_id
    return (await visit.ask(visit.services.triggers.ListExecutions, request)).executions


def page_of(visit: ConsoleVisit) -> str:
    """The path of the trigger's page."""
    return f"/console/triggers/{visit.text(ID)}"
