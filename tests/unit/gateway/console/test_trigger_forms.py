"""Forms of tasks, triggers and test calls: what is typed becomes the message that was meant, or a field that is wrong."""

from typing import Any
from urllib.parse import urlencode

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import BadField
from gateway import call_answers
from gateway.console.entry import Entry
from gateway.console.executions.words import PAYLOAD
from gateway.console.form import Form
from gateway.console.tasks.queue_limit import words_of
from gateway.console.tasks.task_form import fresh, task_of
from gateway.console.triggers.trigger_form import fill, fill_rules, form_of
from gateway.console.triggers.try_call import CallForm, accepted_answer, refused_answer
from gateway.console.triggers.url import url_view
from runhook.trigger.v1.task_pb2 import QueueCount, QueueLimit, QueueMode
from runhook.trigger.v1.trigger_pb2 import CallRules, Trigger, TriggerKind
from runhook.trigger.v1.trigger_service_pb2 import CallAccepted, CallRefused, CallReply, ReceiveCallsRequest


def form(*pairs: tuple[str, str]) -> Form:
    return Form.parse(urlencode(pairs).encode())


def entry(**fields: str) -> Entry:
    return Entry(form(*((name.replace("__", "."), value) for name, value in fields.items())))


@pytest.mark.parametrize(
    ("text", "number"),
    [("", 0), (" 12 ", 12), ("10,000", 10_000), ("2147483647", 2**31 - 1)],
)
def test_a_number_is_read_as_people_write_it(text: str, number: int) -> None:
    read = entry(threshold=text)
    assert (read.number("threshold"), read.bad) == (number, [])


@pytest.mark.parametrize("text", ["ten", "-1", "1.5", "2147483648", "٣"])
def test_what_is_no_number_is_wrong_at_its_field(text: str) -> None:
    read = entry(threshold=text)
    assert (read.number("threshold"), [bad.field for bad in read.bad]) == (0, ["threshold"])
    assert read.refusal.of("threshold")


@pytest.mark.parametrize(("text", "bad"), [("", 0), ("2.5", 0), ("x", 1), ("nan", 1), ("inf", 1), ("1e999", 1)])
def test_a_rate_is_a_finite_number(text: str, bad: int) -> None:
    read = entry(rate=text)
    read.real("rate")
    assert len(read.bad) == bad


def test_a_task_is_what_its_form_says() -> None:
    sent = form(
        ("name", " Load orders "),
        ("command", "dbt-build"),
        ("takes_calls", "on"),
        ("parameters.key", "region"),
        ("parameters.value", "eu\r\nus = both"),
        ("parameters.key", ""),
        ("parameters.value", ""),
        ("slots.key", "select"),
        ("slots.value", "orders+"),
        ("timeout", "90"),
        ("queue_limit.executions", "7"),
        ("queue_limit.mode", "hold"),
        ("queue_limit.count", "rolling"),
        ("kind", "standard"),
    )
    task = task_of(Entry(sent), 1, 5)
    assert (task.name, task.command, task.timeout.seconds, task.task_id) == ("Load orders", "dbt-build", 90, 5)
    assert [(one.name, one.default_value) for one in task.parameters] == [("region", "eu\nus = both"), (PAYLOAD, "")]
    assert dict(task.slots) == {"select": "orders+"}
    assert task.queue_limit == QueueLimit(
        executions=7, mode=QueueMode.QUEUE_MODE_HOLD, count=QueueCount.QUEUE_COUNT_ROLLING
    )
    assert not task_of(entry(timeout=""), 1).HasField("timeout")
    assert [one.name for one in fresh(1).parameters] == [PAYLOAD]


def test_a_queue_limit_is_one_sentence() -> None:
    assert words_of(QueueLimit()) == "50 waiting or running; further ones are rejected; their payload is kept"


def stored(**changes: Any) -> Trigger:
    values: dict[str, Any] = {"name": "orders", "threshold": 3, "duration": Duration(seconds=60), "data_mode": 2}
    return Trigger(**({"kind": TriggerKind.TRIGGER_KIND_WEBHOOK} | values | changes))


def test_a_form_shows_what_is_stored() -> None:
    shown = form_of(stored(call_rules=CallRules(validate_body=True, extra_media_types=["a/b"], rate_per_second=0.5)))
    assert (shown.threshold, shown.duration, shown.data_mode, shown.kind) == ("3", "60", "object", "webhook")
    assert (shown.rules, shown.extra_media_types, shown.rate_per_second) == (("validate_body",), "a/b", "0.5")


def test_call_rules_without_any_are_none() -> None:
    trigger = stored(call_rules=CallRules(validate_body=True))
    fill_rules(trigger, entry())
    assert not trigger.HasField("call_rules")


def test_a_moment_that_is_left_as_it_was_keeps_its_seconds() -> None:
    moment = Timestamp(seconds=1_800_000_007, nanos=5)
    trigger = stored(kind=TriggerKind.TRIGGER_KIND_ONCE, start_time=moment)
    fill(trigger, entry(name="x", start_time=form_of(trigger).start_time), "once")
    assert trigger.start_time == moment
    fill(trigger, entry(name="x", start_time="2027-01-31T19:30"), "once")
    assert trigger.start_time.ToJsonString() == "2027-01-31T19:30:00Z"


@pytest.mark.parametrize("text", ["", "soon", "2027-01-31", "2027-13-31T19:30", "2027-01-31T19:30+01:00"])
def test_a_moment_that_cannot_be_read_is_wrong_at_its_field(text: str) -> None:
    read = entry(name="x", start_time=text)
    fill(Trigger(), read, "once")
    assert [bad.field for bad in read.bad] == ["start_time"]


def test_a_test_call_is_a_call_like_any_other() -> None:
    sent = CallForm(media_type="text/plain", body="é", headers="X-Sig: sha256=a:b\n\n x-two :2")
    request = sent.request("t" * 43)
    assert isinstance(request, ReceiveCallsRequest)
    assert (request.call.body, request.call.method, request.call.media_type) == ("é".encode(), "POST", "text/plain")
    headers = [(one.name, one.value) for one in request.call.headers]
    assert headers[1:] == [("content-type", b"text/plain"), ("x-sig", b"sha256=a:b"), ("x-two", b"2")]


@pytest.mark.parametrize("line", ["no colon", ": nameless", "é: x"])
def test_a_line_that_is_no_header_is_wrong_at_its_field(line: str) -> None:
    assert isinstance(CallForm(headers=line).request("t"), BadField)


def test_the_answer_to_a_test_call_says_what_a_sender_would_see() -> None:
    taken = accepted_answer(CallAccepted(call_id="cal_1"))
    assert (taken.kind, taken.status, taken.call_id) == ("good", 204, "cal_1")
    known = accepted_answer(
        CallAccepted(call_id="cal_1", duplicate=True, reply=CallReply(status_code=200, body=b"<a>"))
    )
    assert (known.status, known.body, "not counted again" in known.sentence) == (200, "<a>", True)
    assert "handshake" in accepted_answer(CallAccepted(reply=CallReply(status_code=200))).sentence
    refused = refused_answer(call_answers.refusal(CallRefused(code=16, reason="SIGNATURE_MISSING", message="send it")))
    assert (refused.kind, refused.status, refused.unproven) == ("bad", 401, True)
    assert not refused_answer(call_answers.lost()).unproven


def test_a_url_comes_with_a_call_to_try() -> None:
    url = url_view("https://hooks.example.com", "abc")
    assert url.url == "https://hooks.example.com/t/abc"
    assert url.curl.startswith("curl -i 'https://hooks.example.com/t/abc' ")
    assert url.old_url == ""
