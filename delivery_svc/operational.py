"""Operational events: what the platform did to somebody's things, told to the operator's own subscriptions.

They go out as every other event does: signed, retried, logged. Their `data` is an OperationalFact.
"""

import hashlib
from dataclasses import dataclass
from json.encoder import encode_basestring

from delivery_svc.event import EventType, NewEvent

OPERATIONAL_TYPES = frozenset({EventType.DEACTIVATED.value, EventType.REJECTED.value})
#: An operational event is of no job: only subscriptions to every job get it.
NO_JOB = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationalFact:
    """Whose thing (`subject`, its public id) and why."""

    account_id: int
    subject: str
    subject_name: str
    reason: str


def operational_event(
    operator_account_id: int,
    event_type: str,
    fact: OperationalFact,
    *,
    request_id: str | None,
    event_time_ns: int | None = None,
) -> NewEvent:
    """The event as the publisher takes it. Its body hash leaves the reason out: that may be worded anew."""
    data = render_fact(fact)
    named = f"{event_type}\n{event_time_ns}\n{fact.account_id}\n{fact.subject}"
    return NewEvent(
        account_id=operator_account_id,
        event_type=event_type,
        job_id=NO_JOB,
        request_id=request_id,
        event_time_ns=event_time_ns,
        data=data,
        body_hash=hashlib.blake2b(named.encode(), digest_size=16).digest(),
    )


def render_fact(fact: OperationalFact) -> bytes:
    """The `data` object: compact JSON in UTF-8.

    >>> render_fact(OperationalFact(account_id=7, subject="wsu_1", subject_name="CI", reason="it failed"))
    b'{"accountId":"7","subject":"wsu_1","subjectName":"CI","reason":"it failed"}'
    """
    text = encode_basestring
    return (
        f'{{"accountId":"{fact.account_id}","subject":{text(fact.subject)}'
        f',"subjectName":{text(fact.subject_name)},"reason":{text(fact.reason)}}}'
    ).encode()
