"""The headers that an account may add: which names, which values, how many, and what a complaint never shows."""

import pytest

from subscription_svc.custom_headers import CustomHeader, broken_rules, dump, names

RESERVED = [
    *(
        "Host",
        "AUTHORIZATION",
        "user-agent",
        "Accept",
        "Connection",
        "Keep-Alive",
        "Transfer-Encoding",
        "TE",
        "Trailer",
    ),
    *("Upgrade", "Expect", "Proxy-Authorization", "proxy-", "Content-Length", "content-type", "Content-X"),
    *("webhook-id", "Webhook-Signature", "webhook-anything", "traceparent", "TraceState", "Date"),
]
FREE = ["X-Api-Key", "x", "X_y!#$%&'*+-.^`|~0", "Accept-Language", "Hostname", "Cookie", "Contents", "a" * 100]
BAD_NAMES = ["", "a" * 101, "X Y", "X:Y", "X\r\nY", "X-ÿ", "X\x00", " X", "X ", "X\t", '"X"', "(X)", "X/Y", "日本"]
GOOD_VALUES = ["", "v", "Bearer abc.def", "a b\tc", "~!", "x" * 4096, '"quoted"; a=1, b=2']
BAD_VALUES = [
    " v",
    "v ",
    "\tv",
    "v\t",
    " ",
    "a\r\nX-Evil: 1",
    "a\nb",
    "a\rb",
    "a\x00b",
    "\x7f",
    "é",
    "\x1f",
    "x" * 4097,
]


def header(name: str, value: str = "v") -> CustomHeader:
    return CustomHeader(name=name, value=value)


def fields(*headers: CustomHeader) -> list[str]:
    return [bad.field for bad in broken_rules(list(headers))]


@pytest.mark.parametrize("name", RESERVED)
def test_a_name_that_a_delivery_or_its_connection_needs_is_refused_whatever_its_case(name: str) -> None:
    assert fields(header(name)) == ["custom_headers[0].name"]


@pytest.mark.parametrize("name", FREE)
def test_every_other_field_name_is_free(name: str) -> None:
    assert fields(header(name)) == []


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_is_no_field_name_is_refused(name: str) -> None:
    assert fields(header(name)) == ["custom_headers[0].name"]


@pytest.mark.parametrize("value", GOOD_VALUES)
def test_a_value_of_visible_ascii_passes(value: str) -> None:
    assert fields(header("X", value)) == []


@pytest.mark.parametrize("value", BAD_VALUES)
def test_a_value_that_could_end_its_line_or_changes_on_the_way_is_refused(value: str) -> None:
    assert fields(header("X", value)) == ["custom_headers[0].value"]


def test_every_bad_field_is_named_at_once_and_no_value_is_repeated() -> None:
    secret = "s3cret\r\n"
    bad = broken_rules([header("X", secret), header("host", secret), header("x"), header("", "ok")])
    assert [one.field for one in bad] == [
        "custom_headers[0].value",
        "custom_headers[1].name",
        "custom_headers[1].value",
        "custom_headers[2].name",
        "custom_headers[3].name",
    ]
    assert "s3cret" not in str(bad)
    assert "s3cret" not in repr(header("X", secret))


def test_there_are_at_most_twenty() -> None:
    assert fields(*(header(f"X-{number}") for number in range(20))) == []
    assert fields(*(header(f"X-{number}", "\n") for number in range(21))) == ["custom_headers"]


def test_names_and_values_together_hold_at_most_8_kib() -> None:
    full = [header("a", "x" * 4095), header("b", "x" * 4095)]
    assert fields(*full) == []
    assert fields(*full, header("c", "")) == ["custom_headers"]


def test_names_are_kept_as_sent_and_in_order() -> None:
    assert dump([header("X-B", 'v"1'), header("x-a", "")]) == b'[["X-B","v\\"1"],["x-a",""]]'
    assert names(dump([header("X-B"), header("x-a")])) == ["X-B", "x-a"]
    assert names(dump([])) == []
