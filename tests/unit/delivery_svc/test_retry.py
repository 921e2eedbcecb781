"""What follows an attempt: the schedule, its jitter, Retry-After."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery_svc.retry import Outcome, RetryPolicy, next_step
from delivery_svc.sending.exchange import ErrorClass, Exchange, unanswered

POLICY = RetryPolicy()


def _answered(status_code: int, retry_after: float | None = None) -> Exchange:
    return Exchange(status_code, ErrorClass.NONE, "", retry_after, b"", 0.1)


@pytest.mark.parametrize("status_code", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(status_code: int) -> None:
    step = next_step(1, _answered(status_code), POLICY, 0.5)
    assert (step.outcome, step.delay) == (Outcome.SUCCEEDED, None)


@pytest.mark.parametrize("status_code", [100, 199, 300, 301, 302, 307, 400, 401, 404, 410, 429, 500, 503, 999])
def test_any_other_answer_is_retried(status_code: int) -> None:
    assert next_step(1, _answered(status_code), POLICY, 0.5).delay == 1.0


@pytest.mark.parametrize("error", [one for one in ErrorClass if one is not ErrorClass.NONE])
def test_no_answer_is_retried(error: ErrorClass) -> None:
    assert next_step(1, unanswered(error, "why", 0.1), POLICY, 0.5).delay == 1.0


def test_one_attempt_and_five_retries_are_made_in_all() -> None:
    delays = [next_step(made, _answered(500), POLICY, 0.5).delay for made in range(1, 7)]
    assert delays == [1.0, 5.0, 20.0, 60.0, 180.0, None]


def test_the_last_failure_leaves_no_step() -> None:
    assert next_step(6, _answered(500), POLICY, 0.5).outcome is Outcome.RETRYABLE


@given(made=st.integers(1, 5), random=st.floats(0, 1, exclude_max=True))
def test_a_delay_stays_within_its_jitter(made: int, random: float) -> None:
    delay = next_step(made, _answered(500), POLICY, random).delay
    assert delay is not None
    assert 0.8 * POLICY.delays[made - 1] <= delay <= 1.2 * POLICY.delays[made - 1]


@pytest.mark.parametrize(
    ("status_code", "retry_after", "delay"),
    [
        (429, 30.0, 30.0),
        (503, 30.0, 30.0),
        (503, 0.0, 1.0),  # never sooner than the schedule
        (503, 1e9, 3600.0),  # never later than an hour
        (500, 30.0, 1.0),  # only 429 and 503 may say when
        (200, 30.0, None),
    ],
)
def test_an_endpoint_that_says_when_is_taken_at_its_word_within_bounds(
    status_code: int, retry_after: float, delay: float | None
) -> None:
    assert next_step(1, _answered(status_code, retry_after), POLICY, 0.5).delay == delay
