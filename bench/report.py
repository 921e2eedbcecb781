"""What a bench found, for people as a table and for machines as JSON: the same figures, the same names.

Invariant: no figure leaves without the machine, the settings and the yardstick's digest.
"""

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import table
from bench.database import Settings
from bench.figures import Latency, Pair, Spread, Verdict, spread_of
from bench.goal import Goal
from bench.goals import goals_of
from bench.machine import Machine

YARDSTICK = Path(__file__).with_name("bare_sender.py")


def yardstick_digest() -> str:
    """SHA-256 of the frozen bare sender, in hex: results with different digests must not be compared."""
    return hashlib.sha256(YARDSTICK.read_bytes()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that one bench found. `body_bytes` is the mean size of a delivered body."""

    machine: Machine
    postgres: Settings
    options: dict[str, Any]
    pairs: list[Pair]
    latencies: list[Latency]
    verdict: Verdict
    body_bytes: float

    @property
    def failed(self) -> bool:
        """Whether an event was lost, or one arrived that nobody published."""
        return self.verdict.failed

    def goals(self) -> list[Goal]:
        """The goals, judged."""
        return goals_of(self.pairs, self.latencies)

    def summary(self) -> dict[str, Spread | None]:
        """Median, least and greatest of every figure of the rounds, by name."""
        pairs = self.pairs
        figures = {
            "deliveries_per_second": spread_of(pair.product.rate for pair in pairs),
            "bare_requests_per_second": spread_of(pair.bare.rate for pair in pairs),
            "rate_ratio": spread_of(pair.rate_ratio for pair in pairs),
            "delivery_svc_per_cpu_second_ratio": spread_of(pair.delivery_cpu_ratio for pair in pairs),
            "product_per_cpu_second_ratio": spread_of(pair.product_cpu_ratio for pair in pairs),
            "postgres_cpu_ratio": spread_of(
                pair.postgres_cpu_ratio for pair in pairs if pair.postgres_cpu_ratio is not None
            ),
            "bare_cpu_us": spread_of(pair.bare.cpu_us for pair in pairs),
            "product_cpu_us": spread_of(pair.product.processes_us for pair in pairs),
            "product_and_postgres_cpu_us": spread_of(sum(pair.product.product_us.values()) for pair in pairs),
            "wal_bytes_per_delivery": spread_of(pair.product.wal_bytes for pair in pairs),
        }
        for name in sorted({name for pair in pairs for name in pair.product.product_us}):
            figures[f"cpu_us.{name}"] = spread_of(pair.product.product_us.get(name, 0.0) for pair in pairs)
        for name in sorted({name for pair in pairs for name in pair.product.bench_us}):
            figures[f"bench_cpu_us.{name}"] = spread_of(pair.product.bench_us.get(name, 0.0) for pair in pairs)
        return figures

    def as_json(self) -> dict[str, Any]:
        """The whole as JSON values."""
        return {
            "machine": dataclasses.asdict(self.machine),
            "postgres": dataclasses.asdict(self.postgres),
            "yardstick_sha256": yardstick_digest(),
            "options": self.options,
            "summary": {name: spread and dataclasses.asdict(spread) for name, spread in self.summary().items()},
            "goals": [dataclasses.asdict(goal) for goal in self.goals()],
            "latency": [dataclasses.asdict(latency) for latency in self.latencies],
            "verdict": dataclasses.asdict(self.verdict),
            "body_bytes": self.body_bytes,
            "rounds": [dataclasses.asdict(pair) for pair in self.pairs],
        }

    def as_text(self) -> str:
        """The whole as lines of at most 100 columns."""
        return "\n".join(
            [
                *table.about(self.machine, self.postgres),
                "",
                *table.spreads(f"over {len(self.pairs)} pairs of rounds", self.summary()),
                "",
                table.row("publish to receive, ms", _LATENCY_HEADS),
                *(_latency_line(latency) for latency in self.latencies),
                "",
                f"published {self.verdict.published}, lost {self.verdict.lost}, duplicates {self.verdict.duplicates}, "
                f"stray {self.verdict.stray}; mean body {self.body_bytes:.0f} bytes",
                *(table.goal_line(goal) for goal in self.goals()),
            ]
        )


_LATENCY_HEADS = ("p50", "p99", "ack p50", "ack p99", "late p99")


def _latency_line(latency: Latency) -> str:
    values = (latency.p50_ms, latency.p99_ms, latency.ack_p50_ms, latency.ack_p99_ms, latency.late_p99_ms)
    name = f"{latency.rate:.0f} events/s in batches of {latency.batch}"
    return table.row(name, ["-" if value is None else format(value, ".1f") for value in values])
