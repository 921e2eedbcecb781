"""One trigger: what it does, its window filling, its past windows, a form to try it with. Never its URL: that is url.py's."""

import asyncio
from typing import Any

from starlette.responses import Response

from gateway.console.page import Page
from gateway.console.refusal import NO_REFUSAL, Refusal
from gateway.console.triggers.asking import shown, trigger, windows
from gateway.console.triggers.try_call import CallForm
from gateway.console.visit import ConsoleVisit
from runhook.trigger.v1.trigger_pb2 import Trigger

_WINDOWS = 10


async def show(visit: ConsoleVisit, *, status: int = 200, refusal: Refusal = NO_REFUSAL) -> Response:
    """GET /console/triggers/{trigger_id}"""
    found = await trigger(visit)
    return visit.page(
        "triggers/page.html",
        status=status,
        refusal=refusal,
        call=CallForm(),
        answer=None,
        fragment=False,
        **await live_part(visit, found),
    )


async def live(visit: ConsoleVisit) -> Response:
    """GET /console/triggers/{trigger_id}/live: what changes, for its page."""
    return visit.page("triggers/_live.html", fragment=True, **await live_part(visit, await trigger(visit)))


async def live_part(visit: ConsoleVisit, found: Trigger) -> dict[str, Any]:
    """What triggers/_live.html shows."""
    view, (newest, _) = await asyncio.gather(shown(visit, found), windows(visit, page_size=_WINDOWS))
    under_way = any(one.is_open or (one.execution and one.execution.busy) for one in newest)
    return {
        "trigger": view,
        "open": next((one for one in newest if one.is_open), None),
        "closed": [one for one in newest if not one.is_open],
        "more": len(newest) == _WINDOWS,
        "busy": view.is_webhook and (view.enabled or under_way),
    }


PAGES = (
    Page("GET", "/console/triggers/{trigger_id}", show),
    Page("GET", "/console/triggers/{trigger_id}/live", live),
)
