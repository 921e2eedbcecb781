"""A webhook's signing secret is rotated. Invariant: the new one is on the page that answers, and on no other."""

from google.protobuf.duration_pb2 import Duration
from starlette.responses import Response

from gateway import numbers
from gateway.console.act import act
from gateway.console.moment import moment
from gateway.console.page import Page
from gateway.console.visit import ConsoleVisit
from gateway.console.webhooks.asking import ID, page_of, webhook
from gateway.console.webhooks.detail import show
from gateway.http_errors import HttpError
from runhook.subscription.v1.subscription_service_pb2 import PromoteSigningSecretRequest, RotateSigningSecretRequest

OVERLAPS = (("0", "at once"), ("3600", "1 hour"), ("86400", "1 day"), ("604800", "7 days"))
_TEMPLATE = "webhooks/rotate.html"
_REFUSED = -1


async def ask(visit: ConsoleVisit) -> Response:
    """GET /console/webhooks/{webhook_id}/secret"""
    return visit.page(_TEMPLATE, webhook=await webhook(visit), overlaps=OVERLAPS, overlap="86400")


async def rotate(visit: ConsoleVisit) -> Response:
    """POST /console/webhooks/{webhook_id}/secret: the page with the new secret."""
    found = await webhook(visit)
    overlap = visit.form.text("overlap_duration")
    seconds = numbers.decimal(overlap)
    request = RotateSigningSecretRequest(
        account_id=visit.account_id,
        subscription_id=visit.text(ID),
        overlap_duration=Duration(seconds=_REFUSED if seconds is None else min(seconds, 2**31)),
    )
    try:
        answer = await visit.ask(visit.services.subscriptions.RotateSigningSecret, request)
    except HttpError as error:
        return visit.refused(_TEMPLATE, error, webhook=found, overlaps=OVERLAPS, overlap=overlap)
    return visit.page(
        "webhooks/rotated.html",
        status=201,
        webhook=found,
        secret=answer.signing_secret,
        ends=moment(answer.old_expire_time, visit.now) if seconds else None,
    )


async def promote(visit: ConsoleVisit) -> Response:
    """POST /console/webhooks/{webhook_id}/secret/promote"""
    request = PromoteSigningSecretRequest(account_id=visit.account_id, subscription_id=visit.text(ID))
    rpc = visit.services.subscriptions.PromoteSigningSecret
    return await act(visit, rpc, request, show=show, path=page_of(visit), done="secret_promoted")


PAGES = (
    Page("GET", "/console/webhooks/{webhook_id}/secret", ask),
    Page("POST", "/console/webhooks/{webhook_id}/secret", rotate),
    Page("POST", "/console/webhooks/{webhook_id}/secret/promote", promote),
)
