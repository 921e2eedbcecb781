"""Who must get what: every subscription gets the facts of its types and its job, once each, and nothing else."""

from collections import Counter
from typing import Any, NamedTuple


class Fact(NamedTuple):
    """An event, as far as subscriptions look at it."""

    event_type: str
    job_id: str
    run_id: str

    def __str__(self) -> str:
        return f"{self.event_type} of job {self.job_id} run {self.run_id}"


class Wish(NamedTuple):
    """A subscription; `job_id` is None where it is for all jobs."""

    path: str
    event_types: tuple[str, ...]
    job_id: str | None


class Ledger:
    """Wishes and facts as they come to be; a fact is for the wishes that were there before it."""

    def __init__(self) -> None:
        self._wishes: list[Wish] = []
        self.due: Counter[tuple[str, Fact]] = Counter()

    def wish(self, wish: Wish) -> None:
        """A subscription was made."""
        self._wishes.append(wish)

    def happen(self, fact: Fact) -> None:
        """An event was published."""
        for path, event_types, job_id in self._wishes:
            if fact.event_type in event_types and job_id in (None, fact.job_id):
                self.due[path, fact] += 1


def fact_of(event: dict[str, Any]) -> Fact:
    """The fact that a published event or a delivered body tells of."""
    return Fact(event["eventType"], event["data"]["jobId"], event["data"]["runId"])
