"""A subscription and its rules, without I/O: what is a sound one, what an update makes of it, which events it wants.

Invariant: text and order are kept to the letter; duplicates are folded in `interests` alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from chassis.errors import BadField
from subscription_svc import client_url, text

EVENT_TYPES = ("job.run.started", "job.run.completed", "job.run.errored")
#: They tell of every account, so the operator's alone may want them.
OPERATIONAL_EVENT_TYPES = ("subscription.deactivated", "execution.rejected")
LONGEST_NAME = 255
LONGEST_DESCRIPTION = 2000
MOST_JOB_IDS = 10_000
MOST_EVENT_TYPES = 100
EVERY_JOB = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What the account says. `job_ids` empty means every job."""

    name: str
    description: str
    job_ids: tuple[int, ...]
    event_types: tuple[str, ...]
    client_url: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A stored subscription. `id` is the inner key, `public_id` the one that callers see (wsu_...)."""

    id: int
    public_id: str
    account_id: int
    #: The account's public id, act_...
    account_identifier: str
    configuration: Configuration
    #: Why the platform set it inactive; None when it did not.
    deactivate_reason: str | None
    created_at: datetime
    updated_at: datetime
    #: Raised by every change of it, and of how it is signed or delivered to.
    version: int
    #: Status code of the endpoint's last answer; 0 before the first.
    last_status_code: int
    last_attempt_at: datetime | None


def event_types_of(account_id: int, operator_account_id: int | None) -> tuple[str, ...]:
    """What the account's subscriptions may want.

    >>> event_types_of(1, 2), len(event_types_of(2, 2))
    (('job.run.started', 'job.run.completed', 'job.run.errored'), 5)
    """
    return EVENT_TYPES + OPERATIONAL_EVENT_TYPES if account_id == operator_account_id else EVENT_TYPES


def broken_rules(configuration: Configuration, event_types: tuple[str, ...]) -> list[BadField]:
    """Every broken rule at once; empty when the configuration is sound. `event_types` are those it may want."""
    return [BadField(f"subscription.{field}", message) for field, message in _complaints(configuration, event_types)]


def revised(before: Subscription, wanted: Configuration) -> tuple[bool, str | None]:
    """(active, deactivate_reason) after an update. A changed URL revives an inactive one, whatever `active` says."""
    old = before.configuration
    active = wanted.active or (not old.active and wanted.client_url != old.client_url)
    return active, None if active or old.active else before.deactivate_reason


def interests(configuration: Configuration) -> list[tuple[str, int]]:
    """(event type, job id) pairs that it wants, each once; job 0 stands for every job. None while it is inactive."""
    if not configuration.active:
        return []
    jobs = sorted(set(configuration.job_ids)) or [EVERY_JOB]
    return [(event_type, job) for event_type in sorted(set(configuration.event_types)) for job in jobs]


def _complaints(configuration: Configuration, allowed: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for complaint in text.complaints(configuration.name, longest=LONGEST_NAME, required=True):
        yield "name", complaint
    for complaint in text.complaints(configuration.description, longest=LONGEST_DESCRIPTION, required=False):
        yield "description", complaint
    yield from _complaints_of_job_ids(configuration.job_ids)
    yield from _complaints_of_event_types(configuration.event_types, allowed)
    problem = client_url.complaint(configuration.client_url)
    if problem is not None:
        yield "client_url", problem


def _complaints_of_job_ids(job_ids: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    if len(job_ids) > MOST_JOB_IDS:
        yield "job_ids", f"must have at most {MOST_JOB_IDS:,} entries"
        return
    for index, job_id in enumerate(job_ids):
        if job_id <= 0:
            yield f"job_ids[{index}]", "must be a whole number above 0"


def _complaints_of_event_types(event_types: tuple[str, ...], allowed: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if not event_types:
        yield "event_types", f"is required: one or more of {', '.join(allowed)}"
    if len(event_types) > MOST_EVENT_TYPES:
        yield "event_types", f"must have at most {MOST_EVENT_TYPES} entries"
        return
    for index, event_type in enumerate(event_types):
        if event_type not in allowed:
            yield f"event_types[{index}]", f"must be one of {', '.join(allowed)}"
