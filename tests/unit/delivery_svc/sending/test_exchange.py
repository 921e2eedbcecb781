"""Retry-After, in every spelling that is allowed and many that are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery_svc.sending.exchange import ErrorClass, retry_after_seconds, unanswered

NOW = 1_795_337_377.0  # Sun, 22 Nov 2026 08:49:37 GMT


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        (b"0", None, 0.0),
        (b"120", None, 120.0),
        (b"120", b"Sun, 22 Nov 2026 08:49:37 GMT", 120.0),
        (b"Sun, 22 Nov 2026 08:50:37 GMT", None, 60.0),
        (b"Sunday, 22-Nov-26 08:50:37 GMT", None, 60.0),
        (b"Sun Nov 22 08:50:37 2026", None, 60.0),
        (b"Sun, 22 Nov 2026 08:50:37 -0000", None, 60.0),
        (b"Sun, 22 Nov 2026 08:50:37 GMT", b"Sun, 22 Nov 2026 08:40:37 GMT", 600.0),
        (b"Sun, 22 Nov 2026 08:50:37 GMT", b"just now", 60.0),
        (b"Sun, 22 Nov 2026 08:49:00 GMT", None, 0.0),
        (None, None, None),
        (b"", None, None),
        (b"-1", None, None),
        (b"1.5", None, None),
        (b"1e3", None, None),
        (b"99999999999", None, None),
        (b"soon", None, None),
        ("\u0661\u0662".encode(), None, None),
        (b"Sun, 99 Nov 2026 08:50:37 GMT", None, None),
    ],
)
def test_retry_after_is_read(value: bytes | None, date: bytes | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, date, NOW) == seconds


@given(st.binary(max_size=60), st.one_of(st.none(), st.binary(max_size=60)))
def test_whatever_a_header_holds_is_seconds_or_nothing(value: bytes, date: bytes | None) -> None:
    seconds = retry_after_seconds(value, date, NOW)
    assert seconds is None or seconds >= 0.0


def test_a_detail_is_never_longer_than_its_column() -> None:
    exchange = unanswered(ErrorClass.TLS, "x" * 1000, 1.0)
    assert len(exchange.detail) == 200
    assert (exchange.status_code, exchange.error, exchange.body) == (0, "tls", b"")
