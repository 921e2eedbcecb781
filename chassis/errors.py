"""The errors that a caller can meet: raised once where a rule is broken, mapped once to gRPC (chassis/status.py).

    DomainError
     +-- InvalidInput        INVALID_ARGUMENT     every bad field, each with a sentence
     +-- Unauthenticated     UNAUTHENTICATED      no caller, or none that we know
     +-- PermissionDenied    PERMISSION_DENIED    a caller without the right
     +-- NotFound            NOT_FOUND            not there, or not the caller's
     +-- AlreadyExists       ALREADY_EXISTS       the name, or the request id, is taken
     +-- FailedPrecondition  FAILED_PRECONDITION  not in this state
     +-- ResourceExhausted   RESOURCE_EXHAUSTED   a limit or a full line; retry_after where waiting helps
     +-- Unavailable         UNAVAILABLE          something behind us is away; retry_after says when to call again

A customer's endpoint that fails is an outcome, not an error. `reason` is upper snake case and part of the contract;
`message` tells a person what to do next and never carries internals or secrets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import grpc


@dataclass(frozen=True, slots=True)
class BadField:
    """One broken rule: `field` is a path such as events[2].job_run.job_id, `message` what must be there instead."""

    field: str
    message: str


class DomainError(Exception):
    """Base of the tree; never raised itself."""

    code: grpc.StatusCode = grpc.StatusCode.INTERNAL

    def __init__(
        self, reason: str, message: str, *, metadata: Mapping[str, str] | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after


class InvalidInput(DomainError):
    """A request that breaks rules: all of them at once, so that the caller mends them in one go."""

    code = grpc.StatusCode.INVALID_ARGUMENT

    def __init__(self, fields: Sequence[BadField], reason: str = "INVALID_INPUT") -> None:
        shown = "; ".join(f"{bad.field}: {bad.message}" for bad in fields[:5])
        more = f" (and {len(fields) - 5} more)" if len(fields) > 5 else ""
        super().__init__(reason, shown + more)
        self.fields = tuple(fields)


class Unauthenticated(DomainError):
    """Nobody we know."""

    code = grpc.StatusCode.UNAUTHENTICATED


class PermissionDenied(DomainError):
    """Known, but not allowed."""

    code = grpc.StatusCode.PERMISSION_DENIED


class NotFound(DomainError):
    """Not there, or not the caller's: the two look the same."""

    code = grpc.StatusCode.NOT_FOUND


class AlreadyExists(DomainError):
    """Taken."""

    code = grpc.StatusCode.ALREADY_EXISTS


class FailedPrecondition(DomainError):
    """Not in this state."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class ResourceExhausted(DomainError):
    """A limit is reached."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED


class Unavailable(DomainError):
    """Something behind us is away; the outcome of a write may be unknown."""

    code = grpc.StatusCode.UNAVAILABLE
