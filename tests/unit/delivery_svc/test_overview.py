"""How much of the log an overview looks at, and how it says why a delivery came to nothing."""

import doctest

import pytest

from delivery_svc import overview
from delivery_svc.overview import MOST_LOOKED_AT, MOST_SUBSCRIPTIONS, explanation, share


def test_examples_say_the_truth() -> None:
    assert doctest.testmod(overview) == (0, 5)


@pytest.mark.parametrize("subscriptions", [0, 1, 7, 400, MOST_SUBSCRIPTIONS])
def test_what_is_looked_at_is_bounded_however_many_subscriptions_there_are(subscriptions: int) -> None:
    assert subscriptions * share(subscriptions) <= 2 * MOST_LOOKED_AT


def test_an_unknown_reason_is_told_by_the_last_attempt() -> None:
    assert explanation("test_failed", 1, 404, "") == "The endpoint answered 404 to the only attempt."
    assert explanation("of_a_later_release", 3, 0, "") == "The last of 3 attempts got no answer."
