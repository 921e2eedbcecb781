"""What dbt left behind, read: run_results.json and manifest.json become a summary and a message. Pure.

Guards that files which a run wrote itself are never trusted: whatever is in them, what comes out is small, printable, of
known types, and a broken file is as good as none.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from runner.ending import LONGEST_MESSAGE, MOST_LINES, Report, printable

RUN_RESULTS = "run_results.json"
MANIFEST = "manifest.json"
FAILURES = frozenset({"error", "fail", "runtime error", "partial success"})
MOST_RESULTS = 100_000
MOST_SLOWEST = 10
MOST_FAILED = 20
MOST_STATUSES = 20
LONGEST_NAME = 200
LONGEST_NODE_MESSAGE = 500
LONGEST_SECONDS = 1e9
LARGEST_SUMMARY = 60 * 1024
_TIME_OF_DAY = re.compile(r"^\d\d:\d\d:\d\d  ?")
_ENCOUNTERED = "Encountered an error"
_ERROR_HEADING = re.compile(r"^\w+( \w+)? Error\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What became of one node of dbt's graph. `path` is its file in the project, or empty."""

    unique_id: str
    name: str
    resource_type: str
    status: str
    seconds: float
    message: str
    path: str

    @property
    def failed(self) -> bool:
        """Whether it is why the command failed."""
        return self.status in FAILURES


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What became of a command: its word ("build"), dbt's version, how long it took, its nodes in their order."""

    command: str
    dbt_version: str
    seconds: float
    nodes: tuple[Node, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many nodes by status, the most frequent first."""
        return dict(Counter(node.status for node in self.nodes).most_common(MOST_STATUSES))

    @property
    def failed(self) -> list[Node]:
        """The failed nodes."""
        return [node for node in self.nodes if node.failed]


def results_of(run_results: bytes, manifest: bytes) -> Results | None:
    """What the files say; None where there is no run_results.json that can be read. The manifest may be missing."""
    content = _object(run_results)
    results = content.get("results")
    if not isinstance(results, list):
        return None
    known = _dict(_object(manifest).get("nodes"))
    return Results(
        command=_text(_dict(content.get("args")).get("which")) or "command",
        dbt_version=_text(_dict(content.get("metadata")).get("dbt_version")),
        seconds=_seconds(content.get("elapsed_time")),
        nodes=tuple(_node(one, known) for one in results[:MOST_RESULTS] if isinstance(one, dict)),
    )


def message(report: Report, results: Results, output: bytes) -> str:
    """A line for people, at most 1,000 characters: what came of the nodes, and of those that failed.

    Where none did and the command failed all the same, the error that it printed last.
    """
    counted = ", ".join(f"{count} {status}" for status, count in results.counts.items()) or "no nodes"
    words = f"dbt {results.command}: {counted} in {results.seconds:.1f} s"
    if report.exit_code is None:
        words = f"{report.message.partition(':')[0]}: {words}"  # it was killed: that first
    failed = [f"{node.name}: {node.message or node.status}" for node in results.failed]
    if report.exit_code and not failed:
        failed = [_last_error(report, output)]
    return " | ".join([words, *failed])[:LONGEST_MESSAGE]


def early_message(report: Report, output: bytes) -> str:
    """What is said of a command that wrote no results: what the report says, or the error that dbt printed last."""
    if not report.exit_code:
        return report.message
    return f"dbt failed before it ran anything: {_last_error(report, output)}"[:LONGEST_MESSAGE]


def _last_error(report: Report, output: bytes) -> str:
    lines = [_TIME_OF_DAY.sub("", printable(line)).strip() for line in output.decode("utf-8", "replace").splitlines()]
    lines = [line for line in lines if line]
    heads = [at for at, line in enumerate(lines) if line.startswith(_ENCOUNTERED)]
    heads = [heads[-1] + 1] if heads else [at for at, line in enumerate(lines) if _ERROR_HEADING.match(line)][-1:]
    return " | ".join(lines[heads[0] : heads[0] + MOST_LINES]) if heads else report.message


def summary(results: Results) -> str:
    """What of it is kept with the run: a JSON object of at most 60 KiB."""
    slowest = sorted(results.nodes, key=lambda node: -node.seconds)[:MOST_SLOWEST]
    failed = results.failed[:MOST_FAILED]
    while True:
        text = json.dumps(
            {
                "preset": "dbt",
                "command": results.command,
                "dbt_version": results.dbt_version,
                "elapsed_seconds": results.seconds,
                "node_count": len(results.nodes),
                "failed_count": len(results.failed),
                "counts": results.counts,
                "slowest": [_shown(node) for node in slowest],
                "failed": [_shown(node) | {"message": node.message} for node in failed],
            },
            ensure_ascii=False,
        )
        if len(text.encode()) <= LARGEST_SUMMARY:
            return text
        slowest, failed = slowest[: len(slowest) // 2], failed[: len(failed) // 2]


def _shown(node: Node) -> dict[str, object]:
    return {
        "unique_id": node.unique_id,
        "name": node.name,
        "resource_type": node.resource_type,
        "path": node.path,
        "status": node.status,
        "seconds": node.seconds,
    }


def _node(result: dict[str, Any], known: dict[str, Any]) -> Node:
    unique_id = _text(result.get("unique_id"))
    about = _dict(known.get(unique_id))
    parts = unique_id.split(".")
    return Node(
        unique_id=unique_id,
        name=_text(about.get("name")) or parts[-1],
        resource_type=_text(about.get("resource_type")) or parts[0],
        status=_text(result.get("status")) or "unknown",
        seconds=_seconds(result.get("execution_time")),
        message=_text(result.get("message"), LONGEST_NODE_MESSAGE),
        path=_text(about.get("original_file_path")),
    )


def _object(content: bytes) -> dict[str, Any]:
    try:
        return _dict(json.loads(content))
    except (ValueError, RecursionError):
        return {}


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object, longest: int = LONGEST_NAME) -> str:
    return printable(value[: 4 * longest])[:longest] if isinstance(value, str) else ""


def _seconds(value: object) -> float:
    """A length of time as dbt tells it; 0 for what can be none, such as NaN."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LONGEST_SECONDS:
        return round(float(value), 3)
    return 0.0
