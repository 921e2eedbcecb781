"""SubscriptionService: parse, call one verb, convert. Invariant: who may not call learns and changes nothing."""

import asyncpg

from chassis.keyring import KeyRing
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceServicer
from subscription_svc import convert, look_up, rights
from subscription_svc.admission import Admission, Context
from subscription_svc.deactivate import deactivate
from subscription_svc.finder import Finder
from subscription_svc.rotate import promote, rotate
from subscription_svc.set_certificate import set_certificate
from subscription_svc.set_delivery_settings import set_delivery_settings
from subscription_svc.set_headers import set_headers
from subscription_svc.subscribe import Subscriber
from subscription_svc.subscription import event_types_of
from subscription_svc.unsubscribe import unsubscribe
from subscription_svc.update import update


class Servicer(SubscriptionServiceServicer):
    """The calls about subscriptions, their secrets and how they are delivered to."""

    def __init__(self, pool: asyncpg.Pool, key_ring: KeyRing, admission: Admission, subscriber: Subscriber) -> None:
        self._pool = pool
        self._finder = Finder(pool)
        self._key_ring = key_ring
        self._admission = admission
        self._subscriber = subscriber

    async def CreateSubscription(
        self, request: pb.CreateSubscriptionRequest, context: Context
    ) -> pb.CreateSubscriptionResponse:
        """Makes a subscription; the only answer with its secret."""
        await self._admission.writer(context, request.subscription.account_id)
        made, secret = await self._subscriber.subscribe(
            request.subscription.account_id, convert.configuration(request.subscription)
        )
        return pb.CreateSubscriptionResponse(subscription=convert.message(made), signing_secret=secret)

    async def GetSubscription(self, request: pb.GetSubscriptionRequest, context: Context) -> pb.GetSubscriptionResponse:
        """Returns one subscription."""
        await self._admission.one_of(context, request.account_id, rights.READ)
        found = await self._finder.find(request.account_id, request.subscription_id)
        return pb.GetSubscriptionResponse(subscription=convert.message(found))

    async def ListSubscriptions(
        self, request: pb.ListSubscriptionsRequest, context: Context
    ) -> pb.ListSubscriptionsResponse:
        """Returns one page."""
        await self._admission.one_of(context, request.account_id, rights.READ)
        found, total = await look_up.page(
            self._pool, request.account_id, page_size=request.page_size, skip=request.skip
        )
        return pb.ListSubscriptionsResponse(subscriptions=[convert.message(one) for one in found], total_size=total)

    async def UpdateSubscription(
        self, request: pb.UpdateSubscriptionRequest, context: Context
    ) -> pb.UpdateSubscriptionResponse:
        """Replaces a subscription's configuration."""
        wanted = request.subscription
        await self._admission.writer(context, wanted.account_id)
        event_types = event_types_of(wanted.account_id, self._subscriber.operator_account_id)
        after = await update(
            self._pool,
            wanted.account_id,
            wanted.subscription_id,
            convert.configuration(wanted),
            event_types,
            etag=request.etag,
        )
        return pb.UpdateSubscriptionResponse(subscription=convert.message(after))

    async def DeleteSubscription(
        self, request: pb.DeleteSubscriptionRequest, context: Context
    ) -> pb.DeleteSubscriptionResponse:
        """Deletes a subscription."""
        await self._admission.writer(context, request.account_id)
        await unsubscribe(self._pool, request.account_id, request.subscription_id)
        return pb.DeleteSubscriptionResponse()

    async def RotateSigningSecret(
        self, request: pb.RotateSigningSecretRequest, context: Context
    ) -> pb.RotateSigningSecretResponse:
        """Makes a second signing secret; the only answer with it."""
        await self._admission.writer(context, request.account_id)
        overlap = convert.overlap_of(request)
        secret, ends_at = await rotate(self._pool, self._key_ring, request.account_id, request.subscription_id, overlap)
        return pb.RotateSigningSecretResponse(signing_secret=secret, old_expire_time=convert.timestamp(ends_at))

    async def PromoteSigningSecret(
        self, request: pb.PromoteSigningSecretRequest, context: Context
    ) -> pb.PromoteSigningSecretResponse:
        """Ends a rotation: the new secret is the only one."""
        await self._admission.writer(context, request.account_id)
        await promote(self._pool, request.account_id, request.subscription_id)
        return pb.PromoteSigningSecretResponse()

    async def ListSigningSecrets(
        self, request: pb.ListSigningSecretsRequest, context: Context
    ) -> pb.ListSigningSecretsResponse:
        """Tells of the secrets that live."""
        await self._admission.one_of(context, request.account_id, rights.READ)
        found = await look_up.signing_secrets(self._pool, request.account_id, request.subscription_id)
        return pb.ListSigningSecretsResponse(signing_secrets=convert.secret_messages(found))

    async def SetCustomHeaders(
        self, request: pb.SetCustomHeadersRequest, context: Context
    ) -> pb.SetCustomHeadersResponse:
        """Replaces the headers that go out with every delivery."""
        await self._admission.writer(context, request.account_id)
        headers = convert.custom_headers(request.custom_headers)
        await set_headers(self._pool, self._key_ring, request.account_id, request.subscription_id, headers)
        return pb.SetCustomHeadersResponse(names=[header.name for header in headers])

    async def ListCustomHeaders(
        self, request: pb.ListCustomHeadersRequest, context: Context
    ) -> pb.ListCustomHeadersResponse:
        """Names those headers."""
        await self._admission.one_of(context, request.account_id, rights.READ)
        names = await look_up.names_of_headers(self._pool, self._key_ring, request.account_id, request.subscription_id)
        return pb.ListCustomHeadersResponse(names=names)

    async def SetDeliverySettings(
        self, request: pb.SetDeliverySettingsRequest, context: Context
    ) -> pb.SetDeliverySettingsResponse:
        """Replaces how a subscription is delivered to."""
        await self._admission.writer(context, request.account_id)
        settings = convert.delivery_settings(request.delivery_settings)
        await set_delivery_settings(self._pool, request.account_id, request.subscription_id, settings)
        return pb.SetDeliverySettingsResponse(delivery_settings=convert.delivery_settings_message(settings))

    async def GetDeliverySettings(
        self, request: pb.GetDeliverySettingsRequest, context: Context
    ) -> pb.GetDeliverySettingsResponse:
        """Returns how it is delivered to."""
        await self._admission.one_of(context, request.account_id, rights.READ)
        found = await look_up.delivery_settings(self._pool, request.account_id, request.subscription_id)
        return pb.GetDeliverySettingsResponse(delivery_settings=convert.delivery_settings_message(found))

    async def SetClientCertificate(
        self, request: pb.SetClientCertificateRequest, context: Context
    ) -> pb.SetClientCertificateResponse:
        """Replaces the client certificate, or takes it away."""
        await self._admission.writer(context, request.account_id)
        told = await set_certificate(
            self._pool,
            self._key_ring,
            request.account_id,
            request.subscription_id,
            certificate_chain=request.certificate_chain,
            private_key=request.private_key,
        )
        return pb.SetClientCertificateResponse(client_certificate=convert.certificate_message(told))

    async def GetClientCertificate(
        self, request: pb.GetClientCertificateRequest, context: Context
    ) -> pb.GetClientCertificateResponse:
        """Tells of it."""
        await self._admission.one_of(context, request.account_id, rights.READ)
        told = await look_up.told_of_certificate(self._pool, request.account_id, request.subscription_id)
        return pb.GetClientCertificateResponse(client_certificate=convert.certificate_message(told))

    async def DeactivateSubscription(
        self, request: pb.DeactivateSubscriptionRequest, context: Context
    ) -> pb.DeactivateSubscriptionResponse:
        """Sets a subscription inactive."""
        await self._admission.our_own(context)
        deactivated = await deactivate(
            self._pool, request.account_id, request.subscription_id, version=request.version, reason=request.reason
        )
        return pb.DeactivateSubscriptionResponse(deactivated=deactivated)
