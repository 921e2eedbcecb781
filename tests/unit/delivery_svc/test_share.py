"""Fair shares, row by row and for whatever accounts do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery_svc.share import allowance, claimable, may_take


@pytest.mark.parametrize(
    ("held", "free", "expected"),
    [
        (0, 1024, 896),  # alone: seven eighths
        (896, 128, 0),
        (895, 129, 1),
        (0, 128, 112),  # who comes second finds most of the rest
        (0, 1, 1),  # who has nothing gets the last place
        (6, 1, 1),
        (7, 1, 0),
        (0, 0, 0),
        (5, 0, 0),
        (2000, 10, 0),
    ],
)
def test_an_account_may_take_up_to_seven_times_what_is_left(held: int, free: int, expected: int) -> None:
    assert allowance(held, free) == expected
    assert may_take(held, free) == (expected > 0)


@pytest.mark.parametrize(
    ("held", "expected"),
    [([], 896), ([896], 0), ([500], 396), ([448, 448], 0), ([100] * 10, 896), ([128], 896), ([129], 767)],
)
def test_what_comes_from_anybody_leaves_what_the_big_ones_leave(held: list[int], expected: int) -> None:
    assert claimable(held, 1024) == expected


@given(st.integers(1, 10_000), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 20_000)), max_size=60))
def test_who_takes_leaves_a_seventh_and_who_has_nothing_gets_the_last_place(
    size: int, wishes: list[tuple[int, int]]
) -> None:
    held, free = dict.fromkeys(range(10), 0), size
    for account, wish in wishes:
        taken = min(wish, allowance(held[account], free))
        held[account] += taken
        free -= taken
        assert free >= 0
        assert taken == 0 or held[account] <= 7 * free + 7
        assert allowance(0, free) >= min(1, free)


@given(st.integers(1, 20_000))
def test_an_account_that_is_alone_fills_all_slots(slots: int) -> None:
    assert allowance(0, 2 * slots) >= slots
    assert claimable([], 2 * slots) >= slots
