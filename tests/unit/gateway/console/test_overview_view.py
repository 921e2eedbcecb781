"""The overview's figures and charts, as a table: what services tell, and what a page makes of it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.console.overview import view
from gateway.console.overview.chart import HEIGHT, WIDTH, Column, bars, ceiling, line
from gateway.console.overview.figures import figures
from runhook.delivery.v1 import overview_pb2 as deliveries_pb
from runhook.delivery.v1.delivery_pb2 import DeliveryState
from runhook.trigger.v1 import overview_pb2 as triggers_pb
from runhook.trigger.v1.execution_pb2 import ExecutionState

NOW = datetime(2026, 1, 31, 19, 29, 35, tzinfo=UTC)
HOUR = NOW.replace(second=0) - timedelta(minutes=59)


def stamp(moment: datetime) -> Timestamp:
    """The moment as messages have it."""
    made = Timestamp()
    made.FromDatetime(moment)
    return made


def a_slice(
    minutes: int, succeeded: int, failed: int = 0, cancelled: int = 0, ms: int = 20
) -> deliveries_pb.OverviewSlice:
    """Deliveries of events that were published so many minutes into the hour."""
    return deliveries_pb.OverviewSlice(
        start_time=stamp(HOUR + timedelta(minutes=minutes)),
        succeeded=succeeded,
        failed=failed,
        cancelled=cancelled,
        answer_p50=Duration(nanos=ms * 1_000_000),
        answer_p95=Duration(nanos=2 * ms * 1_000_000),
    )


def an_overview(*slices: deliveries_pb.OverviewSlice, **changes: object) -> deliveries_pb.Overview:
    """Of the whole hour."""
    values = {
        "take_time": stamp(NOW),
        "since_time": stamp(HOUR),
        "whole_hour": True,
        "total": slices[0] if slices else deliveries_pb.OverviewSlice(),
        "slice_duration": Duration(seconds=60),
        "slices": slices,
        "subscription_count": 1,
        **changes,
    }
    return deliveries_pb.Overview(**values)  # type: ignore[arg-type]


def test_every_minute_has_its_place_and_what_failed_hangs_below_the_base_line() -> None:
    rate = figures(an_overview(a_slice(0, 10), a_slice(59, 5, failed=2, cancelled=1))).charts[0]
    assert [(bar.kind, bar.x) for bar in rate.bars] == [("good", "1"), ("good", "591"), ("bad", "591"), ("off", "591")]
    assert (rate.top, rate.bottom) == ("10", "3 lost")
    base = float(rate.base)
    for bar in rate.bars:
        if bar.kind == "good":
            assert float(bar.y) + float(bar.height) == pytest.approx(base, abs=0.02)
        else:
            assert float(bar.y) >= base - 0.02
    assert rate.bars[-1].title == "19:29:00: 5 delivered, 2 failed, 1 cancelled"


def test_a_gap_stays_a_gap_and_a_moment_alone_is_a_dot() -> None:
    share, answers = figures(an_overview(a_slice(3, 9, failed=1), a_slice(10, 1), a_slice(11, 1))).charts[1:]
    assert share.lines[0].path == "M35 10h0M105 0L115 0"
    assert [one.kind for one in answers.lines] == ["half", "most"]
    assert (answers.top, answers.lines[1].path[:5]) == ("40 ms", "M35 0")


def test_without_a_delivery_charts_are_empty_and_nothing_is_divided_by_nothing() -> None:
    empty = figures(an_overview())
    assert (empty.finished, empty.total.share, empty.total.p50) == (0, "–", "–")  # noqa: RUF001
    assert [(list(chart.bars), [one.path for one in chart.lines]) for chart in empty.charts] == [
        ([], []),
        ([], [""]),
        ([], ["", ""]),
    ]


def test_a_sample_says_over_which_span_it_was_taken_and_counts_by_the_minute() -> None:
    since = NOW - timedelta(seconds=90)
    one = deliveries_pb.OverviewSlice(start_time=stamp(since), succeeded=20)
    seen = figures(
        an_overview(one, since_time=stamp(since), whole_hour=False, slice_duration=Duration(seconds=2), total=one)
    )
    assert (seen.sampled, seen.span, seen.begin, seen.end) == (True, "the last 1 min 30 s", "19:28:05", "19:29:35")
    assert seen.charts[0].says == "At most 600 a minute were delivered; none came to nothing."


@pytest.mark.parametrize("value", [0.0, 0.003, 0.2, 1, 7.3, 99, 100, 101, 12_345, 9e6])
def test_an_axis_ends_at_a_round_number_that_holds_all(value: float) -> None:
    top = ceiling(value)
    assert top >= value
    assert re.fullmatch(
        r"(10*|[234568]0*)(\.0)?|0\.0*[1-8]", f"{top:.6f}".rstrip("0").rstrip(".") if top < 1 else f"{top:.1f}"
    )


def test_nothing_is_drawn_outside_of_the_box() -> None:
    drawn = bars([Column(up=place, down=(("bad", 60.0 - place),), title="") for place in range(61)], 60.0, 60.0)
    assert all(float(bar.x) >= 0 and float(bar.x) + float(bar.width) <= WIDTH for bar in drawn)
    assert all(float(bar.y) >= 0 and float(bar.y) + float(bar.height) <= HEIGHT + 0.02 for bar in drawn)
    assert "-" not in line([0.0, 5.0, 1.0], 1.0, "half").path


def test_a_loss_leads_to_its_delivery_and_says_why() -> None:
    lost = deliveries_pb.LostDelivery(
        delivery_id=7,
        event_type="job.run.errored",
        subscription_id="wsu_1",
        subscription_name="<b>",
        state=DeliveryState.DELIVERY_STATE_FAILED,
        explanation="The endpoint answered 500 to the last of 6 attempts.",
        finish_time=stamp(NOW - timedelta(minutes=3)),
        test=True,
    )
    [shown] = view.deliveries(an_overview(losses=[lost]), NOW).losses
    assert (shown.path, shown.of_path, shown.what) == (
        "/console/deliveries/7", "/console/webhooks/wsu_1", "job.run.errored (test)",
    )  # fmt: skip
    assert (shown.kind, shown.word, shown.of) == ("bad", "failed", "<b>")
    assert shown.ended is not None
    assert shown.ended.relative == "3 min ago"


def test_what_waits_long_is_told_and_counts_end_where_services_stop() -> None:
    seen = view.deliveries(an_overview(due_count=10_000, oldest_due_time=stamp(NOW - timedelta(minutes=2))), NOW)
    assert (seen.due, seen.oldest_due, seen.waits) == ("10,000+", "2 min", True)
    calm = view.deliveries(an_overview(due_count=3, oldest_due_time=stamp(NOW - timedelta(seconds=1))), NOW)
    assert (calm.due, calm.oldest_due, calm.waits) == ("3", "1 s", False)


def test_a_trouble_says_what_to_do_or_when_it_is_tried_again() -> None:
    troubles = [
        deliveries_pb.TroubledSubscription(name="off", deactivate_reason="1,000 deliveries in a row failed"),
        deliveries_pb.TroubledSubscription(
            name="held", held_until_time=stamp(NOW + timedelta(seconds=30)), last_status_code=503
        ),
        deliveries_pb.TroubledSubscription(name="probed", held_until_time=stamp(NOW - timedelta(seconds=1))),
    ]
    shown = view.deliveries(an_overview(troubles=troubles), NOW).troubles
    assert [(one.word, one.why) for one in shown] == [
        ("deactivated", "1,000 deliveries in a row failed. Nothing is sent until you activate it again."),
        ("held back", "Too many attempts failed in a row (the last answer was 503); it is tried again in 30 s."),
        ("held back", "Too many attempts failed in a row."),
    ]


def test_runs_that_wait_without_a_runner_are_stuck() -> None:
    pod = triggers_pb.TriggerPod(name="a", runners=[triggers_pb.ConnectedRunner(name="r", free_slots=1)])
    waiting = triggers_pb.Overview(take_time=stamp(NOW), free_run_count=2, oldest_free_run_time=stamp(HOUR))
    assert view.triggers(waiting, NOW).stuck
    assert view.triggers(waiting, NOW).oldest_free_run == "59 min 35 s"
    waiting.pods.append(pod)
    assert not view.triggers(waiting, NOW).stuck


def test_an_execution_whose_task_is_gone_is_told_by_its_number() -> None:
    lost = triggers_pb.LostExecution(
        execution_id="exe_1", task_id=5, state=ExecutionState.EXECUTION_STATE_REJECTED, finish_time=stamp(NOW)
    )
    [shown] = view.triggers(triggers_pb.Overview(take_time=stamp(NOW), losses=[lost]), NOW).losses
    assert (shown.of, shown.of_path, shown.kind, shown.path) == (
        "task 5, which is gone", "", "warn", "/console/executions/exe_1",
    )  # fmt: skip
