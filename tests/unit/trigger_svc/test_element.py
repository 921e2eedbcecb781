"""An element holds the body's text and the header to the letter, and always the same bytes."""

import base64
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trigger_svc.element import DATA_MODES, element, element_size

CODECS = {
    "utf-8": "utf-8",
    "iso-8859-1": "latin-1",
    "windows-1252": "cp1252",
    "us-ascii": "ascii",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b'{"a": 1}', r"{\"a\": 1}"),
        ("ä😀\u2028".encode(), "ä😀\u2028"),
        (b"a\x00\x1f\x7f", "a\\u0000\\u001f\x7f"),
        (b'"\\/\n\t\r', r"\"\\/\n\t\r"),
        (b"", ""),
    ],
)
def test_data_is_a_compact_json_string_with_nothing_but_the_necessary_escaped(body: bytes, data: str) -> None:
    assert (
        element("text/plain;charset=UTF-8", body) == f'{{"data":"{data}","type":"text/plain;charset=UTF-8"}}'.encode()
    )


@given(text=st.text(), charset=st.sampled_from(sorted(CODECS)))
@example(text="\x00\ufeff😀", charset="utf-16")
def test_data_decodes_to_the_body_and_type_is_the_header(text: str, charset: str) -> None:
    header = f"text/plain; charset={charset}"
    try:
        body = text.encode(CODECS[charset])
    except UnicodeEncodeError:
        return
    assert json.loads(element(header, body)) == {"data": text, "type": header}


@given(body=st.binary(max_size=200).filter(lambda body: _is_utf8(body)))
def test_bodies_that_differ_in_white_space_alone_stay_different(body: bytes) -> None:
    assert json.loads(element("application/json", body))["data"].encode() == body


def test_the_size_counts_the_comma_or_bracket_behind_the_element() -> None:
    elements = [element("text/plain", b"a"), element("", b""), element("application/json", "ä".encode())]
    sizes = [element_size("text/plain", b"a"), element_size("", b""), element_size("application/json", "ä".encode())]
    assert len(b"[" + b",".join(elements) + b"]") == 1 + sum(sizes)


@pytest.mark.parametrize(
    ("media_type", "body", "data"),
    [
        ("application/json", b' {"a" : 1.0e999, "a":"\\ud800", "n": 1' + b"0" * 5000 + b"}\n", None),
        ("application/json; charset=latin1", b"[null]", None),
        ("application/cloudevents+json", b'"x"', None),
        ("application/json", b"\xef\xbb\xbf{}", "{}"),
        ("application/json", b"", '""'),
        ("application/json", b"{", '"{"'),
        ("application/json", b"NaN", '"NaN"'),
        ("application/json", b'{"a":1}}', '"{\\"a\\":1}}"'),
        ("application/json", b"[" * 200 + b"]" * 200, None),
        ("application/json", b"[" * 201 + b"]" * 201, '"' + "[" * 201 + "]" * 201 + '"'),
        ("text/plain", b"{}", '"{}"'),
        ("", b"", '""'),
    ],
)
def test_in_mode_object_json_stands_verbatim_and_all_else_as_a_string(
    media_type: str, body: bytes, data: str | None
) -> None:
    told = body.decode() if data is None else data
    assert element(media_type, body, "object") == f'{{"data":{told},"type":"{media_type}"}}'.encode()


def test_in_mode_talend_raw_nothing_is_escaped() -> None:
    body = b'{"param":"1"}'  # the source's own example
    assert element("application/x-www-form-urlencoded", body, "talend_raw") == (
        b'{"data":"{"param":"1"}","type":"application/x-www-form-urlencoded"}'
    )
    assert element("text/plain", b'a\\"\n\x00', "talend_raw") == b'{"data":"a\\"\n\x00","type":"text/plain"}'


@pytest.mark.parametrize("data_mode", DATA_MODES)
def test_bytes_that_are_no_text_stand_as_base64_and_say_so(data_mode: str) -> None:
    read = json.loads(element("text/plain", b"\xff\x00", data_mode))
    assert read == {"data": "/wA=", "type": "text/plain", "encoding": "base64"}


@given(
    body=st.binary(max_size=300),
    header=st.sampled_from(["", "application/json", "text/xml", "text/plain; charset=utf-16"]),
)
@example(body=b"\xff\xfe\x00\xd8", header="text/plain; charset=utf-16")
def test_any_bytes_come_back_whole(body: bytes, header: str) -> None:
    read = json.loads(element(header, body if header else b""))
    data = read["data"]
    if "encoding" in read:
        assert base64.b64decode(data) == body
    elif header.endswith("utf-16"):
        marked = body.startswith((b"\xff\xfe", b"\xfe\xff"))
        assert body.decode("utf-16" if marked else "utf-16-be") == data
    elif header != "text/xml":
        assert data.encode() == (body if header else b"")


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        st.lists,
        max_leaves=20,
    )
)
def test_in_mode_object_json_means_what_it_meant(value: object) -> None:
    body = json.dumps(value).encode()
    assert json.loads(element("application/json", body, "object"))["data"] == value


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
