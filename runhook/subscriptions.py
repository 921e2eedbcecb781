"""Subscriptions, their signing secrets and their custom headers."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from runhook.connection import Connection
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.subscription_pb2 import CustomHeader, SigningSecret, Subscription
from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from runhook.timestamps import duration_of

if TYPE_CHECKING:
    from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceAsyncStub


class Subscriptions:
    """Who wants what, where, signed how."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> "SubscriptionServiceAsyncStub":
        return SubscriptionServiceStub(self._connection.channel)

    async def create(
        self,
        account_id: int,
        *,
        name: str,
        client_url: str,
        event_types: Sequence[str],
        job_ids: Sequence[int] = (),
        description: str = "",
        active: bool = True,
    ) -> pb.CreateSubscriptionResponse:
        """Makes a subscription. The answer's `signing_secret` is shown this once. Without job_ids it wants every job's."""
        wanted = Subscription(
            account_id=account_id,
            name=name,
            description=description,
            job_ids=job_ids,
            event_types=event_types,
            client_url=client_url,
            active=active,
        )
        request = pb.CreateSubscriptionRequest(subscription=wanted)
        return await self._connection.call(self._stub.CreateSubscription, request, repeatable=False)

    async def get(self, account_id: int, subscription_id: str) -> Subscription:
        """One subscription. NotFound."""
        request = pb.GetSubscriptionRequest(account_id=account_id, subscription_id=subscription_id)
        answer = await self._connection.call(self._stub.GetSubscription, request, repeatable=True)
        return answer.subscription

    async def list(self, account_id: int, *, page_size: int = 100) -> AsyncIterator[Subscription]:
        """All of an account, in the order of their making. One that is deleted meanwhile may hide the next from the listing."""
        seen = 0
        while True:
            request = pb.ListSubscriptionsRequest(account_id=account_id, page_size=page_size, skip=seen)
            page = await self._connection.call(self._stub.ListSubscriptions, request, repeatable=True)
            for subscription in page.subscriptions:
                yield subscription
            seen += len(page.subscriptions)
            if not page.subscriptions or seen >= page.total_size:
                return

    async def update(self, subscription: Subscription) -> Subscription:
        """Replaces the configuration as a whole: get it, change what is to change, update. NotFound."""
        request = pb.UpdateSubscriptionRequest(subscription=subscription)
        answer = await self._connection.call(self._stub.UpdateSubscription, request, repeatable=True)
        return answer.subscription

    async def delete(self, account_id: int, subscription_id: str) -> None:
        """Deletes a subscription. NotFound when it is gone already."""
        request = pb.DeleteSubscriptionRequest(account_id=account_id, subscription_id=subscription_id)
        await self._connection.call(self._stub.DeleteSubscription, request, repeatable=False)

    async def rotate_secret(
        self, account_id: int, subscription_id: str, *, overlap: timedelta | None = None
    ) -> pb.RotateSigningSecretResponse:
        """Makes a second signing secret, shown this once. FailedPrecondition, "ROTATION_UNDER_WAY", while two live.

        The old one lives on for the overlap, 0 to 7 days, and signs Authorization; None means 24 hours.
        """
        request = pb.RotateSigningSecretRequest(
            account_id=account_id, subscription_id=subscription_id, overlap_duration=duration_of(overlap)
        )
        return await self._connection.call(self._stub.RotateSigningSecret, request, repeatable=False)

    async def promote_secret(self, account_id: int, subscription_id: str) -> None:
        """Ends the overlap at once: the new secret is the only one. FailedPrecondition, "NO_ROTATION", when one lives."""
        request = pb.PromoteSigningSecretRequest(account_id=account_id, subscription_id=subscription_id)
        await self._connection.call(self._stub.PromoteSigningSecret, request, repeatable=False)

    async def list_secrets(self, account_id: int, subscription_id: str) -> Sequence[SigningSecret]:
        """The secrets that live, without their text; the one that signs Authorization first."""
        request = pb.ListSigningSecretsRequest(account_id=account_id, subscription_id=subscription_id)
        answer = await self._connection.call(self._stub.ListSigningSecrets, request, repeatable=True)
        return answer.signing_secrets

    async def set_headers(self, account_id: int, subscription_id: str, headers: Mapping[str, str]) -> Sequence[str]:
        """Replaces the headers that go out with every delivery; returns their names. Their values are never shown again."""
        request = pb.SetCustomHeadersRequest(
            account_id=account_id,
            subscription_id=subscription_id,
            custom_headers=[CustomHeader(name=name, value=value) for name, value in headers.items()],
        )
        answer = await self._connection.call(self._stub.SetCustomHeaders, request, repeatable=True)
        return answer.names

    async def list_headers(self, account_id: int, subscription_id: str) -> Sequence[str]:
        """The names of the headers that go out with every delivery."""
        request = pb.ListCustomHeadersRequest(account_id=account_id, subscription_id=subscription_id)
        answer = await self._connection.call(self._stub.ListCustomHeaders, request, repeatable=True)
        return answer.names
