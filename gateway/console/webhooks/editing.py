"""A webhook is made, and changed.

Invariant: its signing secret is on the page that answers its making, and on no other; nobody's change is overwritten unseen.
"""

from typing import Any

from starlette.responses import Response

from gateway.console.page import Page
from gateway.console.visit import ConsoleVisit
from gateway.console.webhooks.asking import ID, page_of, webhook
from gateway.console.webhooks.webhook_form import EVENTS, OPERATORS_EVENTS, WebhookForm, filled_in, stored
from gateway.http_errors import HttpError
from runhook.subscription.v1.subscription_service_pb2 import CreateSubscriptionRequest, UpdateSubscriptionRequest

_TEMPLATE = "webhooks/form.html"
_CHOICES: dict[str, Any] = {"events": EVENTS, "operators_events": OPERATORS_EVENTS}


async def new(visit: ConsoleVisit) -> Response:
    """GET /console/webhooks/new"""
    return visit.page(_TEMPLATE, form=WebhookForm(), webhook=None, **_CHOICES)


async def create(visit: ConsoleVisit) -> Response:
    """POST /console/webhooks: the page with the secret, or the form once more."""
    form = filled_in(visit.form)
    request = CreateSubscriptionRequest(subscription=form.subscription(visit.account_id))
    try:
        answer = await visit.ask(visit.services.subscriptions.CreateSubscription, request)
    except HttpError as error:
        return visit.refused(_TEMPLATE, error, prefix="subscription.", form=form, webhook=None, **_CHOICES)
    return visit.page("webhooks/created.html", status=201, webhook=answer.subscription, secret=answer.signing_secret)


async def edit(visit: ConsoleVisit) -> Response:
    """GET /console/webhooks/{webhook_id}/edit"""
    found = await webhook(visit)
    return visit.page(_TEMPLATE, form=stored(found), webhook=found, **_CHOICES)


async def change(visit: ConsoleVisit) -> Response:
    """POST /console/webhooks/{webhook_id}/edit"""
    form = filled_in(visit.form)
    found = await webhook(visit)
    wanted = form.subscription(visit.account_id, visit.text(ID))
    request = UpdateSubscriptionRequest(subscription=wanted, etag=form.etag)
    try:
        await visit.ask(visit.services.subscriptions.UpdateSubscription, request)
    except HttpError as error:
        return visit.refused(_TEMPLATE, error, prefix="subscription.", form=form, webhook=found, **_CHOICES)
    return visit.redirect(page_of(visit), done="webhook_changed")


PAGES = (
    Page("GET", "/console/webhooks/new", new),
    Page("POST", "/console/webhooks", create),
    Page("GET", "/console/webhooks/{webhook_id}/edit", edit),
    Page("POST", "/console/webhooks/{webhook_id}/edit", change),
)
