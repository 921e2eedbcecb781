"""Headers that go out with every delivery of a webhook. Invariant: their values come in and are never shown, not even back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from chassis.errors import BadField
from gateway.console.form import Form
from gateway.console.page import Page
from gateway.console.visit import ConsoleVisit
from gateway.console.webhooks.asking import ID, page_of, webhook
from gateway.http_errors import HttpError
from runhook.subscription.v1.subscription_pb2 import CustomHeader
from runhook.subscription.v1.subscription_service_pb2 import ListCustomHeadersRequest, SetCustomHeadersRequest

SPARE_ROWS = 3
_TEMPLATE = "webhooks/headers.html"
_OF_HEADER = re.compile(r"custom_headers\[(\d+)\]")


@dataclass(frozen=True, kw_only=True)
class SentHeader:
    """A row that was filled in: `row` counts from 0."""

    row: int
    name: str
    value: str


def sent_headers(form: Form) -> list[SentHeader]:
    """The rows of the form that say anything."""
    pairs = zip(form.all("header_name"), form.all("header_value"), strict=False)
    rows = [SentHeader(row=row, name=name.strip(), value=value) for row, (name, value) in enumerate(pairs)]
    return [header for header in rows if header.name or header.value]


def placed(fields: Sequence[BadField], sent: Sequence[SentHeader]) -> list[BadField]:
    """custom_headers[0].value > header-2, by the row of the form that it came from."""
    made = []
    for bad in fields:
        found = _OF_HEADER.match(bad.field)
        row = sent[int(found[1])].row + 1 if found else 1
        made.append(BadField(f"header-{row}", bad.message))
    return made


async def edit(visit: ConsoleVisit) -> Response:
    """GET /console/webhooks/{webhook_id}/headers"""
    request = ListCustomHeadersRequest(account_id=visit.account_id, subscription_id=visit.text(ID))
    answer = await visit.ask(visit.services.subscriptions.ListCustomHeaders, request)
    return visit.page(_TEMPLATE, webhook=await webhook(visit), names=_rows(answer.names))


async def change(visit: ConsoleVisit) -> Response:
    """POST /console/webhooks/{webhook_id}/headers: what is not sent is not kept."""
    found = await webhook(visit)
    sent = sent_headers(visit.form)
    request = SetCustomHeadersRequest(
        account_id=visit.account_id,
        subscription_id=visit.text(ID),
        custom_headers=[CustomHeader(name=one.name, value=one.value) for one in sent],
    )
    try:
        await visit.ask(visit.services.subscriptions.SetCustomHeaders, request)
    except HttpError as error:
        if error.fields:
            error.name_fields(placed(error.fields, sent))
        return visit.refused(_TEMPLATE, error, webhook=found, names=_rows(visit.form.all("header_name"), spare=0))
    return visit.redirect(page_of(visit), done="headers_changed")


def _rows(names: Sequence[str], spare: int = SPARE_ROWS) -> list[str]:
    return [*names, *[""] * spare]


PAGES = (
    Page("GET", "/console/webhooks/{webhook_id}/headers", edit),
    Page("POST", "/console/webhooks/{webhook_id}/headers", change),
)
