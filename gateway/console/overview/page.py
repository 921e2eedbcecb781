"""/console: the overview. Invariant: what one service does not tell leaves the other's half on the page."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.responses import Response

from gateway.console.overview.view import deliveries, triggers
from gateway.console.page import Page
from gateway.console.visit import ConsoleVisit
from gateway.http_errors import HttpError
from runhook.delivery.v1 import delivery_service_pb2
from runhook.trigger.v1 import trigger_service_pb2

Answer = TypeVar("Answer")
#: Refusals that are about the whole visit.
_NOBODY = (401, 404)


async def show(visit: ConsoleVisit) -> Response:
    """GET /console: the page, or for htmx the part of it that renews itself. `numbers` shows tables instead and holds still."""
    account_id = visit.account_id
    sent, gathered = await asyncio.gather(
        _told(
            visit.ask(
                visit.services.deliveries.GetOverview, delivery_service_pb2.GetOverviewRequest(account_id=account_id)
            )
        ),
        _told(
            visit.ask(
                visit.services.triggers.GetOverview, trigger_service_pb2.GetOverviewRequest(account_id=account_id)
            )
        ),
    )
    return visit.page(
        "overview/_now.html" if visit.is_fragment else "overview/page.html",
        deliveries=None if isinstance(sent, HttpError) else deliveries(sent.overview, visit.now),
        triggers=None if isinstance(gathered, HttpError) else triggers(gathered.overview, visit.now),
        withheld={"deliveries": _why(sent), "triggers": _why(gathered)},
        numbers=visit.query.has("numbers"),
    )


async def _told(answer: Awaitable[Answer]) -> Answer | HttpError:
    """The answer, or why there is none."""
    try:
        return await answer
    except HttpError as error:
        if error.status in _NOBODY:
            raise
        return error


def _why(answer: object) -> str:
    if not isinstance(answer, HttpError):
        return ""
    return (
        "Your service token may not see it."
        if answer.status == 403
        else "It is not known now: its service does not answer."
    )


PAGES = (Page("GET", "/console", show),)
