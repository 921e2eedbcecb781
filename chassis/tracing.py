"""Traces: what this process tells of its part in a request that crosses several. Off unless it was asked for.

Invariant: while it is off nothing of OpenTelemetry is imported, and a hot path pays one look at a name. What is off and what is
not sampled look the same from outside: there is no span, None. What is behind it when it is on is `chassis/otlp.py`, which
`chassis/telemetry.py` brings in.
"""

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Final, Literal, Protocol, TypeAlias

#: gRPC metadata and HTTP header of a trace's context: https://www.w3.org/TR/trace-context/
TRACEPARENT_KEY: Final = "traceparent"
#: A header of a call that is handed on: our span, beside what its sender has in its traceparent.
INNER_KEY: Final = "x-runhook-traceparent"

Value: TypeAlias = str | int | float | bool
Kind: TypeAlias = Literal["server", "client", "producer", "consumer", "internal"]


class Span(Protocol):
    """A sampled span that was begun. `traceparent` is what goes on from it."""

    @property
    def traceparent(self) -> str: ...

    def rename(self, name: str) -> None:
        """Gives it the name that was not known when it began."""

    def note(self, attributes: Mapping[str, Value]) -> None:
        """Adds attributes: ids, numbers and names of ours; never a URL, a payload or a secret."""

    def link(self, traceparent: str) -> None:
        """Points to a span that it has to do with and that is not above it."""

    def end(self, error: str = "", *, at_ns: int | None = None) -> None:
        """It is over; with an error it failed."""


class Tracer(Protocol):
    """What tells spans to whoever collects them."""

    def begin(
        self,
        name: str,
        kind: Kind,
        *,
        parent: str,
        links: Iterable[str],
        attributes: Mapping[str, Value] | None,
        since_ns: int | None,
        ids: tuple[int, int] | None,
    ) -> Span | None:
        """See `begin` below."""

    def samples(self, trace_id: int) -> bool:
        """See `samples` below."""

    def close(self) -> None:
        """Sends what is left, for a bounded time."""


#: The span that the present task works for.
current: ContextVar[Span | None] = ContextVar("span", default=None)
_tracer: Tracer | None = None


def on() -> bool:
    """Whether spans are told at all. Rooms of the hot path ask when they are made, others each time."""
    return _tracer is not None


def begin(
    name: str,
    kind: Kind = "internal",
    *,
    parent: str = "",
    links: Iterable[str] = (),
    attributes: Mapping[str, Value] | None = None,
    since_ns: int | None = None,
    ids: tuple[int, int] | None = None,
) -> Span | None:
    """Begins a span, which must be ended; None when it is not sampled: by its parent's flag, else by the sampler.

    `parent` and `links` are traceparents; what is none is left out. `ids` are the trace id and span id that it has to have
    (the trace's is its parent's where there is one); `since_ns` is when it began, in nanoseconds since 1970.
    """
    if _tracer is None:
        return None
    return _tracer.begin(name, kind, parent=parent, links=links, attributes=attributes, since_ns=since_ns, ids=ids)


def samples(trace_id: int) -> bool:
    """Whether a trace of this id that begins here would be told: all processes with the same sampler say the same."""
    return _tracer is not None and _tracer.samples(trace_id)


def turn_on(tracer: Tracer) -> None:
    """From here on spans are told to this one."""
    global _tracer
    _tracer = tracer


def close() -> None:
    """Sends what is left, for a bounded time, and turns traces off."""
    global _tracer
    tracer, _tracer = _tracer, None
    if tracer is not None:
        tracer.close()
