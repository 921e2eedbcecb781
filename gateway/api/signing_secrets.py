"""/api/v1 signing secrets of a subscription. Invariant: a secret's text is in the answer that made it, and in no other."""

from google.protobuf.duration_pb2 import Duration
from starlette.responses import Response

from gateway.answers import JsonAnswer
from gateway.shapes import Int32, Shape
from gateway.times import shown as shown_time
from gateway.visit import Visit
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.subscription_pb2 import SigningSecret


class RotateBody(Shape):
    """How long the old secret lives beside the new one; null or absent: 24 hours."""

    overlap_seconds: Int32 | None = None


async def list_(visit: Visit) -> Response:
    """GET .../secret: those that live, the one that signs Authorization first."""
    return JsonAnswer(await _living(visit))


async def rotate(visit: Visit) -> Response:
    """POST .../secret/rotate: 201 with the one look at the new secret. The body may be absent."""
    rpc = visit.services.subscriptions.RotateSigningSecret
    subscription_id = visit.text("subscription_id")
    hopeless = pb.RotateSigningSecretRequest(
        account_id=visit.account_id, subscription_id=subscription_id, overlap_duration=Duration(seconds=-1)
    )
    body = await visit.read(RotateBody, rpc, hopeless, optional=True)
    request = pb.RotateSigningSecretRequest(
        account_id=visit.account_id,
        subscription_id=subscription_id,
        overlap_duration=None if body.overlap_seconds is None else Duration(seconds=body.overlap_seconds),
    )
    answer = await visit.ask(rpc, request, _name)
    return JsonAnswer({"hmac_secret": answer.signing_secret, "old_expires_at": shown_time(answer.old_expire_time)}, 201)


async def promote(visit: Visit) -> Response:
    """POST .../secret/promote: ends a rotation at once; 200 with what lives now."""
    request = pb.PromoteSigningSecretRequest(account_id=visit.account_id, subscription_id=visit.text("subscription_id"))
    await visit.ask(visit.services.subscriptions.PromoteSigningSecret, request)
    return JsonAnswer(await _living(visit))


def shown(secret: SigningSecret) -> dict[str, object]:
    """The secret as callers see it, without its text."""
    return {
        "created_at": shown_time(secret.create_time),
        "expires_at": shown_time(secret.expire_time),
        "signs_authorization": secret.signs_authorization,
    }


async def _living(visit: Visit) -> dict[str, object]:
    request = pb.ListSigningSecretsRequest(account_id=visit.account_id, subscription_id=visit.text("subscription_id"))
    answer = await visit.ask(visit.services.subscriptions.ListSigningSecrets, request)
    return {"secrets": [shown(one) for one in answer.signing_secrets]}


def _name(field: str) -> str:
    return "overlap_seconds" if field == "overlap_duration" else field
