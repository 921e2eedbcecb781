"""One webhook: how it does, what it wants, how it is signed and delivered to."""

import asyncio

from starlette.responses import Response

from gateway.console.page import Page
from gateway.console.refusal import NO_REFUSAL, Refusal
from gateway.console.visit import ConsoleVisit
from gateway.console.webhooks.asking import ID, recent, webhook
from gateway.console.webhooks.view import certificate_view, secret_view, settings_in_words, webhook_view
from runhook.subscription.v1 import subscription_service_pb2 as pb

LOOKED_AT = 30


async def show(visit: ConsoleVisit, *, status: int = 200, refusal: Refusal = NO_REFUSAL) -> Response:
    """GET /console/webhooks/{webhook_id}"""
    account_id, subscription_id, rpcs = visit.account_id, visit.text(ID), visit.services.subscriptions
    found, its, secrets, headers, settings, certificate = await asyncio.gather(
        webhook(visit),
        recent(visit, subscription_id, LOOKED_AT),
        visit.ask(
            rpcs.ListSigningSecrets,
            pb.ListSigningSecretsRequest(account_id=account_id, subscription_id=subscription_id),
        ),
        visit.ask(
            rpcs.ListCustomHeaders, pb.ListCustomHeadersRequest(account_id=account_id, subscription_id=subscription_id)
        ),
        visit.ask(
            rpcs.GetDeliverySettings,
            pb.GetDeliverySettingsRequest(account_id=account_id, subscription_id=subscription_id),
        ),
        visit.ask(
            rpcs.GetClientCertificate,
            pb.GetClientCertificateRequest(account_id=account_id, subscription_id=subscription_id),
        ),
    )
    return visit.page(
        "webhooks/detail.html",
        status=status,
        refusal=refusal,
        webhook=webhook_view(found, its, visit.now),
        secrets=[secret_view(one, visit.now) for one in secrets.signing_secrets],
        headers=list(headers.names),
        settings=settings_in_words(settings.delivery_settings),
        certificate=certificate_view(certificate.client_certificate, visit.now),
    )


PAGES = (Page("GET", "/console/webhooks/{webhook_id}", show),)
