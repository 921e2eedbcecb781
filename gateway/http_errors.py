"""The one place where a service's refusal becomes an HTTP status.

    UNAUTHENTICATED 401   PERMISSION_DENIED 403   NOT_FOUND 404        INVALID_ARGUMENT, OUT_OF_RANGE 400
    ALREADY_EXISTS 409    FAILED_PRECONDITION 409 ABORTED 409          UNIMPLEMENTED 501
    RESOURCE_EXHAUSTED    503 where waiting helps, 409 where a limit must be made room under
    ETAG_MISMATCH         412, QUEUE_LIMIT 429, whatever their codes are
    UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED 503                      anything else 500

Invariant: what a caller reads is our own words. Text without one of our reasons (a transport's) is replaced.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import grpc

from chassis.errors import BadField
from chassis.status import Refusal

_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.FAILED_PRECONDITION: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 503,
    grpc.StatusCode.CANCELLED: 503,
}
_STATUS_OF_REASON = {"ETAG_MISMATCH": 412, "QUEUE_LIMIT": 429}
_OWN_WORDS = {
    500: "an internal error: tell the operator the request id",
    501: "the service behind this route does not know the call: it may be of another release",
    503: "the service behind this route does not answer: call again",
}
SHORTEST_WAIT = 1.0
MOST_FIELDS = 100
SHOWN_FIELDS = 5


class HttpError(Exception):
    """An answer that is an error. `fields` have JSON paths; `retry_after` is seconds; `close` ends the connection."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        reason: str = "",
        fields: Sequence[BadField] = (),
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
        close: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason
        self.fields = tuple(fields)
        self.retry_after = SHORTEST_WAIT if status == 503 and retry_after is None else retry_after
        self.headers = dict(headers or {})
        self.close = close

    def name_fields(self, fields: Sequence[BadField]) -> None:
        """Makes these the bad fields, at most 100 of them, and the message what they say."""
        self.fields = tuple(fields[:MOST_FIELDS])
        more = f" (and {len(fields) - SHOWN_FIELDS} more)" if len(fields) > SHOWN_FIELDS else ""
        self.message = "; ".join(f"{bad.field}: {bad.message}" for bad in fields[:SHOWN_FIELDS]) + more

    @property
    def title(self) -> str:
        """The status's own name, such as "Not Found"."""
        return HTTPStatus(self.status).phrase


def http_error_of(refusal: Refusal) -> HttpError:
    """The answer to a caller whose request a service refused."""
    status = _STATUS.get(refusal.code, 500)
    if refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        status = 503 if refusal.retry_after is not None else 409
    status = _STATUS_OF_REASON.get(refusal.reason, status)
    message = refusal.message if refusal.reason else _OWN_WORDS.get(status, "the request was refused")
    return HttpError(status, message, reason=refusal.reason, fields=refusal.fields, retry_after=refusal.retry_after)


def bad_request(*fields: BadField) -> HttpError:
    """400 with its fields named."""
    error = HttpError(400, "", reason="INVALID_INPUT")
    error.name_fields(fields)
    return error


def not_found() -> HttpError:
    """404 for what no service need be asked for."""
    return HttpError(404, "there is nothing at this address", reason="NOT_FOUND")


def not_allowed(methods: str) -> HttpError:
    """405 where only these methods, such as "GET, HEAD", are served."""
    return HttpError(405, f"allowed here: {methods}", reason="METHOD_NOT_ALLOWED", headers={"allow": methods})
