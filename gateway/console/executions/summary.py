"""What a preset made of a run's results.

Invariant: whatever a runner sent, the page stands; what is not understood is left out.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.console.readable import readable
from gateway.console.span import length

MOST = 50


@dataclass(frozen=True, kw_only=True)
class Node:
    """A model, test or whatever else was executed."""

    name: str
    kind: str
    path: str
    status: str
    took: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Of a run of dbt: counts by status, what failed and what took longest; `raw` is all of it, for other presets."""

    preset: str
    command: str
    version: str
    elapsed: str
    counts: tuple[tuple[str, int], ...]
    failed: tuple[Node, ...]
    slowest: tuple[Node, ...]
    raw: str


def summary_of(text: str) -> Summary | None:
    """What it says; None for none."""
    try:
        said = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    counts = said.get("counts")
    return Summary(
        preset=_text(said, "preset"),
        command=_text(said, "command"),
        version=_text(said, "dbt_version"),
        elapsed=_seconds(said, "elapsed_seconds"),
        counts=_counts(counts if isinstance(counts, dict) else {}),
        failed=_nodes(said.get("failed")),
        slowest=_nodes(said.get("slowest")),
        raw=_plain(json.dumps(said, indent=2, ensure_ascii=False)),
    )


def _counts(counts: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    return tuple((_plain(name), count) for name, count in counts.items() if isinstance(count, int))[:MOST]


def _nodes(listed: object) -> tuple[Node, ...]:
    if not isinstance(listed, Sequence):
        return ()
    return tuple(
        Node(
            name=_text(one, "name") or _text(one, "unique_id"),
            kind=_text(one, "resource_type"),
            path=_text(one, "path"),
            status=_text(one, "status"),
            took=_seconds(one, "seconds"),
            message=_text(one, "message"),
        )
        for one in listed[:MOST]
        if isinstance(one, dict)
    )


def _text(said: Mapping[str, Any], name: str) -> str:
    found = said.get(name)
    return _plain(found) if isinstance(found, str) else ""


def _plain(text: str) -> str:
    return readable(text.encode("utf-8", "surrogatepass"))


def _seconds(said: Mapping[str, Any], name: str) -> str:
    found = said.get(name)
    return length(found) if isinstance(found, int | float) and 0 <= found < 1e9 else ""
