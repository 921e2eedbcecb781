"""Webhooks as their pages show them: pure functions of what the services say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.console.badge import Badge
from gateway.console.moment import Moment, moment, moment_of, rough
from gateway.console.status_code import in_words
from gateway.console.webhooks.health import health, kind_of, tally, word_of
from runhook.delivery.v1.delivery_pb2 import Delivery
from runhook.subscription.v1.subscription_pb2 import DeliverySettings, SigningSecret, Subscription
from runhook.subscription.v1.subscription_service_pb2 import ClientCertificate

SHOWN_JOBS = 12
PLATFORMS_OWN = "the platform's own"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One of the last deliveries, in the strip of them."""

    delivery_id: int
    kind: str
    word: str
    time: Moment | None


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """A webhook. `marks` are its last deliveries, the oldest first; None when nobody could say."""

    id: str
    name: str
    description: str
    url: str
    active: bool
    deactivate_reason: str
    events: tuple[str, ...]
    jobs: str
    health: Badge
    marks: tuple[Mark, ...] | None
    tally: str
    last_answer: str
    last_sent: Moment | None
    created: Moment | None
    changed: Moment | None

    @property
    def path(self) -> str:
        """Its page."""
        return f"/console/webhooks/{self.id}"


def webhook_view(webhook: Subscription, recent: Sequence[Delivery] | None, now: datetime) -> Webhook:
    """`recent` are its last deliveries, the newest first."""
    return Webhook(
        id=webhook.subscription_id,
        name=webhook.name,
        description=webhook.description,
        url=webhook.client_url,
        active=webhook.active,
        deactivate_reason=webhook.deactivate_reason,
        events=tuple(dict.fromkeys(webhook.event_types)),
        jobs=jobs_in_words(webhook.job_ids),
        health=health(webhook, recent),
        marks=None if recent is None else tuple(_mark(one, now) for one in reversed(recent)),
        tally=tally(recent or ()),
        last_answer=in_words(webhook.http_status_code) if webhook.http_status_code else "",
        last_sent=moment(webhook.dispatch_time, now),
        created=moment(webhook.create_time, now),
        changed=moment(webhook.update_time, now),
    )


def jobs_in_words(job_ids: Sequence[int]) -> str:
    """
    >>> jobs_in_words([]), jobs_in_words([7, 8]), jobs_in_words(range(100))
    ('every job', '7, 8', '0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 88 more')
    """
    if not job_ids:
        return "every job"
    more = f" and {len(job_ids) - SHOWN_JOBS} more" if len(job_ids) > SHOWN_JOBS else ""
    return ", ".join(map(str, job_ids[:SHOWN_JOBS])) + more


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A living signing secret, without its text."""

    created: Moment | None
    ends: Moment | None
    signs: bool


def secret_view(secret: SigningSecret, now: datetime) -> Secret:
    """As its row shows it."""
    return Secret(
        created=moment(secret.create_time, now), ends=moment(secret.expire_time, now), signs=secret.signs_authorization
    )


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A client certificate, without its key."""

    subject: str
    fingerprint: str
    ends: Moment | None
    ended: bool


def certificate_view(certificate: ClientCertificate, now: datetime) -> Certificate | None:
    """None where there is none."""
    if not certificate.fingerprint:
        return None
    ends = certificate.expire_time.ToDatetime(now.tzinfo)
    return Certificate(
        subject=certificate.subject,
        fingerprint=certificate.fingerprint,
        ends=moment_of(ends, now),
        ended=ends <= now,
    )


def settings_in_words(settings: DeliverySettings) -> tuple[tuple[str, str], ...]:
    """Name and value of each delivery setting."""
    return (
        ("Retries", _retries(settings)),
        ("Spread of delays", _jitter(settings)),
        ("Deliveries at once, in each pod", str(settings.concurrency or PLATFORMS_OWN)),
        ("Most a second", f"{settings.rate_per_second:g}" if settings.rate_per_second else "no limit"),
    )


def _retries(settings: DeliverySettings) -> str:
    if not settings.HasField("retry_schedule"):
        return PLATFORMS_OWN
    delays = [rough(delay.ToNanoseconds() / 1e9) for delay in settings.retry_schedule.delays]
    return f"after {', '.join(delays)}" if delays else "none"


def _jitter(settings: DeliverySettings) -> str:
    schedule = settings.retry_schedule
    return f"±{schedule.jitter * 100:g} %" if schedule.HasField("jitter") else PLATFORMS_OWN


def _mark(delivery: Delivery, now: datetime) -> Mark:
    return Mark(
        delivery_id=delivery.delivery_id,
        kind=kind_of(delivery),
        word=word_of(delivery),
        time=moment(delivery.create_time, now),
    )
