"""docs/scaling.md: its figures are those of today's results, and the sums are right."""

import doctest
from dataclasses import replace

from bench import scaling
from bench.scaling import PAGE, Cost, deliveries, ends, filled, measured

PLAIN = Cost(
    delivery_us=100,
    tls_factor=2,
    delivery_postgres_us=80,
    delivery_wal=2_000,
    mb_in_flight=6,
    delivery_kept=1_000,
    request_kept=200,
    call_gateway_us=1,
    call_trigger_us=1,
    call_postgres_us=1,
    call_kept=1,
)


def test_the_page_holds_what_follows_from_the_results() -> None:
    """After a bench that was saved: .venv/bin/python -m bench.scaling"""
    page = PAGE.read_text()
    assert filled(page, measured()) == page
    assert page.count("<!-- end -->") == 5


def test_the_examples_are_right() -> None:
    assert doctest.testmod(scaling).failed == 0


def test_slow_receivers_ask_for_pods_that_cpu_does_not() -> None:
    assert deliveries(PLAIN, 600_000).pods == 4
    assert deliveries(replace(PLAIN, answer_seconds=2.0), 600_000).pods == 40


def test_no_rate_is_so_small_that_one_pod_is_enough() -> None:
    need = deliveries(PLAIN, 1)
    assert (need.pods, need.installations) == (2, 1)


def test_accounts_spread_where_one_postgres_ends() -> None:
    for days in (3, 30):
        full = min(ends(PLAIN, days).values())
        assert deliveries(PLAIN, full * 0.99, days=days).installations == 1
        assert deliveries(PLAIN, full * 1.01, days=days).installations == 2
        assert deliveries(PLAIN, full * 9.9, days=days).installations == 10
