"""Charts as geometry: bars and lines in a box of WIDTH by HEIGHT, which a template draws as SVG.

A line is interrupted where nothing was measured, and a moment alone is a dot: sparse data looks sparse. Nothing is told by
colour alone: what failed hangs below the base line, and of two lines one is dashed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WIDTH = 600.0
HEIGHT = 100.0
_GAP = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A rectangle; `kind` is its class, `title` what it says of itself."""

    x: str
    y: str
    width: str
    height: str
    kind: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line as the `d` of an SVG path; empty where nothing was measured."""

    path: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What stands at a place: upwards and downwards, each as (kind, value), and what it says of itself."""

    up: float
    down: Sequence[tuple[str, float]]
    title: str


def ceiling(value: float) -> float:
    """The next round number: the top of an axis.

    >>> ceiling(0), ceiling(2.5), ceiling(12), ceiling(0.034), ceiling(100)
    (1.0, 3.0, 20.0, 0.04, 100.0)
    """
    if value <= 0:
        return 1.0
    power = 1.0
    while power > value:
        power /= 10
    while power * 10 < value:
        power *= 10
    return float(f"{next(step for step in (1, 2, 3, 4, 5, 6, 8, 10) if step * power >= value * 0.999999) * power:.6g}")


def bars(columns: Sequence[Column], top: float, bottom: float) -> list[Bar]:
    """A bar up and bars down for each column that has some, in a box from `top` above the base line to `bottom` below it."""
    return [bar for place, column in enumerate(columns) for bar in _bars(place, len(columns), column, top, bottom)]


def _bars(place: int, places: int, column: Column, top: float, bottom: float) -> Iterator[Bar]:
    step = WIDTH / places
    unit = HEIGHT / (top + bottom)
    below = top
    stacked = [("good", 0.0, column.up)] if column.up else []
    stacked = [(kind, top - value, value) for kind, _, value in stacked]
    for kind, value in column.down:
        if value:
            stacked.append((kind, below, value))
            below += value
    for kind, begin, value in stacked:
        yield Bar(
            x=_number((place + _GAP / 2) * step),
            y=_number(begin * unit),
            width=_number((1 - _GAP) * step),
            height=_number(value * unit),
            kind=kind,
            title=column.title,
        )


def line(values: Sequence[float | None], top: float, kind: str) -> Line:
    """A line through the values, each in the middle of its place; 0 is at the bottom.

    >>> line([1.0, 1.0, None, 0.5], 1.0, "p50").path
    'M75 0L225 0M525 50h0'
    """
    step = WIDTH / max(1, len(values))
    parts: list[str] = []
    for place, value in enumerate(values):
        if value is None:
            continue
        point = f"{_number((place + 0.5) * step)} {_number(HEIGHT - HEIGHT * min(value, top) / top)}"
        if place and values[place - 1] is not None:
            parts.append(f"L{point}")
        else:
            alone = place + 1 == len(values) or values[place + 1] is None
            parts.append(f"M{point}h0" if alone else f"M{point}")
    return Line(path="".join(parts), kind=kind)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"
