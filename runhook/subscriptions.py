"""Subscriptions, their signing secrets and custom headers, and how they are delivered to."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from runhook.connection import Connection
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.subscription_pb2 import (
    CustomHeader,
    DeliverySettings,
    RetrySchedule,
    SigningSecret,
    Subscription,
)
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

    async def update(self, subscription: Subscription, *, etag: str = "") -> Subscription:
        """Replaces the configuration as a whole: get it, change what is to change, update. NotFound.

        With the etag that it was read with: FailedPrecondition, "ETAG_MISMATCH", when it has changed since.
        """
        request = pb.UpdateSubscriptionRequest(subscription=subscription, etag=etag)
        answer = await self._connection.call(self._stub.UpdateSubscription, request, repeatable=not etag)
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

    async def set_delivery_settings(
        self,
        account_id: int,
        subscription_id: str,
        *,
        retry_delays: Sequence[timedelta] | None = None,
        jitter: float | None = None,
        concurrency: int | None = None,
        rate_per_second: float | None = None,
    ) -> DeliverySettings:
        """Replaces how it is delivered to, all of it: None leaves a setting to the platform.

        `retry_delays` are waited for before each retry, none for no retry; `jitter` (0 to 1) spreads them. ValueError for a
        jitter without delays and for a 0, which would mean the platform's own.
        """
        if jitter is not None and retry_delays is None:
            raise ValueError("jitter goes with retry_delays: the platform's delays have their own")
        if concurrency == 0 or rate_per_second == 0:
            raise ValueError("0 is no setting: None leaves it to the platform")
        schedule = None
        if retry_delays is not None:
            schedule = RetrySchedule(delays=[duration_of(delay) for delay in retry_delays], jitter=jitter)
        settings = DeliverySettings(
            retry_schedule=schedule, concurrency=concurrency or 0, rate_per_second=rate_per_second or 0
        )
        request = pb.SetDeliverySettingsRequest(
            account_id=account_id, subscription_id=subscription_id, delivery_settings=settings
        )
        answer = await self._connection.call(self._stub.SetDeliverySettings, request, repeatable=True)
        return answer.delivery_settings

    async def get_delivery_settings(self, account_id: int, subscription_id: str) -> DeliverySettings:
        """How it is delivered to; what is unset is the platform's own."""
        request = pb.GetDeliverySettingsRequest(account_id=account_id, subscription_id=subscription_id)
        answer = await self._connection.call(self._stub.GetDeliverySettings, request, repeatable=True)
        return answer.delivery_settings

    async def set_client_certificate(
        self, account_id: int, subscription_id: str, *, certificate_chain: str, private_key: str
    ) -> pb.ClientCertificate:
        """Replaces the certificate that is shown to the endpoint (mTLS); PEM both. The key is never shown again.

        InvalidInput when the two do not belong together or the certificate has ended; ValueError when one is empty.
        """
        if not certificate_chain or not private_key:
            raise ValueError("a client certificate and its key go together; clear_client_certificate takes both away")
        request = pb.SetClientCertificateRequest(
            account_id=account_id,
            subscription_id=subscription_id,
            certificate_chain=certificate_chain,
            private_key=private_key,
        )
        answer = await self._connection.call(self._stub.SetClientCertificate, request, repeatable=True)
        return answer.client_certificate

    async def clear_client_certificate(self, account_id: int, subscription_id: str) -> None:
        """Takes the client certificate away."""
        request = pb.SetClientCertificateRequest(account_id=account_id, subscription_id=subscription_id)
        await self._connection.call(self._stub.SetClientCertificate, request, repeatable=True)

    async def get_client_certificate(self, account_id: int, subscription_id: str) -> pb.ClientCertificate | None:
        """What may be told of its client certificate; None when it has none."""
        request = pb.GetClientCertificateRequest(account_id=account_id, subscription_id=subscription_id)
        answer = await self._connection.call(self._stub.GetClientCertificate, request, repeatable=True)
        return answer.client_certificate if answer.HasField("client_certificate") else None
