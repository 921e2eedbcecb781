"""What trigger_svc says of a call, as an HTTP answer. Codes are chosen by what senders do with them.

    accepted    204, X-Call-Id; of a duplicate the first one's, and X-Duplicate; or what the sender expects instead
    4xx         a fault of the request, which is not to be repeated
    429, 503    to be repeated: Retry-After, spread by chance so that not all come back at once

Invariant: a fault of ours is never 4xx, and nothing that was not committed is 2xx.
"""

import random

import grpc

from chassis.status import Refusal
from gateway.http_errors import HttpError, http_error_of, not_found
from runhook.trigger.v1.trigger_service_pb2 import CallAccepted, CallRefused

Header = tuple[bytes, bytes]
MEDIA_TYPES = "application/json, application/xml, application/x-www-form-urlencoded, text/plain, text/xml"
METHODS = "POST, OPTIONS"
MOST_JITTER_SECONDS = 2.0
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_ACCEPT_POST = {"accept-post": MEDIA_TYPES}
_BY_REASON = {
    "MEDIA_TYPE_UNSUPPORTED": (415, _ACCEPT_POST),
    "MEDIA_TYPE_MISSING": (415, _ACCEPT_POST),
    "CHARSET_UNKNOWN": (415, _ACCEPT_POST),
    "CODING_UNSUPPORTED": (415, {"accept-encoding": "identity"}),
    "CALL_TOO_LARGE": (413, {}),
    "METHOD_NOT_ALLOWED": (405, {"allow": METHODS}),
}
_THROTTLED = frozenset({"RATE_LIMIT", "QUEUE_LIMIT"})


def headers_of(accepted: CallAccepted) -> list[Header]:
    """What the answer to an accepted call says of it; a handshake is no call and has no id."""
    headers = [(b"x-call-id", accepted.call_id.encode())] if accepted.call_id else []
    if accepted.duplicate:
        headers.append((b"x-duplicate", b"true"))
    return headers


def refusal(refused: CallRefused) -> HttpError:
    """The answer to a call that was not taken."""
    code = _CODES.get(refused.code, grpc.StatusCode.UNKNOWN)
    if code is grpc.StatusCode.NOT_FOUND:
        return not_found()
    if refused.reason in _BY_REASON:
        status, headers = _BY_REASON[refused.reason]
        return HttpError(status, refused.message, reason=refused.reason, headers=headers)
    if refused.reason in _THROTTLED:
        return again(refused.message, refused.reason, wait_of(refused), status=429)
    if code is grpc.StatusCode.UNAUTHENTICATED:
        challenge = {"www-authenticate": refused.challenge}
        return HttpError(401, refused.message, reason=refused.reason, headers=challenge)
    if code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED):
        return http_error_of(Refusal(code=code, message=refused.message, reason=refused.reason))
    return again(refused.message or "call again", refused.reason or "UNAVAILABLE", wait_of(refused))


def lost() -> HttpError:
    """503: the call may or may not have been stored, and the sender is to send it again."""
    return again("the call could not be confirmed as stored: call again", "TRIGGER_SERVICE_UNAVAILABLE")


def again(message: str, reason: str, wait: float = 0.0, *, status: int = 503) -> HttpError:
    """503 or 429 with a Retry-After of at least `wait` seconds."""
    spread = max(wait, 1.0) + random.uniform(0, MOST_JITTER_SECONDS)
    return HttpError(status, message, reason=reason, retry_after=spread)


def wait_of(refused: CallRefused) -> float:
    """Seconds; 0.0 where it says none."""
    return refused.retry_delay.seconds + refused.retry_delay.nanos / 1e9
