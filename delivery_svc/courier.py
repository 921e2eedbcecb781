"""The courier: makes a signed POST of a delivery, and of its exchange what is to be recorded."""

import random
from collections.abc import Callable

from chassis import tracing
from chassis.clock import DatabaseClock
from delivery_svc.delivery import Attempt, Delivery, Profile, Settled
from delivery_svc.event import Event
from delivery_svc.head import render_head
from delivery_svc.payload import render_body
from delivery_svc.retry import Outcome, RetryPolicy, next_step
from delivery_svc.sending.exchange import ErrorClass, Exchange
from delivery_svc.sending.sender import Sender


class Courier:
    """Knows the sender, the platform's retry schedule and the clock; keeps nothing."""

    def __init__(
        self, *, sender: Sender, policy: RetryPolicy, clock: DatabaseClock, attempt_id: Callable[[], int]
    ) -> None:
        self._sender = sender
        self._policy = policy
        self._clock = clock
        self._attempt_id = attempt_id

    def send(self, delivery: Delivery, done: Callable[[Exchange], None]) -> None:
        """Begins the next attempt. A delivery whose profile is unsendable never comes here."""
        traceparent = delivery.event.traceparent
        if traceparent is not None and tracing.on():
            traceparent = _begin_span(delivery, traceparent)
        delivery.began_us = self.post(delivery.profile, delivery.event, delivery.webhook_name, done, traceparent)

    def post(
        self,
        profile: Profile,
        event: Event,
        webhook_name: str,
        done: Callable[[Exchange], None],
        traceparent: str | None = None,
    ) -> int:
        """Begins a signed POST; when that was, in microseconds since 1970. The profile has an endpoint and a secret."""
        assert profile.endpoint is not None
        now_us = self._clock.now_us()
        body = render_body(event, profile.public_id, webhook_name)
        head = render_head(profile.keys(now_us), event.event_id, now_us, body, profile.custom_head, traceparent)
        self._sender.send(profile.endpoint, head, body, done)
        return now_us

    def settle(self, delivery: Delivery, exchange: Exchange) -> Settled:
        """Judges an attempt. One that this process cut short by stopping is given back: it says nothing of the endpoint."""
        if delivery.span is not None:
            _end_span(delivery, delivery.span, exchange)
        if exchange.error is ErrorClass.SHUTDOWN:
            return Settled(delivery)
        delivery.attempts += 1
        made = delivery.attempts - (delivery.redelivery or 0)  # a redelivery begins the schedule afresh
        step = next_step(made, exchange, delivery.profile.retry or self._policy, random.random())
        attempt = Attempt(
            id=self._attempt_id(),
            number=delivery.attempts,
            began_us=delivery.began_us,
            outcome=step.outcome,
            exchange=exchange,
        )
        if step.delay is not None:
            return Settled(delivery, attempt, delay=step.delay)
        if step.outcome is Outcome.SUCCEEDED:
            return Settled(delivery, attempt, state="SUCCEEDED")
        return Settled(delivery, attempt, state="FAILED")


def _begin_span(delivery: Delivery, parent: str) -> str:
    """Begins the attempt's span, where its trace is told; what the receiver gets as its traceparent."""
    attributes: dict[str, tracing.Value] = {
        "http.request.method": "POST",
        "runhook.account.id": delivery.event.account_id,
        "runhook.event.id": delivery.event.event_id,
        "runhook.event.type": delivery.event.event_type,
        "runhook.subscription.id": delivery.profile.public_id,
        "runhook.delivery.attempt": delivery.attempts + 1,
    }
    delivery.span = tracing.begin("deliver", "client", parent=parent, attributes=attributes)
    return parent if delivery.span is None else delivery.span.traceparent


def _end_span(delivery: Delivery, span: tracing.Span, exchange: Exchange) -> None:
    delivery.span = None
    if exchange.status_code:
        span.note({"http.response.status_code": exchange.status_code})
    why = str(exchange.status_code) if exchange.error is ErrorClass.NONE else str(exchange.error)
    span.end("" if exchange.succeeded else why)
