"""What the model calls a row and what Postgres does, pair by pair."""

from dataclasses import dataclass, field


class Names:
    """The names of one table's rows."""

    def __init__(self) -> None:
        self._real: dict[int, int] = {}
        self._ours: dict[int, int] = {}

    def learn(self, real: int, ours: int | None = None) -> None:
        """A row that is new: the model's next one, unless it is said which."""
        ours = ours or len(self._ours) + 1
        self._real[ours], self._ours[real] = real, ours

    def real(self, ours: int) -> int:
        """What Postgres calls it."""
        return self._real[ours]

    def ours(self, real: int | None) -> int | None:
        """What the model calls it; one that is not known is the next."""
        if real is not None and real not in self._ours:
            self.learn(real)
        return None if real is None else self._ours[real]


@dataclass
class Numbers:
    """The names of all rows; `public_ids` are those of executions, by the model's number."""

    tasks: Names = field(default_factory=Names)
    plans: Names = field(default_factory=Names)
    triggers: Names = field(default_factory=Names)
    windows: Names = field(default_factory=Names)
    executions: Names = field(default_factory=Names)
    runs: Names = field(default_factory=Names)
    leases: Names = field(default_factory=Names)
    public_ids: dict[int, str] = field(default_factory=dict)

    def target(self, ours: int) -> int:
        """What Postgres calls a target: below 0 is a plan."""
        return self.tasks.real(ours) if ours > 0 else -self.plans.real(-ours)
