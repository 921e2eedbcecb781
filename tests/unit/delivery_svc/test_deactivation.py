"""When a failing endpoint is given up, row by row."""

from datetime import UTC, datetime, timedelta

import pytest

from delivery_svc.deactivation import DeactivationPolicy, deactivate_reason
from delivery_svc.store.lane import Sign

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("failures", "after", "policy", "expected"),
    [
        (999, DAY, DeactivationPolicy(), None),
        (1000, timedelta(0), DeactivationPolicy(), "1,000 deliveries in a row failed"),
        (1, 7 * DAY - timedelta(microseconds=1), DeactivationPolicy(), None),
        (1, 7 * DAY, DeactivationPolicy(), "every delivery failed for 7 days"),
        (5, timedelta(0), DeactivationPolicy(failures=5), "5 deliveries in a row failed"),
        (10**6, 6 * DAY, DeactivationPolicy(failures=None), None),
        (10**6, 365 * DAY, DeactivationPolicy(failures=None, period=None), None),
        (1, timedelta(hours=2), DeactivationPolicy(period=timedelta(hours=2)), "every delivery failed for 2 hours"),
    ],
)
def test_the_rule_row_by_row(failures: int, after: timedelta, policy: DeactivationPolicy, expected: str | None) -> None:
    assert deactivate_reason(failures, SINCE, SINCE + after, policy) == expected


def test_signs_add_up_as_if_they_had_been_one() -> None:
    sign = Sign(status_code=500, began_us=10, failures=2, failing_us=9)
    sign.add(Sign(status_code=0, began_us=12, failures=1, failing_us=12))
    assert sign == Sign(status_code=500, began_us=12, failures=3, failing_us=9)
    sign.add(Sign(status_code=200, began_us=14, recovered=True))
    assert sign == Sign(status_code=200, began_us=14, recovered=True)
    sign.add(Sign(status_code=503, began_us=13, failures=1, failing_us=13))
    assert sign == Sign(status_code=503, began_us=14, failures=1, failing_us=13, recovered=True)
