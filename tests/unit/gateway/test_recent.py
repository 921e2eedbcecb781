"""Deliveries as clients of /api/v3 and of our own API read them, whatever bytes went out and came back."""

import json

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.api import deliveries, recent
from runhook.delivery.v1.delivery_pb2 import Attempt, Delivery, DeliveryState, Header

DELIVERY = Delivery(
    delivery_id=2**63 - 1,
    event_id="wev_1",
    subscription_id="wsu_1",
    event_type="job.run.completed",
    job_id=2**63 - 1,
    state=DeliveryState.DELIVERY_STATE_PENDING,
    create_time=Timestamp(seconds=1, nanos=1_000),
    body='{"webhookName":"\u00dc"}'.encode(),
    account_identifier="act_1",
)
SILENT = Attempt(
    attempt_id="wrc_1",
    number=1,
    send_time=Timestamp(seconds=1_675_193_375, nanos=789_265_936),
    error="timeout",
    error_message="No complete answer within 10 s.",
    duration=Duration(seconds=9, nanos=500_000_000),
    request_headers=[
        Header(name="Host", value="a"),
        Header(name="X-\u00dc", value="b"),
        Header(name="Host", value="c"),
    ],
)


def test_what_was_not_answered_yet_is_code_zero_and_no_value_is_ever_null() -> None:
    event = recent.shown_event(DELIVERY, 4711)
    assert event == {
        "id": "wev_1",
        "subscription_id": "wsu_1",
        "account_identifier": "act_1",
        "job_id": "9223372036854775807",
        "trigger_event_type": "job.run.completed",
        "payload": '{"webhookName":"\u00dc"}',
        "http_status_code": "0",
        "account_id": "4711",
    }
    receipt = recent.shown_receipt(DELIVERY, SILENT)
    assert {type(value) for value in receipt.values()} == {str}
    assert (receipt["http_status_code"], receipt["error_info"]) == ("0", "No complete answer within 10 s.")
    assert (receipt["dispatched_at"], receipt["response_body"]) == ("1675193375789265", "")


def test_headers_are_an_object_in_which_nothing_that_was_sent_is_missing() -> None:
    headers = json.loads(recent.shown_receipt(DELIVERY, SILENT)["request_headers"])
    assert headers == {"Host": "a, c", "X-\u00dc": "b"}


def test_an_answer_that_is_no_text_is_shown_as_far_as_it_is_one() -> None:
    answered = Attempt(status_code=200, response_body=b"\xff\x00ok\xed\xa0\x80")
    receipt = recent.shown_receipt(DELIVERY, answered)
    assert (receipt["http_status_code"], receipt["error_info"]) == ("200", "")
    assert receipt["response_body"] == "\ufffd\x00ok\ufffd\ufffd\ufffd"
    assert deliveries.shown_attempt(answered)["response_body"] == receipt["response_body"]


def test_an_error_without_words_is_told_by_its_class() -> None:
    assert recent.shown_receipt(DELIVERY, Attempt(error="tls"))["error_info"] == "tls"


def test_numbers_are_text_and_times_are_null_until_there_are_any() -> None:
    shown = deliveries.shown(DELIVERY)
    assert (shown["delivery_id"], shown["job_id"], shown["state"]) == (str(2**63 - 1), str(2**63 - 1), "PENDING")
    assert (shown["created_at"], shown["finished_at"]) == ("1970-01-01T00:00:01.000001Z", None)
    assert deliveries.shown_attempt(SILENT)["duration_seconds"] == 9.5
