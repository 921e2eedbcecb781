"""How a webhook is delivered to: retries, deliveries at once, rate. An empty field is the platform's own setting."""

import math
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration
from starlette.responses import Response

from gateway import numbers
from gateway.console.form import Form
from gateway.console.page import Page
from gateway.console.visit import ConsoleVisit
from gateway.console.webhooks.asking import ID, page_of, webhook
from gateway.http_errors import HttpError
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.subscription_pb2 import DeliverySettings, RetrySchedule

_TEMPLATE = "webhooks/delivery_settings.html"
_PREFIX = "delivery_settings."
_LONGEST_SECONDS = 315_576_000_000
#: In the place of what is no number, or of a 0, which protobuf takes for unset: no service takes it.
_REFUSED = -1


@dataclass(frozen=True, kw_only=True)
class SettingsForm:
    """Text as people type it; `retries` is "default", "none" or "own"."""

    retries: str = "default"
    delays: str = ""
    jitter: str = ""
    concurrency: str = ""
    rate_per_second: str = ""

    def settings(self) -> DeliverySettings:
        """What the service is asked to store."""
        return DeliverySettings(
            retry_schedule=self._schedule(),
            concurrency=_whole(self.concurrency),
            rate_per_second=(_real(self.rate_per_second) or _REFUSED) if self.rate_per_second.strip() else 0,
        )

    def _schedule(self) -> RetrySchedule | None:
        if self.retries == "default":
            return None
        words = self.delays.replace(",", " ").split() if self.retries == "own" else []
        delays = [_duration(word) for word in words]
        if self.retries == "own" and not delays:
            delays = [_duration("")]
        return RetrySchedule(delays=delays, jitter=_real(self.jitter) if self.jitter.strip() else None)


def filled_in(form: Form) -> SettingsForm:
    """As it was sent."""
    return SettingsForm(
        retries=form.text("retries"),
        delays=form.text("retry_schedule.delays"),
        jitter=form.text("retry_schedule.jitter"),
        concurrency=form.text("concurrency"),
        rate_per_second=form.text("rate_per_second"),
    )


def stored(settings: DeliverySettings) -> SettingsForm:
    """As they stand."""
    schedule = settings.retry_schedule
    own = "own" if schedule.delays else "none"
    return SettingsForm(
        retries=own if settings.HasField("retry_schedule") else "default",
        delays=" ".join(f"{delay.ToNanoseconds() / 1e9:g}" for delay in schedule.delays),
        jitter=f"{schedule.jitter:g}" if schedule.HasField("jitter") else "",
        concurrency=str(settings.concurrency or ""),
        rate_per_second=f"{settings.rate_per_second:g}" if settings.rate_per_second else "",
    )


async def edit(visit: ConsoleVisit) -> Response:
    """GET /console/webhooks/{webhook_id}/delivery-settings"""
    request = pb.GetDeliverySettingsRequest(account_id=visit.account_id, subscription_id=visit.text(ID))
    answer = await visit.ask(visit.services.subscriptions.GetDeliverySettings, request)
    return visit.page(_TEMPLATE, webhook=await webhook(visit), form=stored(answer.delivery_settings))


async def change(visit: ConsoleVisit) -> Response:
    """POST /console/webhooks/{webhook_id}/delivery-settings"""
    found, form = await webhook(visit), filled_in(visit.form)
    request = pb.SetDeliverySettingsRequest(
        account_id=visit.account_id, subscription_id=visit.text(ID), delivery_settings=form.settings()
    )
    try:
        await visit.ask(visit.services.subscriptions.SetDeliverySettings, request)
    except HttpError as error:
        return visit.refused(_TEMPLATE, error, prefix=_PREFIX, webhook=found, form=form)
    return visit.redirect(page_of(visit), done="delivery_settings_changed")


def _whole(text: str) -> int:
    if not text.strip():
        return 0
    return min(numbers.decimal(text.strip()) or _REFUSED, numbers.LARGEST_OF_32_BITS)


def _real(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return _REFUSED
    return number if math.isfinite(number) else _REFUSED


def _duration(text: str) -> Duration:
    made = Duration()
    made.FromNanoseconds(round(max(-_LONGEST_SECONDS, min(_real(text), _LONGEST_SECONDS)) * 1e9))
    return made


PAGES = (
    Page("GET", "/console/webhooks/{webhook_id}/delivery-settings", edit),
    Page("POST", "/console/webhooks/{webhook_id}/delivery-settings", change),
)
