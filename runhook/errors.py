"""What a call can raise: one tree, whatever went wrong. Invariant: no gRPC type is in it, so nobody needs one to catch it.

    RunhookError
     +-- InvalidInput        INVALID_ARGUMENT     the request breaks rules: `fields` has every one
     +-- Unauthenticated     UNAUTHENTICATED      no token, or an unknown, revoked or expired one
     +-- PermissionDenied    PERMISSION_DENIED    another account's things, or a token without the right
     +-- NotFound            NOT_FOUND            not there, or not the caller's
     +-- AlreadyExists       ALREADY_EXISTS       the name, or the request id, is taken
     +-- FailedPrecondition  FAILED_PRECONDITION  not in this state
     +-- ResourceExhausted   RESOURCE_EXHAUSTED   a limit or a full line; `retry_after` where waiting helps
     +-- Unavailable         UNAVAILABLE,         nobody answers there; what became of a write is unknown
     |                       CANCELLED
     +-- DeadlineExceeded    DEADLINE_EXCEEDED    no answer in time; what became of a write is unknown

Every other code (INTERNAL, UNIMPLEMENTED and their kind) is a plain RunhookError.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class BadField(NamedTuple):
    """One broken rule: `field` is a path such as events[2].job_run.job_id, `message` what must be there instead."""

    field: str
    message: str


class RunhookError(Exception):
    """A call that failed.

    `code` is gRPC's, such as "NOT_FOUND". `reason` is upper snake case, such as "TOKEN_UNKNOWN", and made for programs;
    `message` for people. `fields` names what is wrong with the request, `retry_after` is in seconds, `metadata` has facts
    that go with the reason. Reason, fields, retry_after and metadata are empty where the service said nothing of them.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        reason: str = "",
        fields: Sequence[BadField] = (),
        retry_after: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.reason = reason
        self.fields = tuple(fields)
        self.retry_after = retry_after
        self.metadata = dict(metadata or {})

    def __str__(self) -> str:
        return f"{self.code}{f' ({self.reason})' if self.reason else ''}: {self.message}"


class InvalidInput(RunhookError):
    """The request breaks rules; `fields` names all of them."""


class Unauthenticated(RunhookError):
    """No token, or one that is unknown, revoked or expired."""


class PermissionDenied(RunhookError):
    """Another account's things, or a token without the right."""


class NotFound(RunhookError):
    """Not there, or not the caller's: the two look the same."""


class AlreadyExists(RunhookError):
    """Taken."""


class FailedPrecondition(RunhookError):
    """Not in this state."""


class ResourceExhausted(RunhookError):
    """A limit is reached."""


class Unavailable(RunhookError):
    """Nobody answers there; what became of a write is unknown."""


class DeadlineExceeded(RunhookError):
    """No answer in time; what became of a write is unknown."""
