"""The tables of docs/metrics.md, made from where the metrics are: `python -m tests.support.metrics_page` writes them.

Invariant: what stands between `<!-- metrics of X -->` and `<!-- end -->` is never written by hand; a test compares. A metric's
docstring is the sentence beside its name, which /metrics says as HELP.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "metrics.md"
ROOMS = ("chassis", "delivery_svc", "trigger_svc", "subscription_svc", "gateway", "runner")
KINDS = {"Counter": "counter", "Gauge": "gauge", "Histogram": "histogram", "GroupHistogram": "histogram"}
_BLOCK = re.compile(r"(<!-- metrics of (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric as the code makes it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    docstring: str


def metrics_of(room: str) -> list[Metric]:
    """The metrics that a package makes, file by file, in the order of the code."""
    return [metric for path in sorted((ROOT / room).rglob("*.py")) for metric in metrics_in(path)]


def metrics_in(path: Path) -> Iterator[Metric]:
    """The metrics that a file makes. ValueError where name, docstring and labels are not plain literals."""
    text = path.read_text(encoding="utf-8")
    if not any(f"{maker}(" in text for maker in KINDS):  # to parse every file takes seconds
        return
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(func=ast.Name(id=maker), args=[name, docstring, *rest]) if maker in KINDS:
                labels = ast.literal_eval(rest[0]) if rest else []
                yield Metric(
                    name=ast.literal_eval(name),
                    kind=KINDS[maker],
                    labels=tuple(labels),
                    docstring=ast.literal_eval(docstring),
                )


def filled(page: str) -> str:
    """The page with every block as the code has it."""
    return _BLOCK.sub(lambda block: block[1] + table(block[2]) + block[3], page)


def blocks(page: str) -> list[str]:
    """Names of the blocks, in their order."""
    return [block[1] for block in _BLOCK.findall(page)]


def table(room: str) -> str:
    """A row for each metric of the package."""
    rows = [
        f"| `{metric.name}` | {metric.kind} | {', '.join(metric.labels)} | {metric.docstring} |\n"
        for metric in metrics_of(room)
    ]
    return "| metric | kind | labels | what |\n|---|---|---|---|\n" + "".join(rows).replace("|  |", "| |")


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
