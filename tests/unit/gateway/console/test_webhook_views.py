"""Webhooks as their pages show them."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import BadField
from gateway.console.badge import Badge
from gateway.console.form import Form
from gateway.console.webhooks import delivery_settings, headers, webhook_form
from gateway.console.webhooks.health import health, tally
from gateway.console.webhooks.view import certificate_view, settings_in_words, webhook_view
from runhook.delivery.v1.delivery_pb2 import Delivery, DeliveryState
from runhook.subscription.v1.subscription_pb2 import DeliverySettings, RetrySchedule, Subscription
from runhook.subscription.v1.subscription_service_pb2 import ClientCertificate

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ID = "wsu_" + "0" * 27


def stamp(**ago: float) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(NOW - timedelta(**ago))
    return made


def deliveries(*states: str) -> list[Delivery]:
    """Newest first; a lower-case letter says that an attempt was made."""
    known = {"S": "SUCCEEDED", "F": "FAILED", "P": "PENDING", "D": "DELIVERING", "C": "CANCELLED"}
    return [
        Delivery(
            delivery_id=index,
            state=DeliveryState.Value(f"DELIVERY_STATE_{known[state.upper()]}"),
            attempt_count=int(state.islower()),
        )
        for index, state in enumerate(states, 1)
    ]


ACTIVE = Subscription(active=True)
SENT = Subscription(active=True, dispatch_time=stamp(minutes=1))


@pytest.mark.parametrize(
    ("webhook", "recent", "badge"),
    [
        (Subscription(deactivate_reason="1,000 failed", active=False), "S", Badge("bad", "Deactivated")),
        (Subscription(active=False), "F", Badge("off", "Paused")),
        (ACTIVE, "", Badge("wait", "Nothing sent yet")),
        (ACTIVE, None, Badge("wait", "Nothing sent yet")),
        (ACTIVE, "P", Badge("wait", "Waiting")),
        (ACTIVE, "SSS", Badge("good", "Healthy")),
        (ACTIVE, "DSS", Badge("good", "Healthy")),
        (ACTIVE, "SFS", Badge("warn", "Some failed")),
        (ACTIVE, "FSS", Badge("bad", "Failing")),
        (ACTIVE, "pSS", Badge("warn", "Retrying")),
        (ACTIVE, "pp", Badge("bad", "Failing")),
        (ACTIVE, "PSS", Badge("good", "Healthy")),
        (SENT, None, Badge("warn", "No answer")),
        (Subscription(active=True, dispatch_time=stamp(), http_status_code=204), None, Badge("good", "Answers 204")),
        (Subscription(active=True, dispatch_time=stamp(), http_status_code=503), None, Badge("warn", "Answers 503")),
    ],
)
def test_health_is_one_word_of_the_last_deliveries(webhook: Subscription, recent: str | None, badge: Badge) -> None:
    assert health(webhook, None if recent is None else deliveries(*recent)) == badge


def test_a_webhook_is_shown_with_its_deliveries_the_oldest_first() -> None:
    webhook = Subscription(
        subscription_id=ID,
        name="<b>",
        event_types=["job.run.started"] * 2,
        job_ids=range(1, 20),
        dispatch_time=stamp(hours=2),
    )
    view = webhook_view(webhook, deliveries("F", "S"), NOW)
    assert view.path == f"/console/webhooks/{ID}"
    assert (view.events, view.jobs[-10:]) == (("job.run.started",), "and 7 more")
    assert view.marks is not None
    assert [(mark.kind, mark.word) for mark in view.marks] == [("good", "delivered"), ("bad", "failed")]
    assert view.last_sent is not None
    assert (view.last_sent.relative, view.last_answer, view.created) == ("2 h ago", "", None)
    assert webhook_view(webhook, None, NOW).marks is None


def test_the_last_deliveries_are_counted_by_what_became_of_them() -> None:
    told = tally([*deliveries("F", "S", "S", "P", "p"), Delivery()])
    assert told == "Of the last 6: 1 waiting, 2 delivered, 1 failed, 1 to be retried, 1 unknown"
    assert tally(()) == ""


def test_a_certificate_that_has_ended_says_so() -> None:
    assert certificate_view(ClientCertificate(), NOW) is None
    view = certificate_view(ClientCertificate(subject="CN=x", fingerprint="ab", expire_time=stamp(days=2)), NOW)
    assert view is not None
    assert (view.subject, view.ended) == ("CN=x", True)


SCHEDULE = RetrySchedule(delays=[Duration(seconds=1), Duration(seconds=90)], jitter=0.25)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (DeliverySettings(), ["the platform's own", "the platform's own", "the platform's own", "no limit"]),
        (
            DeliverySettings(retry_schedule=RetrySchedule()),
            ["none", "the platform's own", "the platform's own", "no limit"],
        ),
        (
            DeliverySettings(retry_schedule=SCHEDULE, concurrency=3, rate_per_second=0.5),
            ["after 1 s, 1 min", "±25 %", "3", "0.5"],
        ),
    ],
)
def test_delivery_settings_are_told_in_words(settings: DeliverySettings, words: list[str]) -> None:
    assert [value for _, value in settings_in_words(settings)] == words


@pytest.mark.parametrize("settings", [DeliverySettings(), DeliverySettings(retry_schedule=SCHEDULE, concurrency=3)])
def test_delivery_settings_go_through_their_form_unchanged(settings: DeliverySettings) -> None:
    assert delivery_settings.stored(settings).settings() == settings


def test_what_is_no_number_is_sent_as_one_that_is_refused() -> None:
    form = delivery_settings.SettingsForm(
        retries="own", delays="1 x", jitter="nan", concurrency="0", rate_per_second="-"
    )
    made = form.settings()
    assert [delay.seconds for delay in made.retry_schedule.delays] == [1, -1]
    assert (made.retry_schedule.jitter, made.concurrency, made.rate_per_second) == (-1, -1, -1)
    assert [
        delay.seconds for delay in delivery_settings.SettingsForm(retries="own").settings().retry_schedule.delays
    ] == [-1]


def test_a_webhook_goes_through_its_form_unchanged() -> None:
    webhook = Subscription(
        account_id=7,
        subscription_id=ID,
        name=" Ünïcode ",
        description="two\nlines",
        client_url="https://example.com/",
        event_types=["job.run.errored", "execution.rejected"],
        job_ids=[3, 1],
        active=True,
    )
    form = webhook_form.stored(webhook)
    assert form.subscription(7, ID) == webhook
    assert form.for_operators


def test_jobs_that_are_no_numbers_are_refused_and_none_at_all_is_not_every_job() -> None:
    sent = webhook_form.filled_in(Form.parse(b"jobs=some&job_ids=12,x%0D%0A99999999999999999999"))
    assert list(sent.subscription(1).job_ids) == [12, 0, 0]
    none = webhook_form.filled_in(Form.parse(b"jobs=some&job_ids="))
    assert list(none.subscription(1).job_ids) == [0]
    every = webhook_form.filled_in(Form.parse(b"jobs=every&job_ids=12"))
    assert list(every.subscription(1).job_ids) == []


def test_a_bad_header_is_named_by_its_row() -> None:
    sent = headers.sent_headers(Form.parse(b"header_name=&header_value=&header_name=X-A&header_value=1"))
    assert [(one.row, one.name, one.value) for one in sent] == [(1, "X-A", "1")]
    bad = [BadField("custom_headers[0].value", "is bad"), BadField("custom_headers", "too many")]
    assert [one.field for one in headers.placed(bad, sent)] == ["header-2", "header-1"]
