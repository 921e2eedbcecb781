"""The client certificate that is shown to a webhook's endpoint (mTLS). Invariant: its key comes in and is never shown."""

from starlette.responses import Response

from gateway.console.act import act
from gateway.console.page import Page
from gateway.console.visit import ConsoleVisit
from gateway.console.webhooks.asking import ID, page_of, webhook
from gateway.console.webhooks.detail import show
from gateway.console.webhooks.view import certificate_view
from gateway.http_errors import HttpError
from runhook.subscription.v1.subscription_service_pb2 import GetClientCertificateRequest, SetClientCertificateRequest

_TEMPLATE = "webhooks/certificate.html"
#: No PEM. Two empty texts would take the certificate away, for which there is a button.
_REFUSED = " "


async def edit(visit: ConsoleVisit) -> Response:
    """GET /console/webhooks/{webhook_id}/certificate"""
    request = GetClientCertificateRequest(account_id=visit.account_id, subscription_id=visit.text(ID))
    answer = await visit.ask(visit.services.subscriptions.GetClientCertificate, request)
    certificate = certificate_view(answer.client_certificate, visit.now)
    return visit.page(_TEMPLATE, webhook=await webhook(visit), certificate=certificate, chain="")


async def change(visit: ConsoleVisit) -> Response:
    """POST /console/webhooks/{webhook_id}/certificate"""
    found = await webhook(visit)
    chain, key = visit.form.text("certificate_chain"), visit.form.text("private_key")
    request = SetClientCertificateRequest(
        account_id=visit.account_id,
        subscription_id=visit.text(ID),
        certificate_chain=chain or _REFUSED,
        private_key=key or _REFUSED,
    )
    try:
        await visit.ask(visit.services.subscriptions.SetClientCertificate, request)
    except HttpError as error:
        return visit.refused(_TEMPLATE, error, webhook=found, certificate=None, chain=chain)
    return visit.redirect(page_of(visit), done="certificate_changed")


async def remove(visit: ConsoleVisit) -> Response:
    """POST /console/webhooks/{webhook_id}/certificate/remove"""
    request = SetClientCertificateRequest(account_id=visit.account_id, subscription_id=visit.text(ID))
    rpc = visit.services.subscriptions.SetClientCertificate
    return await act(visit, rpc, request, show=show, path=page_of(visit), done="certificate_removed")


PAGES = (
    Page("GET", "/console/webhooks/{webhook_id}/certificate", edit),
    Page("POST", "/console/webhooks/{webhook_id}/certificate", change),
    Page("POST", "/console/webhooks/{webhook_id}/certificate/remove", remove),
)
