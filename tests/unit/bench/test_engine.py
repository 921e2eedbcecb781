"""The parts of the engine's bench: what their rounds add up to, and that a part that fails is told."""

import asyncio
import json
import os
from asyncio.subprocess import PIPE
from contextlib import AbstractAsyncContextManager

import pytest

from bench import engine, machine, part
from bench.control import Seen
from bench.drain import Drained, resident_bytes
from bench.engine_report import EngineReport
from bench.figures import BareRound, ProductRound
from bench.finding import Finding, Options
from bench.goal import Goal, at_least, at_most
from bench.histogram import Histogram
from bench.meter import Moment, Stretch, stretch
from bench.parts import apart, backlog, claim, fairness, kill, memory, pods, tls
from bench.payload import BODY_BYTES, Load, rendered
from bench.pods import environment_of
from bench.programs import ProgramError
from bench.stage import Stage
from bench.stock import data_of

OPTIONS = Options(count=1_000, pairs=1, seconds=1.0, endpoints=10, rate=100.0, in_flight=100)
LOAD = Load(account_id=1, first_job_id=1_000_000_000, endpoints=2, prefix="t")


def a_stretch(*, delivery_us: float = 50.0, postgres_us: float = 30.0, further_us: float = 0.0) -> Stretch:
    us = {"delivery_svc": delivery_us, "postgres": postgres_us, "delivery_svc-1": further_us, "gateway": 7.0}
    return Stretch(deliveries=1_000, seconds=0.5, us=us, wal_bytes=1_400.0)


def drained(*, first_us: float = 30.0, last_us: float = 30.0, resident: int = 90_000_000, missing: int = 0) -> Drained:
    return Drained(
        due=1_000_000,
        first=a_stretch(postgres_us=first_us),
        last=a_stretch(postgres_us=last_us),
        whole=a_stretch(),
        resident_bytes=resident,
        missing=missing,
    )


def a_moment(received: int, cpu_us: int, wal: int) -> Moment:
    seen = Seen(
        received=received,
        duplicates=0,
        unidentified=0,
        unstamped=0,
        malformed=0,
        connections=1,
        body_bytes=0,
        events_per_endpoint=(received,),
        latency=Histogram(),
        monotonic_ns=received * 1_000_000,
    )
    return Moment(seen=seen, cpu_ns={"delivery_svc": cpu_us * 1000}, wal=wal)


def judged(finding: Finding) -> list[tuple[bool, bool | None]]:
    return [(goal.met, goal.reached) for goal in finding.goals]


def test_a_stretch_is_the_difference_of_its_ends_per_delivery() -> None:
    made = stretch(a_moment(100, 1_000, 5_000), a_moment(300, 11_000, 405_000))
    assert (made.deliveries, made.seconds, made.us, made.wal_bytes) == (200, 0.2, {"delivery_svc": 50.0}, 2_000.0)
    with pytest.raises(ProgramError, match="nothing was delivered"):
        stretch(a_moment(100, 1_000, 0), a_moment(100, 2_000, 0))


def test_all_pods_are_counted_together_and_other_processes_are_not() -> None:
    made = a_stretch(delivery_us=50.0, further_us=20.0)
    assert (made.rate, made.pods_us, made.postgres_us) == (2_000.0, 70.0, 30.0)


def test_a_goal_at_its_bound_is_met_whichever_way_it_looks() -> None:
    goals: list[Goal] = [at_least("a", 2.0, 3.0, 2.0), at_most("b", 2.0, 1.0, 2.0), at_least("c", 1.0, None, 0.9)]
    assert [(goal.met, goal.reached) for goal in goals] == [(True, False), (True, False), (False, None)]


def test_a_backlog_is_flat_when_its_first_tenth_costs_what_its_last_does() -> None:
    finding = backlog.found(
        drained(first_us=28.5, last_us=30.0), drained(first_us=15.0, last_us=30.0, resident=210_000_000)
    )
    assert judged(finding) == [(True, True), (False, False), (False, False)]
    assert finding.figures["resident_mb"].median == 210
    assert not finding.failures
    assert backlog.found(drained(), drained(missing=3)).failures == ["3 deliveries did not arrive"]


def test_publishing_apart_is_compared_with_the_bare_round_before_it() -> None:
    pairs = [apart.Pair(bare=BareRound(rate=1.0, cpu_us=us), drained=drained()) for us in (27.5, 35.0, 10.0)]
    assert [pair.ratio for pair in pairs] == [0.55, 0.7, 0.2]
    assert judged(apart.found(pairs)) == [(True, False)]


def test_memory_is_what_more_in_flight_took_more() -> None:
    few = memory.Load(in_flight=100, resident_bytes=80_000_000)
    finding = memory.found(few, memory.Load(in_flight=2_100, resident_bytes=94_000_000), 0)
    assert finding.figures["mb_per_thousand_in_flight"].median == 7.0
    assert judged(finding) == [(True, True)]
    with pytest.raises(ProgramError, match="no more than"):
        memory.found(few, few, 0)


def test_tls_is_compared_with_the_plain_round_before_it() -> None:
    def a_round(us: float) -> ProductRound:
        return ProductRound(deliveries=10, seconds=1.0, product_us={"delivery_svc": us}, bench_us={}, wal_bytes=0.0)

    pair = tls.Pair(plain=a_round(60.0), tls=a_round(100.0))
    assert pair.ratio == 0.6
    assert judged(tls.found([pair], 0)) == [(True, False)]


