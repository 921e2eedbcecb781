"""Metrics are what docs/metrics.md says, are named alike, and have labels that cannot grow."""

import ast
from collections.abc import Iterator

import pytest

from tests.support import metrics_page
from tests.support.metrics_page import PAGE, ROOMS, ROOT, Metric

METRICS = [metric for room in ROOMS for metric in metrics_page.metrics_of(room)]
#: Every one of a small set of values of ours; a new label needs a place here, and a thought.
LABELS = {
    *("loop", "group", "method", "code", "state", "stage", "outcome", "status", "error", "phase"),
    *("answer", "reason", "why", "event_type", "change", "route"),
}
UNITS = {"counter": ("_total",), "histogram": ("_seconds", "_bytes", "_items", "_calls")}
PRODUCT = [
    path for folder in (*ROOMS, "cli", "schema", "standalone", "runhook") for path in (ROOT / folder).rglob("*.py")
]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def test_the_tables_of_metrics_are_those_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert metrics_page.blocks(page) == list(ROOMS)
    assert page == metrics_page.filled(page), "python -m tests.support.metrics_page writes them"


def test_no_metric_is_made_where_the_page_does_not_look() -> None:
    made = {metric.name for path in PRODUCT for metric in metrics_page.metrics_in(path)}
    assert made == {metric.name for metric in METRICS}
    assert len(made) == len(METRICS)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_has_a_name_with_its_unit_bounded_labels_and_a_sentence(metric: Metric) -> None:
    assert metric.name.startswith("runhook_")
    assert metric.kind == "gauge" or metric.name.endswith(UNITS[metric.kind])
    assert metric.kind == "counter" or not metric.name.endswith("_total")
    assert set(metric.labels) <= LABELS
    assert metric.docstring[0].isupper() or metric.docstring.startswith(("1 ", "gRPC "))
    assert metric.docstring.endswith(".")
    assert "|" not in metric.docstring


def _binders(body: list[ast.stmt]) -> Iterator[str]:
    """Functions that look a child up by its labels whenever they are called."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _binders(node.body)
        elif isinstance(node, Function):
            cached = any(isinstance(mark, ast.Name) and mark.id == "cache" for mark in node.decorator_list)
            if not cached and node.name != "__init__" and _looks_up(node):
                yield node.name


def _looks_up(node: ast.AST) -> bool:
    return any(
        isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr == "labels"
        for one in ast.walk(node)
    )


def test_children_are_bound_once() -> None:
    every_time = {
        f"{path.relative_to(ROOT)}:{name}"
        for path in PRODUCT
        for name in _binders(ast.parse(path.read_text(encoding="utf-8")).body)
    }
    assert every_time == set()
