"""An element holds the body's text and the header to the letter, and always the same bytes."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trigger_svc.element import element, element_size

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


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
