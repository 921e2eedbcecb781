"""The log line of an attempt."""

import json
from collections.abc import Iterator

import pytest

from delivery_svc import attempt_log
from delivery_svc.delivery import Attempt, Delivery, Profile, Settled
from delivery_svc.event import Event
from delivery_svc.retry import Outcome
from delivery_svc.sending.exchange import ErrorClass, Exchange

PROFILE = Profile(subscription_id=3, version=1, public_id="wsu_x", name="n", endpoint=None, secrets=(), unsendable="")


@pytest.fixture(autouse=True)
def _default() -> Iterator[None]:
    yield
    attempt_log.configure("info")


def _settled(status_code: int) -> Settled:
    event = Event("wev_x", 1, "job.run.completed", 5, 1_795_325_372_000_000_000, b"{}", None)
    delivery = Delivery(
        id=7, event=event, profile=PROFILE, webhook_name="n", published_us=0, attempts=1, epoch=1, redelivery=None
    )
    exchange = Exchange(status_code, ErrorClass.NONE, "", None, b"", 0.25)
    attempt = Attempt(id=1, number=1, began_us=1_795_325_372_000_000, outcome=Outcome.RETRYABLE, exchange=exchange)
    return Settled(delivery, attempt, state="SUCCEEDED" if status_code == 200 else None, delay=5.0)


@pytest.mark.parametrize(("level", "shown"), [("debug", [200, 500]), ("info", [500]), ("warning", []), ("error", [])])
def test_the_level_says_whose_attempts_have_a_line(
    level: str, shown: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    attempt_log.configure(level)
    attempt_log.write_attempts([_settled(200), _settled(500)])
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["status_code"] for line in lines] == shown
    for line in lines:
        assert (line["event"], line["delivery"], line["subscription"]) == ("delivery.attempted", 7, "wsu_x")
