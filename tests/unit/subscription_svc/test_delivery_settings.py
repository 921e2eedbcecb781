"""Which delivery settings are sound: every edge of every rule."""

import math
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from runhook.subscription.v1.subscription_pb2 import DeliverySettings as Message
from runhook.subscription.v1.subscription_pb2 import RetrySchedule
from subscription_svc import convert
from subscription_svc.delivery_settings import THE_PLATFORMS, DeliverySettings, broken_rules

SOUND: list[dict[str, Any]] = [
    {},
    {"retry_delays": ()},
    {"retry_delays": (0.1, 86_400.0)},
    {"retry_delays": (1.0,) * 20, "retry_jitter": 0.0},
    {"retry_delays": (1.0,), "retry_jitter": 1.0},
    {"concurrency": 1},
    {"concurrency": 1_000},
    {"rate_per_second": 1e-9},
    {"rate_per_second": 10_000.0},
]
BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"retry_delays": (0.099,)}, "retry_schedule.delays[0]"),
    ({"retry_delays": (1.0, 86_400.001)}, "retry_schedule.delays[1]"),
    ({"retry_delays": (-1.0,)}, "retry_schedule.delays[0]"),
    ({"retry_delays": (math.nan,)}, "retry_schedule.delays[0]"),
    ({"retry_delays": (1.0,) * 20 + (0.0,)}, "retry_schedule.delays"),
    ({"retry_delays": (1.0,), "retry_jitter": -0.001}, "retry_schedule.jitter"),
    ({"retry_delays": (1.0,), "retry_jitter": 1.001}, "retry_schedule.jitter"),
    ({"retry_delays": (1.0,), "retry_jitter": math.nan}, "retry_schedule.jitter"),
    ({"concurrency": -1}, "concurrency"),
    ({"concurrency": 1_001}, "concurrency"),
    ({"rate_per_second": -0.1}, "rate_per_second"),
    ({"rate_per_second": 10_000.1}, "rate_per_second"),
    ({"rate_per_second": math.inf}, "rate_per_second"),
    ({"rate_per_second": math.nan}, "rate_per_second"),
]


@pytest.mark.parametrize("settings", SOUND)
def test_settings_up_to_their_bounds_pass(settings: dict[str, Any]) -> None:
    assert broken_rules(DeliverySettings(**settings)) == []


@pytest.mark.parametrize(("settings", "field"), BROKEN)
def test_settings_beyond_their_bounds_are_named(settings: dict[str, Any], field: str) -> None:
    assert [bad.field for bad in broken_rules(DeliverySettings(**settings))] == [f"delivery_settings.{field}"]


@pytest.mark.parametrize(
    "delay",
    [Duration(seconds=1, nanos=-1), Duration(seconds=-1, nanos=1), Duration(seconds=1, nanos=1_000_000_000)],
)
def test_a_duration_that_is_none_is_named(delay: Duration) -> None:
    sent = Message(retry_schedule=RetrySchedule(delays=[Duration(seconds=1), delay]))
    [bad] = broken_rules(convert.delivery_settings(sent))
    assert bad.field == "delivery_settings.retry_schedule.delays[1]"


def test_what_is_unset_is_the_platforms_and_comes_back_unset() -> None:
    assert convert.delivery_settings(Message()) == THE_PLATFORMS
    assert convert.delivery_settings_message(THE_PLATFORMS) == Message()
    no_retry = Message(retry_schedule=RetrySchedule())
    assert convert.delivery_settings(no_retry) == DeliverySettings(retry_delays=())
    assert convert.delivery_settings_message(DeliverySettings(retry_delays=())) == no_retry
    exact = Message(
        retry_schedule=RetrySchedule(delays=[Duration(nanos=100_000_000), Duration(seconds=86_400)], jitter=0.0),
        concurrency=7,
        rate_per_second=0.5,
    )
    assert convert.delivery_settings_message(convert.delivery_settings(exact)) == exact
