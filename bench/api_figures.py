"""The figures of the API bench: what a GET of a subscription costs beside an answer that the gateway gives by itself.

Invariant: a ratio is taken inside a pair of rounds that ran one after the other, never between medians.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.figures import POSTGRES
from bench.reader import READER

#: Whose CPU time a GET is: all that stands between the socket and the table.
COUNTED = ("gateway", "subscription_svc", POSTGRES)


@dataclass(frozen=True, kw_only=True)
class ReadRound:
    """One saturated round: answers per second, and by process name CPU microseconds per answer (READER is the load)."""

    rate: float
    cpu_us: Mapping[str, float]

    @property
    def product_us(self) -> float:
        """COUNTED together."""
        return sum(us for name, us in self.cpu_us.items() if name != READER)


@dataclass(frozen=True, kw_only=True)
class ReadPair:
    """A round of the constant and the round of the GET that followed it."""

    constant: ReadRound
    get: ReadRound

    @property
    def rate_ratio(self) -> float:
        """GETs per second over constants per second."""
        return self.get.rate / self.constant.rate


@dataclass(frozen=True, kw_only=True)
class ReadLatency:
    """GETs at a fixed rate beside deliveries, from when each was due to the end of its answer.

    `late_p99_ms` is how far the client was behind its own schedule: when it is large, the machine was too busy.
    """

    rate: float
    deliveries_per_second: float
    requests: int
    p50_ms: float
    p99_ms: float
    late_p99_ms: float
