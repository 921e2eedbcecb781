"""A delivery in a pod's hands, and what is to be written when the pod lets go of it."""

from dataclasses import dataclass

from chassis.tracing import Span
from delivery_svc.event import Event
from delivery_svc.retry import Outcome, RetryPolicy
from delivery_svc.sending.endpoint import Endpoint
from delivery_svc.sending.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Secret:
    """A signing secret. `expires_us` is microseconds since 1970 on the database's clock; None while nothing ends it."""

    key: bytes
    expires_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What sending needs to know of a subscription, at one version of it. `unsendable` says why nothing is sent to it; empty
    when it may be sent to. `secrets` are the oldest first; `custom_head` are whole header lines, `custom_names` their names, a
    blank between. `retry`, `concurrency` (POSTs at once in a pod) and `rate_per_second` (of all pods) are the subscription's
    own; None: the platform's."""

    subscription_id: int
    version: int
    public_id: str
    name: str
    endpoint: Endpoint | None
    secrets: tuple[Secret, ...]
    custom_head: bytes = b""
    custom_names: str = ""
    unsendable: str
    retry: RetryPolicy | None = None
    concurrency: int | None = None
    rate_per_second: float | None = None

    def keys(self, now_us: int) -> list[bytes]:
        """The secrets that live now. An overlap's end changes no version: it is looked at here, at every attempt."""
        return [one.key for one in self.secrets if one.expires_us is None or one.expires_us > now_us]


@dataclass(slots=True)
class Delivery:
    """One event bound for one subscription, leased to this pod under `epoch`. Times are microseconds since 1970 on the
    database's clock; `began_us` is when the attempt under way was begun."""

    id: int
    event: Event
    profile: Profile
    webhook_name: str
    published_us: int
    attempts: int
    epoch: int
    began_us: int = 0
    #: Attempts that there were when it was asked for again; None when it was not.
    redelivery: int | None = None
    #: Of the attempt under way, where its trace is told.
    span: Span | None = None


@dataclass(slots=True)
class Attempt:
    """One HTTP exchange of a delivery, to be appended. `began_us` is microseconds since 1970, on the database's clock."""

    id: int
    number: int
    began_us: int
    outcome: Outcome
    exchange: Exchange


@dataclass(slots=True)
class Settled:
    """How a delivery leaves this pod's hands.

    With an attempt: done (state is SUCCEEDED or FAILED) or rescheduled (`delay` seconds from the flush on). Without one:
    CANCELLED with a reason, parked because its lane is full, or given back free (neither).
    """

    delivery: Delivery
    attempt: Attempt | None = None
    state: str | None = None
    reason: str = ""
    delay: float = 0.0
    parked: bool = False


def phase_us(exchange: Exchange) -> tuple[int | None, int | None, int | None]:
    """Microseconds of name resolution, connect and TLS; None for what a kept connection did not need."""
    phases = (exchange.resolve_seconds, exchange.connect_seconds, exchange.tls_seconds)
    resolve, connect, tls = (None if seconds is None else int(seconds * 1_000_000) for seconds in phases)
    return resolve, connect, tls
