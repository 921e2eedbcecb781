"""The refusals of a call that no other room raises. Invariant: they tell neither body nor token nor secret."""

import grpc

from chassis.errors import DomainError, ResourceExhausted, Unauthenticated, Unavailable
from trigger_svc.verification.verdict import Refused

#: When to call again: executions and pauses end, in general, no sooner.
QUEUE_SECONDS, PAUSE_SECONDS = 10.0, 60.0


class Unverified(Unauthenticated):
    """A call that does not prove whom it is from; `challenge` is the WWW-Authenticate header that goes with it."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.reason, refused.message)
        self.challenge = refused.challenge


class NotServed(DomainError):
    """A method that the URL does not answer."""

    code = grpc.StatusCode.UNIMPLEMENTED


def too_large(most: int) -> ResourceExhausted:
    """A call that no window could hold."""
    return ResourceExhausted("CALL_TOO_LARGE", f"the call is larger than the {most:,} bytes that are taken here")


def method_not_allowed() -> NotServed:
    """No sender whose way is known here asks by GET or HEAD."""
    return NotServed("METHOD_NOT_ALLOWED", "calls are made by POST")


def too_many(seconds: float) -> ResourceExhausted:
    """A call beyond its trigger's rate."""
    return ResourceExhausted("RATE_LIMIT", "more calls a second than this trigger takes", retry_after=seconds)


def queue_full() -> ResourceExhausted:
    """A call that would open a window whose execution would be rejected."""
    return ResourceExhausted("QUEUE_LIMIT", "too many executions are waiting: call again", retry_after=QUEUE_SECONDS)


def paused() -> Unavailable:
    """A call for a task or plan that is paused, of a trigger that holds none back."""
    return Unavailable("PAUSED", "no calls are taken for the time being: call again", retry_after=PAUSE_SECONDS)


def in_doubt() -> Unavailable:
    """A call whose commit went through, but not what was decided about it."""
    return Unavailable("DATABASE_UNAVAILABLE", "the database does not answer: call again", retry_after=1.0)


def unreadable() -> Unavailable:
    """A call of a trigger whose secrets, or what was agreed about them, cannot be read: an error of ours."""
    return Unavailable("VERIFICATION_UNAVAILABLE", "calls cannot be verified here: call again", retry_after=30.0)
