"""What the engine's bench found, part by part, for people and for machines.

Invariant: no figure leaves without the machine and the settings that it was taken with; a part that failed says why.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

from bench import table
from bench.database import Settings
from bench.finding import Finding
from bench.machine import Machine
from bench.report import yardstick_digest


@dataclass(frozen=True, kw_only=True)
class EngineReport:
    """`postgres` is None when no part came so far."""

    machine: Machine
    postgres: Settings | None
    options: dict[str, Any]
    findings: list[Finding]

    @property
    def failed(self) -> bool:
        """Whether something was lost, or a part could not be run."""
        return any(finding.failures for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """The whole as JSON values."""
        return {
            "machine": dataclasses.asdict(self.machine),
            "postgres": self.postgres and dataclasses.asdict(self.postgres),
            "yardstick_sha256": yardstick_digest(),
            "options": self.options,
            "parts": [finding.as_json() for finding in self.findings],
        }

    def as_text(self) -> str:
        """The whole as lines."""
        lines = table.about(self.machine, self.postgres)
        for finding in self.findings:
            lines += [
                "",
                *table.spreads(finding.part, finding.figures),
                *(f"note: {note}" for note in finding.notes),
                *(table.goal_line(goal) for goal in finding.goals),
                *(f"FAILED: {failure}" for failure in finding.failures),
            ]
        return "\n".join(lines)
