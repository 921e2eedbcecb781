"""The small translations at the edge: tokens, numbers, times, refusals, event fields."""

import grpc
import pytest

from chassis.status import Refusal
from gateway import envelope, numbers, problem, times
from gateway.api import events
from gateway.api.events import PublishBody
from gateway.bearer import caller_metadata
from gateway.http_errors import HttpError, http_error_of
from gateway.shapes import parse


@pytest.mark.parametrize("value", [b"Token abc", b"Bearer abc", b"bearer  abc", b"TOKEN abc", b" Bearer abc "])
def test_both_schemes_carry_the_callers_token(value: bytes) -> None:
    assert caller_metadata([(b"authorization", value)]) == (("authorization", "Bearer abc"),)


@pytest.mark.parametrize(
    "value", [b"", b"Bearer", b"Bearer ", b"abc", b"Basic abc", b"Bearer a b", b"Bearer \xff", b"Bearer " + b"x" * 513]
)
def test_anything_else_is_no_token(value: bytes) -> None:
    with pytest.raises(HttpError) as caught:
        caller_metadata([(b"authorization", value)])
    assert caught.value.status == 401


def test_two_tokens_are_none_and_a_service_credential_is_not_passed_on() -> None:
    with pytest.raises(HttpError):
        caller_metadata([(b"authorization", b"Bearer a"), (b"authorization", b"Bearer a")])
    sent = [(b"authorization", b"Bearer a"), (b"x-runhook-service-credential", b"stolen")]
    assert caller_metadata(sent) == (("authorization", "Bearer a"),)


@pytest.mark.parametrize(
    ("text", "seconds", "nanos"),
    [
        ("2023-05-29T07:52:18.06660617Z", 1685346738, 66606170),
        ("2023-01-31T19:29:35.789265936Z", 1675193375, 789265936),
        ("1970-01-01T00:00:00z", 0, 0),
        ("1970-01-01t01:30:00.000000001+01:30", 0, 1),
        ("1969-12-31T23:59:59.5-00:00", -1, 500_000_000),
        ("9999-12-31T23:59:59.999999999Z", 253402300799, 999999999),
    ],
)
def test_times_keep_their_nanoseconds(text: str, seconds: int, nanos: int) -> None:
    stamp = times.parse(text)
    assert (stamp.seconds, stamp.nanos) == (seconds, nanos)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2023-05-29",
        "2023-05-29T07:52:18",
        "2023-05-29 07:52:18Z",
        "2023-02-30T00:00:00Z",
        "2023-05-29T24:00:00Z",
        "2023-05-29T07:52:60Z",
        "2023-05-29T07:52:18.Z",
        "2023-05-29T07:52:18.0123456789Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "2023-05-29T07:52:18+24:00",
        "٢٠٢٣-05-29T07:52:18Z",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        times.parse(text)


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "0x1", " 1", "1_0", "٣", str(2**63), "9" * 50])
def test_what_is_no_number_is_none(text: str) -> None:
    assert numbers.decimal(text) is None


CODES = [
    (grpc.StatusCode.INVALID_ARGUMENT, None, 400),
    (grpc.StatusCode.UNAUTHENTICATED, None, 401),
    (grpc.StatusCode.PERMISSION_DENIED, None, 403),
    (grpc.StatusCode.NOT_FOUND, None, 404),
    (grpc.StatusCode.ALREADY_EXISTS, None, 409),
    (grpc.StatusCode.FAILED_PRECONDITION, None, 409),
    (grpc.StatusCode.RESOURCE_EXHAUSTED, None, 409),
    (grpc.StatusCode.RESOURCE_EXHAUSTED, 0.5, 503),
    (grpc.StatusCode.UNAVAILABLE, None, 503),
    (grpc.StatusCode.DEADLINE_EXCEEDED, None, 503),
    (grpc.StatusCode.UNIMPLEMENTED, None, 501),
    (grpc.StatusCode.INTERNAL, None, 500),
    (grpc.StatusCode.UNKNOWN, None, 500),
]


@pytest.mark.parametrize(("code", "wait", "status"), CODES)
def test_a_refusal_has_one_status_and_none_of_the_transports_words(
    code: grpc.StatusCode, wait: float | None, status: int
) -> None:
    error = http_error_of(Refusal(code=code, message="ipv4:10.0.0.7: secret", retry_after=wait))
    assert error.status == status
    for format_ in (envelope.failure, problem.failure):
        answer = format_(error, "request-id")
        assert b"10.0.0.7" not in answer.body
        assert ("retry-after" in answer.headers) == (status == 503)
        assert answer.headers.get("retry-after", "1") == "1"


def test_a_start_that_the_queue_refuses_is_too_many_and_not_a_service_that_is_away() -> None:
    """The symptom: 503 where the document says 429, which clients repeat at once."""
    full = Refusal(
        code=grpc.StatusCode.RESOURCE_EXHAUSTED, message="the queue is full", reason="QUEUE_LIMIT", retry_after=60.0
    )
    error = http_error_of(full)
    assert (error.status, error.reason, error.retry_after) == (429, "QUEUE_LIMIT", 60.0)


def test_a_services_own_words_reach_the_caller() -> None:
    error = http_error_of(
        Refusal(code=grpc.StatusCode.ALREADY_EXISTS, message="the name is taken", reason="NAME_TAKEN")
    )
    assert b'"detail":"the name is taken","reason":"NAME_TAKEN"' in problem.failure(error, "x").body


def test_event_fields_are_named_as_the_caller_wrote_them() -> None:
    data = {"jobId": "1"}
    body = parse(PublishBody, {"events": [{"data": data}, {"eventType": "job.run.errored", "data": data}]})
    name = events._names(body)
    assert name("events[0].event_type") == "events[0].eventType"
    assert name("events[0].job_run.job_id") == "events[0].data.jobId"
    assert name("events[0].job_run.run_finish_time") == "events[0].data.runFinishedAt"
    assert name("events[1].job_run.run_finish_time") == "events[1].data.runErroredAt"
    assert name("events") == "events"
