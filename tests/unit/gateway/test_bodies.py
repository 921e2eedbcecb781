"""What is and is not a JSON body, and how much of it is read."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway import bodies
from gateway.bodies import ClientGone, parse_object
from gateway.http_errors import HttpError

REFUSED = {
    b"": "must be JSON: it breaks at line 1, column 1",
    b"name=x": "must be JSON: it breaks at line 1, column 1",
    b'{"a":1,}': "must be JSON: it breaks at line 1, column 8",
    b"[1]": "must be a JSON object",
    b'"text"': "must be a JSON object",
    b"null": "must be a JSON object",
    b'{"a":1,"a":2}': "must not have a key twice in one object",
    b'{"b":{"a":1,"a":1}}': "must not have a key twice in one object",
    b'{"a":NaN}': "must not hold NaN",
    b'{"a":-Infinity}': "must not hold -Infinity",
    b'{"a":"\xff"}': "must be UTF-8",
    b'{"a":["\\uD83D"]}': "must be valid Unicode: it holds half of a surrogate pair",
    b'{"\\ude00":1}': "must be valid Unicode: it holds half of a surrogate pair",
    b'{"a":' + b"1" * 5000 + b"}": "must be JSON of ordinary depth and ordinary numbers",
    b'{"a":' + b"[" * 33 + b"]" * 33 + b"}": "must not nest more than 32 levels",
    b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}": "must be JSON of ordinary depth and ordinary numbers",
}


@pytest.mark.parametrize(("body", "sentence"), REFUSED.items())
def test_what_is_no_plain_object_is_told_why(body: bytes, sentence: str) -> None:
    with pytest.raises(HttpError) as caught:
        parse_object(body)
    assert caught.value.status == 400
    assert [(bad.field, bad.message) for bad in caught.value.fields] == [("body", sentence)]


def test_whole_surrogate_pairs_are_read() -> None:
    assert parse_object(rb'{"a":"\ud83d\uDE00"}') == {"a": "\U0001f600"}


@pytest.mark.parametrize("body", [b"{}", b' {"a":[{"b":null}]} ', b'{"a":' + b"[" * 30 + b"]" * 30 + b"}"])
def test_a_plain_object_is_read(body: bytes) -> None:
    assert isinstance(parse_object(body), dict)


@pytest.mark.parametrize("length", [b"11", b"99999999999999999999", b"-1", b"1e3", b"+1", b""])
def test_an_announced_length_beyond_the_limit_is_refused_before_reading(length: bytes) -> None:
    with pytest.raises(HttpError) as caught:
        bodies.check_length([(b"content-length", length)], 10)
    assert (caught.value.status, caught.value.close) == (413, True)


async def chunks(*parts: bytes) -> AsyncIterator[dict[str, Any]]:
    for part in parts:
        yield {"type": "http.request", "body": part, "more_body": True}
    yield {"type": "http.request", "body": b"", "more_body": False}


async def test_a_chunked_body_is_stopped_at_the_limit() -> None:
    messages = chunks(b"12345", b"67890", b"1", b"never read")
    with pytest.raises(HttpError) as caught:
        await bodies.read(messages.__anext__, 10)
    assert caught.value.status == 413
    assert (await messages.__anext__())["body"] == b"never read"


async def test_a_body_within_the_limit_is_whole() -> None:
    assert await bodies.read(chunks(b"12345", b"67890").__anext__, 10) == b"1234567890"


async def test_a_client_that_goes_away_is_not_answered() -> None:
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientGone):
        await bodies.read(gone, 10)


@pytest.mark.parametrize("kind", [b"application/x-www-form-urlencoded", b"Multipart/Form-Data; boundary=x"])
def test_a_form_is_refused(kind: bytes) -> None:
    with pytest.raises(HttpError):
        bodies.check_not_form([(b"content-type", kind)])


@pytest.mark.parametrize("headers", [[], [(b"content-type", b"text/plain")], [(b"content-type", b"application/json")]])
def test_any_other_media_type_is_read_as_json(headers: list[tuple[bytes, bytes]]) -> None:
    bodies.check_not_form(headers)
