"""/api/v1 client certificate of a subscription (mTLS). Invariant: it comes in with its key; the key never goes out."""

from starlette.responses import Response

from gateway.answers import JsonAnswer
from gateway.shapes import Shape
from gateway.times import shown as shown_time
from gateway.visit import Visit
from runhook.subscription.v1 import subscription_service_pb2 as pb

#: No PEM. Two empty texts would take the certificate away, which DELETE does here.
_REFUSED = " "


class CertificateBody(Shape):
    """The certificate with those that lead to its authority, and its key: PEM both."""

    certificate_chain: str
    private_key: str


async def read(visit: Visit) -> Response:
    """GET .../client-certificate: what may be told of it, nulls when there is none."""
    request = pb.GetClientCertificateRequest(account_id=visit.account_id, subscription_id=visit.text("subscription_id"))
    answer = await visit.ask(visit.services.subscriptions.GetClientCertificate, request)
    return JsonAnswer(shown(answer.client_certificate))


async def replace(visit: Visit) -> Response:
    """PUT .../client-certificate"""
    rpc = visit.services.subscriptions.SetClientCertificate
    subscription_id = visit.text("subscription_id")
    hopeless = pb.SetClientCertificateRequest(
        account_id=visit.account_id, subscription_id=subscription_id, certificate_chain=_REFUSED
    )
    body = await visit.read(CertificateBody, rpc, hopeless)
    request = pb.SetClientCertificateRequest(
        account_id=visit.account_id,
        subscription_id=subscription_id,
        certificate_chain=body.certificate_chain or _REFUSED,
        private_key=body.private_key or _REFUSED,
    )
    answer = await visit.ask(rpc, request)
    return JsonAnswer(shown(answer.client_certificate))


async def remove(visit: Visit) -> Response:
    """DELETE .../client-certificate: repeatable."""
    request = pb.SetClientCertificateRequest(account_id=visit.account_id, subscription_id=visit.text("subscription_id"))
    answer = await visit.ask(visit.services.subscriptions.SetClientCertificate, request)
    return JsonAnswer(shown(answer.client_certificate))


def shown(certificate: pb.ClientCertificate) -> dict[str, object]:
    """What callers see: nulls for none."""
    there = bool(certificate.fingerprint)
    return {
        "subject": certificate.subject if there else None,
        "fingerprint": certificate.fingerprint if there else None,
        "expires_at": shown_time(certificate.expire_time),
    }
