"""Protobuf to nouns and back. Invariant: output-only fields of a request are not read."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.etag import etag_of
from runhook.subscription.v1 import account_pb2, subscription_pb2
from runhook.subscription.v1.subscription_service_pb2 import ClientCertificate, RotateSigningSecretRequest
from subscription_svc.account import ENTERPRISE, TEAM, Account, NewAccount
from subscription_svc.client_certificate import Told
from subscription_svc.custom_headers import CustomHeader
from subscription_svc.delivery_settings import DeliverySettings
from subscription_svc.secret import DEFAULT_OVERLAP, SigningSecret, overlap
from subscription_svc.service_token import NewToken, ServiceToken
from subscription_svc.subscription import Configuration, Subscription

PLANS = {
    account_pb2.ACCOUNT_PLAN_UNSPECIFIED: ENTERPRISE,
    account_pb2.ACCOUNT_PLAN_ENTERPRISE: ENTERPRISE,
    account_pb2.ACCOUNT_PLAN_TEAM: TEAM,
}
PLAN_NUMBERS = {ENTERPRISE: account_pb2.ACCOUNT_PLAN_ENTERPRISE, TEAM: account_pb2.ACCOUNT_PLAN_TEAM}
#: For a timestamp that is none: no rule lets it pass.
LONG_AGO = datetime.min.replace(tzinfo=UTC)


def configuration(message: subscription_pb2.Subscription) -> Configuration:
    """What the caller says of the subscription it sends."""
    return Configuration(
        name=message.name,
        description=message.description,
        job_ids=tuple(message.job_ids),
        event_types=tuple(message.event_types),
        client_url=message.client_url,
        active=message.active,
    )


def message(subscription: Subscription) -> subscription_pb2.Subscription:
    """The subscription as callers see it."""
    wish = subscription.configuration
    return subscription_pb2.Subscription(
        subscription_id=subscription.public_id,
        account_id=subscription.account_id,
        account_identifier=subscription.account_identifier,
        name=wish.name,
        description=wish.description,
        job_ids=wish.job_ids,
        event_types=wish.event_types,
        client_url=wish.client_url,
        active=wish.active,
        deactivate_reason=subscription.deactivate_reason or "",
        create_time=timestamp(subscription.created_at),
        update_time=timestamp(subscription.updated_at),
        http_status_code=subscription.last_status_code,
        dispatch_time=timestamp(subscription.last_attempt_at),
        etag=etag_of(subscription.version),
    )


def overlap_of(request: RotateSigningSecretRequest) -> timedelta:
    """How long the old secret is to live. InvalidInput."""
    if not request.HasField("overlap_duration"):
        return DEFAULT_OVERLAP
    return overlap(request.overlap_duration.seconds, request.overlap_duration.nanos)


def secret_messages(secrets: list[SigningSecret]) -> list[subscription_pb2.SigningSecret]:
    """The living secrets as callers see them; the first is the one that signs `Authorization`."""
    return [
        subscription_pb2.SigningSecret(
            create_time=timestamp(secret.created_at),
            expire_time=timestamp(secret.expires_at),
            signs_authorization=place == 0,
        )
        for place, secret in enumerate(secrets)
    ]


def custom_headers(messages: Iterable[subscription_pb2.CustomHeader]) -> list[CustomHeader]:
    """The headers that the caller sends."""
    return [CustomHeader(name=header.name, value=header.value) for header in messages]


def delivery_settings(message: subscription_pb2.DeliverySettings) -> DeliverySettings:
    """What the caller wishes; what is unset is None."""
    schedule = message.retry_schedule if message.HasField("retry_schedule") else None
    return DeliverySettings(
        retry_delays=None if schedule is None else tuple(_seconds(delay) for delay in schedule.delays),
        retry_jitter=schedule.jitter if schedule is not None and schedule.HasField("jitter") else None,
        concurrency=message.concurrency or None,
        rate_per_second=message.rate_per_second or None,
    )


def delivery_settings_message(settings: DeliverySettings) -> subscription_pb2.DeliverySettings:
    """The settings as callers see them."""
    schedule = None
    if settings.retry_delays is not None:
        delays = [_duration(seconds) for seconds in settings.retry_delays]
        schedule = subscription_pb2.RetrySchedule(delays=delays, jitter=settings.retry_jitter)
    return subscription_pb2.DeliverySettings(
        retry_schedule=schedule,
        concurrency=settings.concurrency or 0,
        rate_per_second=settings.rate_per_second or 0,
    )


def certificate_message(told: Told | None) -> ClientCertificate | None:
    """What callers see of a client certificate."""
    if told is None:
        return None
    return ClientCertificate(subject=told.subject, fingerprint=told.fingerprint, expire_time=timestamp(told.expires_at))


def new_account(message: account_pb2.Account) -> NewAccount:
    """What the operator says of the account to be made."""
    return NewAccount(account_id=message.account_id, name=message.name, plan=PLANS.get(message.plan))


def account_message(account: Account) -> account_pb2.Account:
    """The account as callers see it."""
    return account_pb2.Account(
        account_id=account.account_id,
        account_identifier=account.public_id,
        name=account.name,
        plan=PLAN_NUMBERS[account.plan],
        create_time=timestamp(account.created_at),
    )


def new_token(message: account_pb2.ServiceToken) -> NewToken:
    """What the caller says of the token to be made."""
    expires_at = _moment(message.expire_time) if message.HasField("expire_time") else None
    return NewToken(name=message.name, permission_set=message.permission_set, expires_at=expires_at)


def token_message(token: ServiceToken) -> account_pb2.ServiceToken:
    """The token as callers see it, without its text."""
    return account_pb2.ServiceToken(
        token_id=token.token_id,
        account_id=token.account_id,
        name=token.name,
        permission_set=token.permission_set,
        expire_time=timestamp(token.expires_at),
        create_time=timestamp(token.created_at),
        last_use_time=timestamp(token.last_used_at),
        revoke_time=timestamp(token.revoked_at),
    )


def _seconds(length: Duration) -> float:
    """NaN for a length that is none: no rule lets it pass."""
    if not abs(length.nanos) < 1_000_000_000 or length.seconds * length.nanos < 0:
        return math.nan
    return length.seconds + length.nanos / 1e9


def _duration(seconds: float) -> Duration:
    made = Duration()
    made.FromNanoseconds(round(seconds * 1e9))
    return made


def _moment(stamp: Timestamp) -> datetime:
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        return LONG_AGO


def timestamp(moment: datetime | None) -> Timestamp | None:
    """None stays unset."""
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
