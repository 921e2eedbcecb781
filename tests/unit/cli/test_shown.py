"""Values as people read them, whatever others wrote into them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.shown import NOTHING, jobs, kinds, microseconds, moment, plain, printable, status_code


@given(st.text(alphabet=st.characters()))
def test_no_text_moves_the_cursor_or_hides(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert text.isprintable() == (shown == text)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, NOTHING),
        ("", NOTHING),
        ([], NOTHING),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (["a", "b"], "a, b"),
        ("a\x1b[2Jb\ud800\u202e", r"a\x1b[2Jb\ud800\u202e"),
    ],
)
def test_a_value_reads_plainly(value: Any, shown: str) -> None:
    assert plain(value) == shown


def test_no_job_ids_mean_all_jobs_and_status_0_means_none_yet() -> None:
    assert (jobs([]), jobs(["7", "9"])) == ("all", "7, 9")
    assert (status_code("0"), status_code(0), status_code("204")) == (NOTHING, NOTHING, "204")
    assert kinds(["job.run.errored", "subscription.deactivated"]) == "errored, subscription.deactivated"


@pytest.mark.parametrize("time", ["2026-11-22T08:46:14.5Z", "2026-11-22T10:46:14+02:00"])
def test_a_time_is_shown_in_utc_to_the_second(time: str) -> None:
    assert moment(time) == "2026-11-22 08:46:14Z"


@pytest.mark.parametrize("odd", ["yesterday", 7, {"a": 1}, "9" * 40])
def test_what_is_no_time_is_shown_as_it_is(odd: Any) -> None:
    assert moment(odd) == plain(odd)
    assert microseconds("x") == "x"
    assert microseconds("9" * 40) == "9" * 40


def test_microseconds_since_the_epoch_are_a_time() -> None:
    assert microseconds("1795337174456475") == "2026-11-22 08:46:14Z"
    assert (microseconds(None), moment(None)) == (NOTHING, NOTHING)
