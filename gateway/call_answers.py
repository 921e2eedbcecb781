"""What trigger_svc says of a call, as an HTTP answer. Codes are chosen by what senders do with them.

A fault of the request is 4xx, which tells the sender not to repeat it; a fault of ours is 503 with Retry-After, spread
by chance so that not all come back at once.
"""

import random

import grpc
from starlette.responses import Response

from chassis.status import Refusal
from gateway.http_errors import HttpError, http_error_of, not_found
from runhook.trigger.v1.trigger_service_pb2 import CallRefused, ReceiveCallsResponse

MEDIA_TYPES = "application/json, application/xml, application/x-www-form-urlencoded, text/plain, text/xml"
MOST_JITTER_SECONDS = 2.0
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_BY_REASON = {
    "MEDIA_TYPE_UNSUPPORTED": 415,
    "MEDIA_TYPE_MISSING": 415,
    "CHARSET_UNKNOWN": 415,
    "CALL_TOO_LARGE": 413,
}


def response_to(answer: ReceiveCallsResponse) -> Response:
    """204 with X-Call-Id. HttpError when the call was refused."""
    if answer.WhichOneof("answer") != "accepted":
        raise _refusal(answer.refused)
    return Response(status_code=204, headers={"x-call-id": answer.accepted.call_id})


def lost() -> HttpError:
    """503: the call may or may not have been stored, and the sender is to send it again."""
    return _again("the call could not be confirmed as stored: call again", "TRIGGER_SERVICE_UNAVAILABLE", 1.0)


def _refusal(refused: CallRefused) -> HttpError:
    code = _CODES.get(refused.code, grpc.StatusCode.UNKNOWN)
    if code is grpc.StatusCode.NOT_FOUND:
        return not_found()
    status = _BY_REASON.get(refused.reason)
    if status is not None:
        headers = {"accept-post": MEDIA_TYPES} if status == 415 else {}
        return HttpError(status, refused.message, reason=refused.reason, headers=headers)
    if code is grpc.StatusCode.INVALID_ARGUMENT:
        return http_error_of(Refusal(code=code, message=refused.message, reason=refused.reason))
    wait = refused.retry_delay.seconds + refused.retry_delay.nanos / 1e9
    return _again(refused.message or "call again", refused.reason or "UNAVAILABLE", wait)


def _again(message: str, reason: str, wait: float) -> HttpError:
    spread = max(wait, 1.0) + random.uniform(0, MOST_JITTER_SECONDS)
    return HttpError(503, message, reason=reason, retry_after=spread)
