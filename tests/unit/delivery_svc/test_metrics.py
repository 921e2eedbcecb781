"""What a recorded group leaves behind in the metrics, and what that costs."""

import random
import time

import pytest
from prometheus_client import REGISTRY

from delivery_svc import metrics
from delivery_svc.delivery import Attempt, Delivery, Profile, Settled
from delivery_svc.event import Event, EventType
from delivery_svc.retry import Outcome
from delivery_svc.sending.exchange import ErrorClass, Exchange, unanswered

PUBLISHED_US = 1_700_000_000_000_000
EVENT = Event("wev_" + "0" * 27, 1, EventType.COMPLETED, 1, PUBLISHED_US * 1000, b"{}")
PROFILE = Profile(
    subscription_id=1, version=1, public_id="wsu_1", name="test", endpoint=None, secrets=(), unsendable=""
)


def _delivery(number: int) -> Delivery:
    return Delivery(
        id=number,
        event=EVENT,
        profile=PROFILE,
        webhook_name="test",
        published_us=PUBLISHED_US,
        attempts=0,
        epoch=1,
    )


def _attempted(exchange: Exchange, *, after: float = 0.002, number: int = 1, state: str | None = None) -> Settled:
    outcome = Outcome.SUCCEEDED if exchange.succeeded else Outcome.RETRYABLE
    attempt = Attempt(1, number, PUBLISHED_US + int(after * 1_000_000), outcome, exchange)
    return Settled(_delivery(1), attempt, "SUCCEEDED" if exchange.succeeded else state)


def _answered(status_code: int, seconds: float = 0.004) -> Exchange:
    return Exchange(status_code, ErrorClass.NONE, "", None, b"", seconds)


def _shown() -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in REGISTRY.collect()
        if family.name.startswith("runhook_delivery_")
        for sample in family.samples
        if not sample.name.endswith(("_created", "_bucket"))
    }


def _moved_by(group: list[Settled]) -> dict[str, float]:
    before = _shown()
    metrics.observe(group)
    moved = {key: value - before.get(key, 0.0) for key, value in _shown().items()}
    return {
        " ".join((name.removeprefix("runhook_delivery_"), *labels)): round(value, 9)
        for (name, labels), value in moved.items()
        if value
    }


def test_a_success_counts_once_with_its_three_times() -> None:
    assert _moved_by([_attempted(_answered(204, 0.004), after=0.002)]) == {
        "attempts_total succeeded 2xx": 1,
        "finished_total SUCCEEDED": 1,
        "latency_seconds_count answer": 1,
        "latency_seconds_sum answer": 0.004,
        "latency_seconds_count first_attempt": 1,
        "latency_seconds_sum first_attempt": 0.002,
        "latency_seconds_count end_to_end": 1,
        "latency_seconds_sum end_to_end": 0.006,
    }


@pytest.mark.parametrize(
    ("status_code", "shown"), [(304, "3xx"), (404, "4xx"), (503, "5xx"), (799, "other"), (199, "other")]
)
def test_a_failed_retry_counts_by_the_class_of_its_status(status_code: int, shown: str) -> None:
    assert _moved_by([_attempted(_answered(status_code, 0.5), number=2, state="FAILED")]) == {
        f"attempts_total retryable {shown}": 1,
        "finished_total FAILED": 1,
        "retries_total": 1,
        "latency_seconds_count answer": 1,
        "latency_seconds_sum answer": 0.5,
    }


@pytest.mark.parametrize("error", [one for one in ErrorClass if one is not ErrorClass.NONE])
@pytest.mark.parametrize("phase", ["", "connect", "body"])
def test_an_attempt_without_an_answer_counts_by_its_error_and_phase(error: ErrorClass, phase: str) -> None:
    moved = _moved_by([_attempted(unanswered(error, "No.", 10.0, phase))] * 3)
    assert moved["attempts_total retryable none"] == 3
    assert moved[f"attempt_errors_total {error.value} {phase or 'none'}"] == 3
    assert [key for key in moved if key.startswith("finished")] == []


def test_what_was_not_attempted_has_no_times() -> None:
    group = [
        Settled(_delivery(1), state="CANCELLED", reason="subscription_deleted"),
        Settled(_delivery(2), parked=True),
        Settled(_delivery(3), parked=True),
        Settled(_delivery(4)),
    ]
    assert _moved_by(group) == {"finished_total CANCELLED": 1, "parked_total": 2}


def test_a_clock_that_is_behind_makes_no_time_negative() -> None:
    moved = _moved_by([_attempted(_answered(200, 0.004), after=-0.001)])
    assert moved["latency_seconds_sum end_to_end"] == 0.004
    assert "latency_seconds_sum first_attempt" not in moved


def test_milliseconds_can_be_told_apart() -> None:
    for low, high in ((0.001, 0.002), (0.003, 0.004), (0.01, 0.015), (0.03, 0.045), (0.08, 0.12)):
        assert [bound for bound in metrics.BUCKETS if low <= bound <= high] == [low, high]


def test_a_delivery_of_a_full_group_costs_far_less_than_a_microsecond_to_observe() -> None:
    chance = random.Random(1)
    group = [_attempted(_answered(200, chance.expovariate(200)), after=chance.expovariate(250)) for _ in range(2000)]
    best = float("inf")
    for _ in range(30):
        started = time.perf_counter()
        metrics.observe(group)
        best = min(best, time.perf_counter() - started)
    assert best / len(group) < 1e-6
