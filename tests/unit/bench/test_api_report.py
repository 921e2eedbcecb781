"""What the API bench tells: ratios inside a pair, goals by the median, the same figures to people and to machines."""

import json

import pytest

from bench import machine
from bench.api_figures import ReadLatency, ReadPair, ReadRound
from bench.api_report import ApiReport
from bench.database import Settings
from bench.figures import Verdict
from bench.goals import goals_of_reads


def pair(*, get_rate: float = 1_200, gateway_us: float = 500.0) -> ReadPair:
    return ReadPair(
        constant=ReadRound(rate=10_000, cpu_us={"gateway": 100.0, "reader": 30.0}),
        get=ReadRound(
            rate=get_rate, cpu_us={"gateway": gateway_us, "subscription_svc": 900.0, "postgres": 200.0, "reader": 60.0}
        ),
    )


def latency(p99_ms: float) -> ReadLatency:
    return ReadLatency(
        rate=200.0, deliveries_per_second=499.0, requests=1_200, p50_ms=3.0, p99_ms=p99_ms, late_p99_ms=0.5
    )


def report(pairs: list[ReadPair], latencies: list[ReadLatency]) -> ApiReport:
    return ApiReport(
        machine=machine.describe(),
        postgres=Settings(
            version="18.4", fsync="on", synchronous_commit="on", full_page_writes="on", shared_buffers="128MB"
        ),
        options={"pairs": len(pairs)},
        pairs=pairs,
        latencies=latencies,
        verdict=Verdict(published=5_000, lost=0, stray=0, duplicates=1),
    )


def test_a_get_costs_what_its_processes_use_without_the_load_client() -> None:
    assert pair().get.product_us == 1_600
    assert pair().rate_ratio == pytest.approx(0.12)


@pytest.mark.parametrize(
    ("made", "p99_ms", "met"),
    [
        (pair(), 50.0, [True, True, True]),
        (pair(get_rate=1_199, gateway_us=500.5), 50.1, [False, False, False]),
    ],
)
def test_a_goal_of_the_api_is_met_at_its_bound_and_missed_beyond(
    made: ReadPair, p99_ms: float, met: list[bool]
) -> None:
    assert [goal.met for goal in goals_of_reads([made], [latency(p99_ms)])] == met


def test_goals_of_the_api_are_judged_by_the_median_and_only_if_measured() -> None:
    pairs = [pair(get_rate=1), pair(get_rate=2_000), pair(get_rate=3_000)]
    assert goals_of_reads(pairs, [])[0].found == pytest.approx(0.2)
    assert len(goals_of_reads(pairs, [])) == 2
    runs = [latency(10.0), latency(20.0), latency(1_000.0)]
    assert [goal.found for goal in goals_of_reads([], runs)] == [20.0]
    assert goals_of_reads([], []) == []


def test_the_json_of_the_api_holds_every_figure_with_the_machine() -> None:
    told = json.loads(json.dumps(report([pair()], [latency(20.0)]).as_json()))
    assert list(told) == ["machine", "postgres", "options", "summary", "goals", "latency", "verdict", "rounds"]
    assert told["summary"]["rate_ratio"]["median"] == pytest.approx(0.12)
    assert told["summary"]["product_and_postgres_cpu_us"]["median"] == 1_600
    assert told["summary"]["cpu_us.subscription_svc"]["median"] == 900
    assert told["summary"]["constant_cpu_us.gateway"]["median"] == 100
    assert told["summary"]["bench_cpu_us.reader"]["median"] == 60
    assert told["latency"][0]["deliveries_per_second"] == 499


def test_the_table_of_the_api_names_the_goals_and_the_losses() -> None:
    text = report([pair()], [latency(20.0)]).as_text()
    assert "goal met: " in text
    assert "published 5000, lost 0, duplicates 1, stray 0" in text
    assert "200 GETs/s" in text


def test_a_bench_of_the_api_without_pairs_or_runs_still_reports() -> None:
    nothing = report([], [])
    assert nothing.as_json()["summary"]["rate_ratio"] is None
    assert "lost 0" in nothing.as_text()
