"""What a PromQL expression names: series, and what they are matched and grouped by. No parser: promtool is one.

Invariant: what is not understood is not passed over. Every name that holds `runhook_` is a series of the expression.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support import metrics_page

#: What Prometheus adds to a scraped series, as deploy/observability/README.md asks for.
SCRAPED = frozenset({"namespace", "job", "instance"})
_SELECTOR = re.compile(r'(?P<name>[\w:]*runhook_[\w:]*)(?:\{(?P<inside>(?:[^"{}]|"[^"]*")*)\})?(?P<range>\[[^]]+\])?')
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\b(?:by|without|ignoring|on)\s*\(([^)]*)\)")
_FUNCTION = re.compile(r"(\w+)\($")


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What can be named. `kind` is counter, gauge or bucket; a recorded series is a gauge."""

    kind: str
    labels: frozenset[str]
    docstring: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Where an expression names a series. `function` is the one right around it, "" when there is none."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]
    ranged: bool
    function: str


def scraped() -> dict[str, Series]:
    """The series that the code makes, by name."""
    found = {}
    for room in metrics_page.ROOMS:
        for metric in metrics_page.metrics_of(room):
            labels = SCRAPED | set(metric.labels)
            if metric.kind != "histogram":
                found[metric.name] = Series(kind=metric.kind, labels=labels, docstring=metric.docstring)
                continue
            for end in ("sum", "count"):
                found[f"{metric.name}_{end}"] = Series(kind="counter", labels=labels, docstring=metric.docstring)
            found[f"{metric.name}_bucket"] = Series(kind="bucket", labels=labels | {"le"}, docstring=metric.docstring)
    return found


def recorded(name: str) -> Series:
    """A recorded series, whose name begins with its labels: namespace_job:what:how."""
    return Series(kind="gauge", labels=frozenset(name.partition(":")[0].split("_")), docstring="")


def selectors(expression: str) -> Iterator[Selector]:
    """Every series that is named."""
    for found in _SELECTOR.finditer(expression):
        function = _FUNCTION.search(expression[: found.start()])
        yield Selector(
            name=found["name"],
            matchers=tuple(_MATCHER.findall(found["inside"] or "")),
            ranged=found["range"] is not None,
            function=function[1] if function else "",
        )


def groupings(expression: str) -> list[set[str]]:
    """The labels of every by, without, ignoring and on, in their order."""
    return [{label.strip() for label in labels.split(",")} for labels in _GROUPING.findall(expression)]
