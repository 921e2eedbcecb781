"""Protobuf to nouns and back. Invariant: output-only fields of a request are not read."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from runhook.subscription.v1 import subscription_pb2
from subscription_svc.subscription import Configuration, Subscription


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
        create_time=_timestamp(subscription.created_at),
        update_time=_timestamp(subscription.updated_at),
        http_status_code=subscription.last_status_code,
        dispatch_time=None if subscription.last_attempt_at is None else _timestamp(subscription.last_attempt_at),
    )


def _timestamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
