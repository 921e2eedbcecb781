"""The deliveries of the last hour as figures, charts and rows of a table, from what delivery_svc tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf.duration_pb2 import Duration

from gateway.console.overview.chart import Bar, Column, Line, bars, ceiling, line
from gateway.console.span import length
from runhook.delivery.v1.overview_pb2 import Overview, OverviewSlice


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart: what it is of, how high its box is and what its bottom is, in words, and what it shows, in a sentence."""

    name: str
    title: str
    top: str
    bottom: str
    says: str
    bars: Sequence[Bar] = ()
    lines: Sequence[Line] = ()
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A slice in numbers."""

    start: str
    succeeded: int
    failed: int
    cancelled: int
    share: str
    p50: str
    p95: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All of it. `span` says over which time, `sampled` whether that is less than the hour for the number of deliveries."""

    span: str
    sampled: bool
    begin: str
    end: str
    total: Row
    finished: int
    charts: Sequence[Chart]
    rows: Sequence[Row]


def figures(overview: Overview) -> Figures:
    """What became of the deliveries, in words and pictures."""
    taken = overview.take_time.ToDatetime(UTC)
    since = overview.since_time.ToDatetime(UTC)
    total = _row(overview.total)
    slots = _slots(overview)
    span = "the last hour" if overview.whole_hour else f"the last {length((taken - since).total_seconds())}"
    return Figures(
        span=span,
        sampled=not overview.whole_hour,
        begin=f"{since:%H:%M:%S}",
        end=f"{taken:%H:%M:%S}",
        total=total,
        finished=total.succeeded + total.failed + total.cancelled,
        charts=[_rates(slots, overview), _shares(slots, total), _answers(slots, total)],
        rows=[_row(one) for one in overview.slices],
    )


def share(succeeded: int, failed: int) -> float | None:
    """Of those that were sent, how many succeeded; None where none was.

    >>> share(99, 1), share(0, 0)
    (0.99, None)
    """
    return succeeded / (succeeded + failed) if succeeded + failed else None


def percent(value: float | None) -> str:
    """To a tenth, a dash for None; never 100 % while something failed.

    >>> percent(0.99), percent(1.0), percent(0.99999)
    ('99 %', '100 %', '99.9 %')
    """
    if value is None:
        return "\u2013"
    return f"{min(round(value * 100, 1), 99.9 if value < 1 else 100):g} %"


def _slots(overview: Overview) -> list[OverviewSlice | None]:
    """The slices in their places, None where nothing was published."""
    width = overview.slice_duration.seconds or 60
    first = overview.since_time.seconds // width
    count = max(1, overview.take_time.seconds // width - first + 1)
    found: list[OverviewSlice | None] = [None] * count
    for one in overview.slices:
        place = one.start_time.seconds // width - first
        if 0 <= place < count:
            found[place] = one
    return found


def _rates(slots: Sequence[OverviewSlice | None], overview: Overview) -> Chart:
    per_minute = 60 / (overview.slice_duration.seconds or 60)
    columns = [_column(slot, per_minute) for slot in slots]
    most, most_lost = (max(column.up for column in columns), max(_down(column) for column in columns))
    top, bottom = ceiling(most), ceiling(most_lost) if most_lost else 0.0
    lost = f"; at most {most_lost:,.4g} a minute came to nothing" if most_lost else "; none came to nothing"
    return Chart(
        name="rate",
        title="Deliveries a minute",
        top=f"{top:,.4g}",
        bottom=f"{bottom:,.4g} lost" if bottom else "0",
        says=f"At most {most:,.4g} a minute were delivered{lost}.",
        bars=bars(columns, top, bottom),
        base=f"{100 * top / (top + bottom):.2f}",
    )


def _column(slot: OverviewSlice | None, per_minute: float) -> Column:
    if slot is None:
        return Column(up=0.0, down=(), title="")
    start = slot.start_time.ToDatetime(UTC)
    title = f"{start:%H:%M:%S}: {slot.succeeded} delivered, {slot.failed} failed, {slot.cancelled} cancelled"
    down = (("bad", slot.failed * per_minute), ("off", slot.cancelled * per_minute))
    return Column(up=slot.succeeded * per_minute, down=down, title=title)


def _down(column: Column) -> float:
    return sum(value for _, value in column.down)


def _shares(slots: Sequence[OverviewSlice | None], total: Row) -> Chart:
    values = [None if slot is None else share(slot.succeeded, slot.failed) for slot in slots]
    known = [value for value in values if value is not None]
    least = f", {percent(min(known))} at the worst moment" if known else ""
    return Chart(
        name="share",
        title="Delivered, of those that were sent",
        top="100 %",
        bottom="0 %",
        says=f"{total.share} in all{least}.",
        lines=[line(values, 1.0, "good")],
    )


def _answers(slots: Sequence[OverviewSlice | None], total: Row) -> Chart:
    p50, p95 = ([_seconds(slot, name) for slot in slots] for name in ("answer_p50", "answer_p95"))
    top = ceiling(max([value for value in p95 if value is not None], default=0.0))
    return Chart(
        name="answers",
        title="Time to answer",
        top=length(top),
        bottom="0",
        says=f"Half of the answers came within {total.p50}, 95 of 100 within {total.p95}.",
        lines=[line(p50, top, "half"), line(p95, top, "most")],
    )


def _seconds(slot: OverviewSlice | None, name: str) -> float | None:
    if slot is None or not slot.HasField(name):  # type: ignore[arg-type]
        return None
    found: Duration = getattr(slot, name)
    return found.seconds + found.nanos / 1e9


def _row(one: OverviewSlice) -> Row:
    p50, p95 = _seconds(one, "answer_p50"), _seconds(one, "answer_p95")
    return Row(
        start=_clock(one.start_time.ToDatetime(UTC)),
        succeeded=one.succeeded,
        failed=one.failed,
        cancelled=one.cancelled,
        share=percent(share(one.succeeded, one.failed)),
        p50="\u2013" if p50 is None else length(p50),
        p95="\u2013" if p95 is None else length(p95),
    )


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}"
