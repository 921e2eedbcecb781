"""KSUIDs: the public format, to the letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.ids import EPOCH, is_id, ksuid, ksuid_seconds


def test_the_formats_own_example_reads_back() -> None:
    # github.com/segmentio/ksuid, README: time 107608047, payload B5A1CD34B5F99D1154FB6853345C9735
    text = ksuid(107608047 + EPOCH, bytes.fromhex("B5A1CD34B5F99D1154FB6853345C9735"))
    assert text == "0ujtsYcgvSTl8PAuAdqWYSMnLOv"


def test_an_event_id_of_the_wild_carries_the_second_of_its_event() -> None:
    assert ksuid_seconds("2QSUzWMSv40ow7s8n8TfVPVnYua") == 1685346738


@given(st.integers(EPOCH, EPOCH + 2**32 - 1), st.binary(min_size=16, max_size=16))
def test_every_second_reads_back_from_27_characters(seconds: int, randomness: bytes) -> None:
    text = ksuid(seconds, randomness)
    assert len(text) == 27
    assert ksuid_seconds(text) == seconds


def test_ids_sort_by_their_second() -> None:
    assert ksuid(1_700_000_000, b"\xff" * 16) < ksuid(1_700_000_001, b"\x00" * 16)


@pytest.mark.parametrize(
    "text",
    ["wsu_", "wsu_0ujtsYcgvSTl8PAuAdqWYSMnLO", "wev_0ujtsYcgvSTl8PAuAdqWYSMnLOv", "wsu_0ujtsYcgvSTl8PAuAdqWYSMnLO-"],
)
def test_what_is_no_id_is_seen_as_such(text: str) -> None:
    assert not is_id("wsu_", text)


@pytest.mark.parametrize("seconds", [EPOCH + 2**32, 10**10, 2**63])
def test_a_time_after_2150_still_makes_an_id_and_breaks_nobodys_flush(seconds: int) -> None:
    text = ksuid(seconds)
    assert is_id("wev_", "wev_" + text)
    assert ksuid_seconds(text) == EPOCH + 2**32 - 1


def test_a_thousand_ids_of_one_second_and_of_many_are_all_different_and_read_back() -> None:
    seconds = [1_700_000_000] * 1000 + list(range(1_700_000_000, 1_700_001_000))
    texts = [ksuid(second) for second in seconds]
    assert len(set(texts)) == 2000
    assert [ksuid_seconds(text) for text in texts] == seconds
