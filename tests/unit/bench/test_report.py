"""A report says the same to people and to machines, with where it was taken."""

import json

import pytest

from bench import machine
from bench.database import Settings
from bench.figures import BareRound, Latency, Pair, ProductRound, Verdict
from bench.report import Report, yardstick_digest


def report(pairs: int = 3) -> Report:
    made = Pair(
        bare=BareRound(rate=20_000, cpu_us=40.0),
        product=ProductRound(
            deliveries=8_000,
            seconds=2.0,
            product_us={"delivery_svc": 80.0, "gateway": 1.0, "postgres": 45.0},
            bench_us={"publisher": 16.0, "receiver": 15.0},
            wal_bytes=1_900.0,
        ),
    )
    return Report(
        machine=machine.describe(),
        postgres=Settings(
            version="18.4", fsync="on", synchronous_commit="on", full_page_writes="on", shared_buffers="128MB"
        ),
        options={"pairs": pairs},
        pairs=[made] * pairs,
        latencies=[
            Latency(
                rate=500.0,
                batch=10,
                deliveries=6_000,
                p50_ms=3.3,
                p99_ms=27.0,
                ack_p50_ms=4.1,
                ack_p99_ms=None,
                late_p99_ms=0.2,
            )
        ],
        verdict=Verdict(published=24_000, lost=0, stray=0, duplicates=2),
        body_bytes=700.0,
    )


def test_the_json_holds_every_figure_with_the_machine_and_the_yardstick() -> None:
    told = json.loads(json.dumps(report().as_json()))
    assert list(told) == [
        "machine",
        "postgres",
        "yardstick_sha256",
        "options",
        "summary",
        "goals",
        "latency",
        "verdict",
        "body_bytes",
        "rounds",
    ]
    assert told["summary"]["rate_ratio"] == {"median": 0.2, "least": 0.2, "greatest": 0.2}
    assert told["summary"]["product_cpu_us"]["median"] == 81.0
    assert told["summary"]["product_and_postgres_cpu_us"]["median"] == 126.0
    assert told["summary"]["cpu_us.postgres"]["median"] == 45.0
    assert told["summary"]["bench_cpu_us.receiver"]["median"] == 15.0
    assert told["yardstick_sha256"] == yardstick_digest()
    assert told["verdict"] == {"published": 24_000, "lost": 0, "stray": 0, "duplicates": 2}
    assert len(told["rounds"]) == 3
    assert told["summary"]["postgres_cpu_ratio"]["median"] == pytest.approx(45 / 40)
    goals = told["goals"]
    assert [(goal["must"], goal["aim"], goal["met"], goal["reached"]) for goal in goals] == [
        (0.45, 0.55, True, False),
        (0.30, 0.50, False, False),
        (200.0, 130.0, True, True),
        (2.0, 1.4, True, True),
        (3000.0, 2200.0, True, True),
        (15.0, 4.0, True, True),
        (120.0, 45.0, True, True),
    ]


def test_the_table_names_the_goals_and_the_losses() -> None:
    text = report().as_text()
    assert "goal met: " in text
    assert "goal missed: " in text
    assert "at most 3,000 (aim 2,200): 1,900" in text
    assert "published 24000, lost 0, duplicates 2, stray 0" in text
    assert "500 events/s in batches of 10" in text


def test_a_bench_that_was_cut_short_by_a_loss_still_reports() -> None:
    cut_short = report(pairs=0)
    assert cut_short.as_json()["summary"]["rate_ratio"] is None
    assert "lost 0" in cut_short.as_text()


def test_the_machine_is_described_without_its_name() -> None:
    here = machine.describe()
    assert here.cores >= 1
    assert here.memory_gib > 0
    assert here.cpu
    assert here.kernel.split()[1].replace(".", "").isdigit()
