"""Protobuf to nouns and back. Invariant: output-only fields of a request are not read."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from runhook.subscription.v1 import account_pb2, subscription_pb2
from runhook.subscription.v1.subscription_service_pb2 import RotateSigningSecretRequest
from subscription_svc.account import ENTERPRISE, TEAM, Account, NewAccount
from subscription_svc.custom_headers import CustomHeader
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