def test_three_pods_are_compared_with_one_by_all_that_they_and_postgres_use() -> None:
    pair = pods.Pair(one=a_stretch(), three=a_stretch(delivery_us=40.0, further_us=20.0, postgres_us=32.0))
    assert pair.ratio == pytest.approx(92 / 80)
    assert judged(pods.found([pair], 0)) == [(True, False)]


def test_a_kill_is_over_when_the_last_event_has_come_and_the_last_row_is_gone() -> None:
    work = {(0, "wev_a"), (1, "wev_b"), (0, "wev_c")}
    arrivals = {(0, "wev_a"): 5_000_000_000, (1, "wev_b"): 17_000_000_000, (1, "wev_else"): 99_000_000_000}
    made = kill.judged(work, arrivals, 10_000_000_000, 7.5, duplicates=4)
    assert made == kill.Kill(delivered_seconds=7.0, settled_seconds=7.5, late=1, missing=1, duplicates=4)
    finding = kill.found([made, kill.judged(set(), {}, 0, 21.0, 0)])
    assert finding.figures["seconds_until_done"].greatest == 21.0
    assert judged(finding) == [(False, False)]
    assert finding.failures == ["1 deliveries did not arrive"]


def test_a_claim_is_judged_parked_and_not_and_by_how_many_came_back_short() -> None:
    together = claim.Claims(ms=[1.0] * 200, rows=[claim.LIMIT] * 199 + [0])
    times = {"claim_ms_parked_in_front": [0.5, 1.0, 9.0], "claim_ms_unparked_in_front": [5.0]}
    finding = claim.found(times, 100, together, 1_000_000)
    assert together.short_share == 0.005
    assert judged(finding) == [(True, True), (True, False), (True, False)]


def test_fairness_is_judged_inside_a_pair() -> None:
    calm = fairness.Round(
        deliveries_per_second=1_000.0,
        delivery_svc_us=70.0,
        postgres_us=60.0,
        p50_ms=5.0,
        p99_ms=20.0,
        others_per_second=100.0,
    )
    trouble = fairness.Round(
        deliveries_per_second=850.0,
        delivery_svc_us=80.0,
        postgres_us=70.0,
        p50_ms=6.0,
        p99_ms=40.0,
        others_per_second=30.0,
    )
    pair = fairness.Pair(calm=calm, trouble=trouble)
    assert (pair.throughput_ratio, pair.p99_ratio) == (0.85, 2.0)
    assert judged(fairness.found([pair], 0, 1_000_000)) == [(True, None), (True, None)]
    assert judged(fairness.found([fairness.Pair(calm=trouble, trouble=trouble)], 0, 1)) == [(True, None), (True, None)]


def test_what_lies_in_the_queue_renders_to_a_body_of_the_same_size() -> None:
    whole = rendered(LOAD, 0, 10**18, LOAD.job_name)
    assert len(whole) == BODY_BYTES
    assert data_of(LOAD) in whole


async def test_a_process_is_read_what_it_was_started_with_and_how_large_it_is() -> None:
    process = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE, env={"RUNHOOK_A": "x=y", "B": ""})
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"it runs\n")  # before that the kernel may still be putting it together
        await process.stdout.readline()
        assert environment_of(process.pid) == {"RUNHOOK_A": "x=y", "B": ""}
        assert resident_bytes(os.getpid()) > 10_000_000
    finally:
        process.kill()
        await process.wait()


class Failing:
    """A part whose platform does not start, or takes too long."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def limit(self, options: Options) -> float:
        return 5.0

    def set_up(self, options: Options) -> AbstractAsyncContextManager[Stage]:
        raise self._error

    async def run(self, here: Stage, options: Options) -> Finding:
        raise AssertionError


async def test_a_part_that_fails_is_told_and_the_next_one_runs() -> None:
    parts = {"one": Failing(ProgramError("it broke")), "two": Failing(TimeoutError())}
    report = await part.bench(parts, OPTIONS, lambda one, options: one.set_up(options))
    assert [finding.failures for finding in report.findings] == [["it broke"], ["not done within 5 s"]]
    assert report.failed
    assert "FAILED: it broke" in report.as_text()


def test_the_report_says_the_same_to_people_and_to_machines() -> None:
    finding = backlog.found(drained(), drained())
    report = EngineReport(machine=machine.describe(), postgres=None, options=vars(OPTIONS), findings=[finding])
    told = json.loads(json.dumps(report.as_json()))
    assert list(told) == ["machine", "postgres", "yardstick_sha256", "options", "parts"]
    assert told["parts"][0]["figures"]["free_flatness"] == {"median": 1.0, "least": 1.0, "greatest": 1.0}
    assert [goal["must"] for goal in told["parts"][0]["goals"]] == [0.85, 0.60, 200.0]
    assert "goal reached: " in report.as_text()
    assert not report.failed


def test_every_part_ends_by_itself_also_the_judged_ones() -> None:
    million = Options(count=1_000_000, pairs=3, seconds=6.0, endpoints=100, rate=2_000.0, in_flight=2_000)
    assert all(0 < one.limit(million) < 3 * 3600 for one in engine.PARTS.values())
