"""The receiver's memory tells deliveries from duplicates and reads the publisher's stamp."""

import time

import pytest

from bench.payload import Load, rendered
from bench.tally import Tally

PATH = b"/e/0"
LOAD = Load(account_id=1, first_job_id=1_000_000_000, endpoints=1, prefix="t")


def body(stamp_ns: int = 0) -> bytes:
    return rendered(LOAD, 0, stamp_ns or time.time_ns(), "job")


def test_a_delivery_is_remembered_with_its_event_and_its_latency() -> None:
    tally = Tally([PATH])
    tally.add(tally.endpoints[PATH], body(time.time_ns() - 250_000_000))
    assert list(tally.endpoints[PATH]) == [b"wev_2QSUzWMSv40ow7s8n8TfVPVnYua"]
    assert tally.latency.quantile_ms(0.5) == pytest.approx(250, abs=50)


def test_the_same_event_at_the_same_endpoint_is_a_duplicate_and_at_another_is_not() -> None:
    tally = Tally([PATH, b"/e/1"])
    tally.add(tally.endpoints[PATH], body())
    tally.add(tally.endpoints[PATH], body())
    tally.add(tally.endpoints[b"/e/1"], body())
    assert (tally.received, tally.duplicates) == (3, 1)


@pytest.mark.parametrize("strange", [b"", b"{}", b'{"eventId":"wev_', b'{"data":{"runReason":"t=soon"}}', b"\xff\x00"])
def test_a_body_that_is_no_delivery_is_counted_and_harms_nothing(strange: bytes) -> None:
    tally = Tally([PATH])
    tally.add(tally.endpoints[PATH], strange)
    assert (tally.received, tally.unidentified, tally.unstamped) == (1, 1, 1)
    assert tally.endpoints[PATH] == {}


def test_an_event_without_a_stamp_is_still_an_event() -> None:
    tally = Tally([PATH])
    tally.add(tally.endpoints[PATH], b'{"eventId":"wev_1","data":{"runReason":"by hand"}}')
    assert (tally.unidentified, tally.unstamped) == (0, 1)
    assert next(tally.lines()).startswith(b"0 wev_1 ")


def test_a_reset_forgets_everything_but_the_endpoints() -> None:
    tally = Tally([PATH])
    tally.add(tally.endpoints[PATH], body())
    tally.reset()
    stats = tally.stats()
    assert (stats["received"], stats["events_per_endpoint"], stats["latency_us"]) == (0, [0], {})
