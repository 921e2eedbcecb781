"""/api/v1 how a subscription is delivered to. Invariant: null is the platform's own setting, and 0 never stands for it."""

from google.protobuf.duration_pb2 import Duration
from starlette.responses import Response

from gateway.answers import JsonAnswer
from gateway.numbers import Real
from gateway.shapes import Int32, Shape, Some
from gateway.visit import Visit
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.subscription_pb2 import DeliverySettings, RetrySchedule

#: The longest that protobuf writes; services take none as long.
LONGEST_SECONDS = 315_576_000_000
#: In the place of a 0, which protobuf takes for unset: no service takes it.
_REFUSED = -1


class ScheduleBody(Shape):
    """The delays before retries; an empty list is no retry at all. `jitter` null or absent: the platform's own."""

    delays_seconds: Some[Real]
    jitter: Real | None = None


class SettingsBody(Shape):
    """All settings; what is null or absent is the platform's own."""

    retry_schedule: ScheduleBody | None = None
    concurrency: Int32 | None = None
    rate_per_second: Real | None = None


async def read(visit: Visit) -> Response:
    """GET .../delivery-settings"""
    request = pb.GetDeliverySettingsRequest(account_id=visit.account_id, subscription_id=visit.text("subscription_id"))
    answer = await visit.ask(visit.services.subscriptions.GetDeliverySettings, request)
    return JsonAnswer(shown(answer.delivery_settings))


async def replace(visit: Visit) -> Response:
    """PUT .../delivery-settings: what is not sent is not kept."""
    rpc = visit.services.subscriptions.SetDeliverySettings
    subscription_id = visit.text("subscription_id")
    hopeless = pb.SetDeliverySettingsRequest(
        account_id=visit.account_id,
        subscription_id=subscription_id,
        delivery_settings=DeliverySettings(concurrency=_REFUSED),
    )
    body = await visit.read(SettingsBody, rpc, hopeless)
    request = pb.SetDeliverySettingsRequest(
        account_id=visit.account_id, subscription_id=subscription_id, delivery_settings=_settings(body)
    )
    answer = await visit.ask(rpc, request, _name)
    return JsonAnswer(shown(answer.delivery_settings))


def shown(settings: DeliverySettings) -> dict[str, object]:
    """The settings as callers see them."""
    schedule = settings.retry_schedule if settings.HasField("retry_schedule") else None
    return {
        "retry_schedule": None if schedule is None else _shown_schedule(schedule),
        "concurrency": settings.concurrency or None,
        "rate_per_second": settings.rate_per_second or None,
    }


def _shown_schedule(schedule: RetrySchedule) -> dict[str, object]:
    return {
        "delays_seconds": [delay.ToNanoseconds() / 1e9 for delay in schedule.delays],
        "jitter": schedule.jitter if schedule.HasField("jitter") else None,
    }


def _settings(body: SettingsBody) -> DeliverySettings:
    schedule = None
    if body.retry_schedule is not None:
        delays = [_duration(seconds) for seconds in body.retry_schedule.delays_seconds]
        schedule = RetrySchedule(delays=delays, jitter=body.retry_schedule.jitter)
    return DeliverySettings(
        retry_schedule=schedule,
        concurrency=0 if body.concurrency is None else body.concurrency or _REFUSED,
        rate_per_second=0 if body.rate_per_second is None else body.rate_per_second or _REFUSED,
    )


def _duration(seconds: float) -> Duration:
    made = Duration()
    made.FromNanoseconds(round(max(-LONGEST_SECONDS, min(seconds, LONGEST_SECONDS)) * 1e9))
    return made


def _name(field: str) -> str:
    """delivery_settings.retry_schedule.delays[1] > retry_schedule.delays_seconds[1]"""
    return field.removeprefix("delivery_settings.").replace(".delays", ".delays_seconds")
