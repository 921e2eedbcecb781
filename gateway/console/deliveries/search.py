"""What a list of deliveries is filtered by, as its URL has it. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import BadField
from gateway import numbers
from gateway.console.form import Form
from gateway.console.refusal import NO_REFUSAL, Refusal
from runhook.delivery.v1.delivery_pb2 import DeliveryState

STATES = (
    ("", "Any state"),
    ("FAILED", "Failed"),
    ("PENDING", "Waiting"),
    ("DELIVERING", "Under way"),
    ("SUCCEEDED", "Delivered"),
    ("CANCELLED", "Cancelled"),
)
EVENT_TYPES = (
    ("", "Any event"),
    ("job.run.started", "job.run.started"),
    ("job.run.completed", "job.run.completed"),
    ("job.run.errored", "job.run.errored"),
)
_A_TIME = "must be a time such as 2026-11-30T12:00, in UTC"


@dataclass(frozen=True, kw_only=True)
class Search:
    """Text as people type it; times are in UTC, without a zone, as a browser's field for them takes them."""

    subscription_id: str = ""
    state: str = ""
    event_type: str = ""
    job_id: str = ""
    after: str = ""
    before: str = ""

    @property
    def refusal(self) -> Refusal:
        """What none of it can be read as."""
        bad = tuple(self._bad())
        return Refusal(fields=bad) if bad else NO_REFUSAL

    @property
    def job(self) -> int:
        """The job's number; 0 for every job."""
        return numbers.decimal(self.job_id) or 0

    @property
    def delivery_state(self) -> DeliveryState.ValueType:
        """The state; unspecified for any."""
        return DeliveryState.Value(f"DELIVERY_STATE_{self.state or 'UNSPECIFIED'}")

    @property
    def narrows(self) -> bool:
        """Whether it leaves anything out."""
        return any((self.state, self.event_type, self.job_id, self.after, self.before))

    def fields(self) -> dict[str, str]:
        """As a query has it."""
        return {name: value for name, value in vars(self).items() if value}

    def _bad(self) -> Iterator[BadField]:
        if self.state not in dict(STATES):
            yield BadField("state", "is no state of a delivery")
        if self.job_id and not self.job:
            yield BadField("job_id", "must be the number of a job")
        for name in ("after", "before"):
            try:
                moment(getattr(self, name))
            except ValueError:
                yield BadField(name, _A_TIME)


def asked(form: Form) -> Search:
    """What a query, or a form, asks for."""
    return Search(
        subscription_id=form.text("subscription_id").strip(),
        state=form.text("state"),
        event_type=form.text("event_type").strip(),
        job_id=form.text("job_id").strip(),
        after=as_shown(form.text("after").strip()),
        before=as_shown(form.text("before").strip()),
    )


def as_shown(text: str) -> str:
    """A time as a field of type datetime-local shows it: one with a zone, or a blank for the T, it would show as empty.

    >>> as_shown("2026-11-30 12:00:30Z"), as_shown("2026-11-30T13:00+01:00"), as_shown("2026-11-30"), as_shown("yesterday")
    ('2026-11-30T12:00:30', '2026-11-30T12:00', '2026-11-30T00:00', 'yesterday')
    """
    try:
        stamp = moment(text)
    except ValueError:
        return text
    if stamp is None:
        return ""
    read = stamp.ToDatetime()
    return read.isoformat(timespec="milliseconds" if read.microsecond else "seconds").removesuffix(":00")


def moment(text: str) -> Timestamp | None:
    """The time that somebody typed; None for none. ValueError for what is no time of the years 1 to 9999.

    >>> moment("2026-11-30T12:00").ToJsonString(), moment("2026-11-30 12:00:30Z").ToJsonString(), moment("")
    ('2026-11-30T12:00:00Z', '2026-11-30T12:00:30Z', None)
    """
    if not text:
        return None
    read = datetime.fromisoformat(text)
    stamp = Timestamp()
    try:
        stamp.FromDatetime(read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC))
    except OverflowError:
        raise ValueError("outside of the years 1 to 9999") from None
    return stamp
