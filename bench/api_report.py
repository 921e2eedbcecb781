"""What the API bench found, for people as a table and for machines as JSON: the same figures, the same names.

Invariant: no figure leaves without the machine and the settings that it was taken with.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

from bench import table
from bench.api_figures import ReadLatency, ReadPair
from bench.database import Settings
from bench.figures import Spread, Verdict, spread_of
from bench.goal import Goal
from bench.goals import goals_of_reads
from bench.machine import Machine
from bench.reader import READER

_LATENCY_HEADS = ("p50", "p99", "late p99", "deliveries/s")


@dataclass(frozen=True, kw_only=True)
class ApiReport:
    """Everything that one bench found."""

    machine: Machine
    postgres: Settings
    options: dict[str, Any]
    pairs: list[ReadPair]
    latencies: list[ReadLatency]
    verdict: Verdict

    @property
    def failed(self) -> bool:
        """Whether an event of the deliveries beside it was lost, or one arrived that nobody published."""
        return self.verdict.failed

    def goals(self) -> list[Goal]:
        """The goals, judged."""
        return goals_of_reads(self.pairs, self.latencies)

    def summary(self) -> dict[str, Spread | None]:
        """Median, least and greatest of every figure, by name."""
        pairs = self.pairs
        figures = {
            "gets_per_second": spread_of(pair.get.rate for pair in pairs),
            "constants_per_second": spread_of(pair.constant.rate for pair in pairs),
            "rate_ratio": spread_of(pair.rate_ratio for pair in pairs),
            "product_and_postgres_cpu_us": spread_of(pair.get.product_us for pair in pairs),
        }
        for name in sorted({name for pair in pairs for name in pair.get.cpu_us} - {READER}):
            figures[f"cpu_us.{name}"] = spread_of(pair.get.cpu_us[name] for pair in pairs)
        figures["constant_cpu_us.gateway"] = spread_of(pair.constant.cpu_us["gateway"] for pair in pairs)
        figures[f"bench_cpu_us.{READER}"] = spread_of(pair.get.cpu_us[READER] for pair in pairs)
        figures["p50_ms"] = spread_of(latency.p50_ms for latency in self.latencies)
        figures["p99_ms"] = spread_of(latency.p99_ms for latency in self.latencies)
        return figures

    def as_json(self) -> dict[str, Any]:
        """The whole as JSON values."""
        return {
            "machine": dataclasses.asdict(self.machine),
            "postgres": dataclasses.asdict(self.postgres),
            "options": self.options,
            "summary": {name: spread and dataclasses.asdict(spread) for name, spread in self.summary().items()},
            "goals": [dataclasses.asdict(goal) for goal in self.goals()],
            "latency": [dataclasses.asdict(latency) for latency in self.latencies],
            "verdict": dataclasses.asdict(self.verdict),
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
                table.row("GET beside deliveries, ms", _LATENCY_HEADS),
                *(_latency_line(latency) for latency in self.latencies),
                "",
                f"published {self.verdict.published}, lost {self.verdict.lost}, duplicates {self.verdict.duplicates}, "
                f"stray {self.verdict.stray}",
                *(table.goal_line(goal) for goal in self.goals()),
            ]
        )


def _latency_line(latency: ReadLatency) -> str:
    values = (latency.p50_ms, latency.p99_ms, latency.late_p99_ms, latency.deliveries_per_second)
    return table.row(f"{latency.rate:.0f} GETs/s", [format(value, ".1f") for value in values])
