"""A webhook's health at a glance: one word from its state and its last deliveries. No I/O."""

from collections import Counter
from collections.abc import Sequence

from gateway.console.badge import Badge
from runhook.delivery.v1.delivery_pb2 import Delivery, DeliveryState
from runhook.subscription.v1.subscription_pb2 import Subscription

RETRIED, UNKNOWN = "to be retried", "unknown"
#: Kind and word of a delivery's state.
STATES = {
    DeliveryState.DELIVERY_STATE_PENDING: ("wait", "waiting"),
    DeliveryState.DELIVERY_STATE_DELIVERING: ("busy", "under way"),
    DeliveryState.DELIVERY_STATE_SUCCEEDED: ("good", "delivered"),
    DeliveryState.DELIVERY_STATE_FAILED: ("bad", "failed"),
    DeliveryState.DELIVERY_STATE_CANCELLED: ("off", "cancelled"),
}


def health(webhook: Subscription, recent: Sequence[Delivery] | None) -> Badge:
    """`recent` are its last deliveries, the newest first; None when nobody could say."""
    if webhook.deactivate_reason and not webhook.active:
        return Badge("bad", "Deactivated")
    if not webhook.active:
        return Badge("off", "Paused")
    if recent is None:
        return _by_last_answer(webhook)
    if not recent:
        return _by_last_answer(webhook) if webhook.HasField("dispatch_time") else Badge("wait", "Nothing sent yet")
    kinds = [kind for kind in map(kind_of, recent) if kind in ("good", "bad", "warn")]
    if not kinds:
        return Badge("wait", "Waiting")
    if kinds[0] == "bad" or "good" not in kinds:
        return Badge("bad", "Failing")
    if kinds[0] == "warn":
        return Badge("warn", "Retrying")
    return Badge("good", "Healthy") if "bad" not in kinds else Badge("warn", "Some failed")


def tally(recent: Sequence[Delivery]) -> str:
    """What became of the last deliveries, in numbers; empty for none.

    >>> tally([Delivery(state=DeliveryState.DELIVERY_STATE_FAILED), Delivery(state=DeliveryState.DELIVERY_STATE_SUCCEEDED)])
    'Of the last 2: 1 delivered, 1 failed'
    """
    counts = Counter(map(word_of, recent))
    words = (*(word for _, word in STATES.values()), RETRIED, UNKNOWN)
    told = ", ".join(f"{counts[word]} {word}" for word in words if word in counts)
    return f"Of the last {len(recent)}: {told}" if recent else ""


def kind_of(delivery: Delivery) -> str:
    """The kind of its state; one that waits after an attempt that failed is a warning."""
    kind, _ = STATES.get(delivery.state, ("off", ""))
    return "warn" if kind in ("wait", "busy") and delivery.attempt_count else kind


def word_of(delivery: Delivery) -> str:
    """The same in a word."""
    _, word = STATES.get(delivery.state, ("off", UNKNOWN))
    return RETRIED if kind_of(delivery) == "warn" else word


def _by_last_answer(webhook: Subscription) -> Badge:
    if not webhook.HasField("dispatch_time"):
        return Badge("wait", "Nothing sent yet")
    if 200 <= webhook.http_status_code < 300:
        return Badge("good", f"Answers {webhook.http_status_code}")
    if webhook.http_status_code:
        return Badge("warn", f"Answers {webhook.http_status_code}")
    return Badge("warn", "No answer")
