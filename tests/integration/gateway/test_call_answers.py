"""What the trigger door makes of trigger_svc's answers, against a real gRPC peer on real sockets."""

import grpc
import pytest

from runhook.trigger.v1.trigger_service_pb2 import CallAccepted, CallRefused, CallReply
from tests.support.calling import DOOR, TOKEN, Both, post
from tests.support.trigger_peer import CALL_ID


def refused(code: grpc.StatusCode, reason: str, *, wait: int = 0, challenge: str = "") -> CallRefused:
    made = CallRefused(code=code.value[0], reason=reason, message="a sentence", challenge=challenge)
    if wait:
        made.retry_delay.seconds = wait
    return made


REFUSALS = [
    (refused(grpc.StatusCode.NOT_FOUND, "TRIGGER_NOT_FOUND"), 404, set()),
    (refused(grpc.StatusCode.INVALID_ARGUMENT, "MEDIA_TYPE_UNSUPPORTED"), 415, {"Accept-Post"}),
    (refused(grpc.StatusCode.INVALID_ARGUMENT, "MEDIA_TYPE_MISSING"), 415, {"Accept-Post"}),
    (refused(grpc.StatusCode.INVALID_ARGUMENT, "CHARSET_UNKNOWN"), 415, {"Accept-Post"}),
    (refused(grpc.StatusCode.INVALID_ARGUMENT, "ENCODING_INVALID"), 400, set()),
    (refused(grpc.StatusCode.INVALID_ARGUMENT, "BODY_INVALID"), 400, set()),
    (refused(grpc.StatusCode.INVALID_ARGUMENT, "CODING_INVALID"), 400, set()),
    (refused(grpc.StatusCode.INVALID_ARGUMENT, "CODING_UNSUPPORTED"), 415, {"Accept-Encoding"}),
    (refused(grpc.StatusCode.UNIMPLEMENTED, "METHOD_NOT_ALLOWED"), 405, {"Allow"}),
    (refused(grpc.StatusCode.UNAUTHENTICATED, "SIGNATURE_INVALID"), 401, set()),
    (refused(grpc.StatusCode.UNAUTHENTICATED, "TIMESTAMP_STALE"), 401, set()),
    (
        refused(grpc.StatusCode.UNAUTHENTICATED, "SIGNATURE_MISSING", challenge='Basic realm="x"'),
        401,
        {"WWW-Authenticate"},
    ),
    (refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMIT", wait=3), 429, {"Retry-After"}),
    (refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_LIMIT", wait=60), 429, {"Retry-After"}),
    (refused(grpc.StatusCode.UNAVAILABLE, "PAUSED", wait=30), 503, {"Retry-After"}),
    (refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "CALL_TOO_LARGE"), 413, set()),
    (refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "WAITING_LINE_FULL", wait=1), 503, {"Retry-After"}),
    (refused(grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE", wait=2), 503, {"Retry-After"}),
    (refused(grpc.StatusCode.UNAVAILABLE, ""), 503, {"Retry-After"}),
    (refused(grpc.StatusCode.INTERNAL, ""), 503, {"Retry-After"}),  # our fault is never the sender's
]


@pytest.mark.parametrize(("refusal", "status", "headers"), REFUSALS)
async def test_a_refusal_has_the_code_that_makes_senders_do_the_right_thing(
    both: Both, refusal: CallRefused, status: int, headers: set[str]
) -> None:
    both.peer.refusals[TOKEN] = refusal
    answer = await post(both.call, b"the-body-of-a-call")
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert all(header in answer.headers for header in headers)
    assert answer.headers.get("WWW-Authenticate", "") == refusal.challenge
    assert int(answer.headers.get("Retry-After", 1)) >= refusal.retry_delay.seconds
    assert b"the-body-of-a-call" not in answer.body


async def test_a_handshake_is_answered_as_its_sender_expects(both: Both) -> None:
    reply = CallReply(status_code=200, media_type="text/plain", body=b"challenge")
    both.peer.acceptances[TOKEN] = CallAccepted(reply=reply)
    for method, body in (("GET", b"challenge"), ("HEAD", b""), ("POST", b"challenge")):
        answer = await both.call(method, f"{DOOR}?hub.challenge=1", token=None, headers={"X": "y"})
        assert (answer.status, answer.body, answer.headers["Content-Type"]) == (200, body, "text/plain")
        assert "X-Call-Id" not in answer.headers
    assert [(one.method, one.query) for one in both.peer.calls] == [
        (method, b"hub.challenge=1") for method in ("GET", "HEAD", "POST")
    ]


async def test_a_duplicate_is_204_with_the_first_ones_id(both: Both) -> None:
    both.peer.acceptances[TOKEN] = CallAccepted(call_id=CALL_ID, duplicate=True)
    answer = await post(both.call)
    assert (answer.status, answer.headers["X-Call-Id"], answer.headers["X-Duplicate"]) == (204, CALL_ID, "true")
