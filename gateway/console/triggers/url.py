"""A trigger's URL, which is a secret. Invariant: a POST shows it, which the service notes, and never a GET."""

from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration
from starlette.responses import Response

from gateway.console.act import again
from gateway.console.entry import Entry
from gateway.console.moment import Moment, moment
from gateway.console.page import Page
from gateway.console.triggers.asking import ID, shown, trigger
from gateway.console.triggers.page import show
from gateway.console.visit import ConsoleVisit
from gateway.http_errors import HttpError
from runhook.trigger.v1 import trigger_service_pb2 as pb

_TEMPLATE = "triggers/url.html"


@dataclass(frozen=True, kw_only=True)
class UrlView:
    """`old_url` is empty where there is none that still answers."""

    url: str
    curl: str
    old_url: str = ""
    old_ends: Moment | None = None


def url_view(public_url: str, token: str, old_token: str = "", old_ends: Moment | None = None) -> UrlView:
    """The URLs of these tokens, and a call of it to try in a shell."""
    url = f"{public_url}/t/{token}"
    curl = f"curl -i '{url}' -H 'Content-Type: application/json' -d '{{\"hello\": \"world\"}}'"
    return UrlView(url=url, curl=curl, old_url=f"{public_url}/t/{old_token}" if old_token else "", old_ends=old_ends)


async def reveal(visit: ConsoleVisit) -> Response:
    """POST /console/triggers/{trigger_id}/url"""
    request = pb.RevealTriggerTokenRequest(account_id=visit.account_id, trigger_id=visit.text(ID))
    try:
        answer = await visit.ask(visit.services.triggers.RevealTriggerToken, request)
    except HttpError as error:
        return await again(visit, error, show)
    old_ends = moment(answer.old_token_expire_time, visit.now)
    url = url_view(visit.settings.public_url, answer.token, answer.old_token, old_ends)
    return visit.page(_TEMPLATE, trigger=await shown(visit, await trigger(visit)), url=url, fresh="")


async def regenerate(visit: ConsoleVisit) -> Response:
    """POST /console/triggers/{trigger_id}/regenerate"""
    entry = Entry(visit.form)
    seconds = entry.number("grace")
    if entry.bad:
        return await show(visit, status=400, refusal=entry.refusal)
    request = pb.RegenerateTriggerTokenRequest(
        account_id=visit.account_id, trigger_id=visit.text(ID), grace=Duration(seconds=seconds)
    )
    try:
        answer = await visit.ask(visit.services.triggers.RegenerateTriggerToken, request)
    except HttpError as error:
        return await again(visit, error, show)
    url = url_view(visit.settings.public_url, answer.token)
    fresh = "The old URL answers for a while longer." if seconds else "The old URL no longer answers."
    return visit.page(_TEMPLATE, trigger=await shown(visit, await trigger(visit)), url=url, fresh=fresh)


#: A GET of either shows the page that asks for the URL.
PAGES = (
    Page("GET", "/console/triggers/{trigger_id}/url", show),
    Page("POST", "/console/triggers/{trigger_id}/url", reveal),
    Page("GET", "/console/triggers/{trigger_id}/regenerate", show),
    Page("POST", "/console/triggers/{trigger_id}/regenerate", regenerate),
)
