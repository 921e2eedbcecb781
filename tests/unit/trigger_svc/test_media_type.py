"""Rows E8 to E21 of the contract: what a Content-Type lets in, and what text it makes of the bytes."""

import pytest

from chassis.errors import InvalidInput
from trigger_svc.call_rules import CallRules
from trigger_svc.media_type import admit, essence_of, text_of

NO_RULES = CallRules()

ACCEPTED = [
    # header, body, text
    ("application/json", '{"ü":"😀"}'.encode(), '{"ü":"😀"}'),
    ("application/xml", b"<a/>", "<a/>"),
    ("text/xml", b"<a/>", "<a/>"),
    ("text/plain", b"a", "a"),
    ("application/x-www-form-urlencoded", b"a=%FF&b=+", "a=%FF&b=+"),
    ("", b"", ""),
    ("text/plain", b"", ""),
    ("TEXT/Plain;", b"a", "a"),
    ("  text/plain ; ; charset = UTF-8 ; x=y ", "ä".encode(), "ä"),
    ('text/plain; charset="utf-8"', "ä".encode(), "ä"),
    ('text/plain; charset="u\\tf-8"', "ä".encode(), "ä"),
    ("text/plain; charset=utf-8; charset=UTF-8", "ä".encode(), "ä"),
    ("text/plain; charset=us-ascii", b"a", "a"),
    ("text/plain; charset=ISO-8859-1", b"\xe4\x80", "ä\x80"),
    ("text/plain; charset=windows-1252", b"\x80", "€"),
    ("text/plain; charset=utf-16", "aä".encode("utf-16"), "aä"),
    ("text/plain; charset=utf-16", "aä".encode("utf-16-be"), "aä"),
    ("text/plain; charset=utf-16le", "aä".encode("utf-16-le"), "aä"),
    ("text/plain; charset=utf-16be", "aä".encode("utf-16-be"), "aä"),
    # JSON is UTF-8, whatever it says of itself
    ("application/json; charset=latin1", "ä".encode(), "ä"),
    ("application/json; charset=klingon", b"1", "1"),
    # XML: header, else byte order mark, else declaration
    ("text/xml; charset=utf-8", '<?xml version="1.0" encoding="latin1"?>ä'.encode(), None),
    ("text/xml", b'<?xml version="1.0" encoding="ISO-8859-1"?>\xe4', '<?xml version="1.0" encoding="ISO-8859-1"?>ä'),
    ("text/xml", b"<?xml version='1.0' encoding='UTF-16'?>a", "<?xml version='1.0' encoding='UTF-16'?>a"),
    ("text/xml", "<?xml version='1.0'?>ä".encode("utf-16"), "<?xml version='1.0'?>ä"),
    ("text/xml", "<?xml version='1.0'?>ä".encode("utf-16-le"), "<?xml version='1.0'?>ä"),
    ("text/xml", "<?xml version='1.0'?>ä".encode("utf-16-be"), "<?xml version='1.0'?>ä"),
    (
        "text/xml",
        b"\xef\xbb\xbf<?xml version='1.0' encoding='latin1'?>",
        "\ufeff<?xml version='1.0' encoding='latin1'?>",
    ),
    # what is inside is nobody's business
    ("application/json", b"{not json", "{not json"),
    ("application/json", b'"\\ud800\\u0000"', '"\\ud800\\u0000"'),
    ("text/plain", b"a\x00b", "a\x00b"),
    ("application/json", b"\xef\xbb\xbf{}", "\ufeff{}"),
    ("application/json", b"[" * 100_000, "[" * 100_000),
    ("text/xml", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>', None),
]


@pytest.mark.parametrize(("header", "body", "text"), ACCEPTED)
def test_a_supported_body_is_read_as_its_charset_says(header: str, body: bytes, text: str | None) -> None:
    assert text_of(admit(header, body, NO_RULES), body) == (body.decode() if text is None else text)


REFUSED = [
    # header, body, reason
    ("", b"a", "MEDIA_TYPE_MISSING"),
    ("application/octet-stream", b"a", "MEDIA_TYPE_UNSUPPORTED"),
    ("application/octet-stream", b"", "MEDIA_TYPE_UNSUPPORTED"),
    ("image/png", b"a", "MEDIA_TYPE_UNSUPPORTED"),
    ("application/cloudevents+json", b"{}", "MEDIA_TYPE_UNSUPPORTED"),
    ("application/vnd.acme+xml", b"<a/>", "MEDIA_TYPE_UNSUPPORTED"),
    ("multipart/form-data; boundary=x", b"a", "MEDIA_TYPE_UNSUPPORTED"),
    ("application/json, text/plain", b"{}", "MEDIA_TYPE_INVALID"),
    ("text/plain; charset=utf-8, text/plain", b"a", "MEDIA_TYPE_INVALID"),
    ("json", b"{}", "MEDIA_TYPE_INVALID"),
    ("application/json application/json", b"{}", "MEDIA_TYPE_INVALID"),
    ("text/plain; charset", b"a", "MEDIA_TYPE_INVALID"),
    ('text/plain; charset="utf-8', b"a", "MEDIA_TYPE_INVALID"),
    ("text/plain; charset=utf-8; charset=latin1", b"a", "MEDIA_TYPE_INVALID"),
    ("text/plain; x=\x00", b"a", "MEDIA_TYPE_INVALID"),
    ("text/plain\n", b"a", "MEDIA_TYPE_INVALID"),
    ("text/plain; x=" + "y" * 1000, b"a", "MEDIA_TYPE_INVALID"),
    ("text/plain; charset=klingon", b"a", "CHARSET_UNKNOWN"),
    ("text/plain; charset=rot13", b"a", "CHARSET_UNKNOWN"),
    ("text/plain; charset=klingon", b"", "CHARSET_UNKNOWN"),
    ("text/xml", b"<?xml version='1.0' encoding='ebcdic'?>", "CHARSET_UNKNOWN"),
    ("text/plain", b"\xff", "ENCODING_INVALID"),
    ("application/json", b"\xed\xa0\x80", "ENCODING_INVALID"),
    ("application/json; charset=latin1", b"\xe4", "ENCODING_INVALID"),
    ("text/plain; charset=us-ascii", b"\xe4", "ENCODING_INVALID"),
    ("text/plain; charset=windows-1252", b"\x81", "ENCODING_INVALID"),
    ("text/plain; charset=utf-16", b"a", "ENCODING_INVALID"),
    ("text/xml; charset=us-ascii", "ä".encode(), "ENCODING_INVALID"),
]


@pytest.mark.parametrize(("header", "body", "reason"), REFUSED)
def test_any_other_body_is_refused_with_the_reason(header: str, body: bytes, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        text_of(admit(header, body, NO_RULES), body)
    assert refused.value.reason == reason


def test_the_type_is_compared_in_lower_case() -> None:
    assert essence_of("Text/XML; Charset=Latin1") == "text/xml"


EXTRA = CallRules(
    extra_media_types=("application/cloudevents+json", "application/soap+xml", "image/png", "multipart/form-data"),
    assumed_media_type="application/json",
)


@pytest.mark.parametrize(
    ("header", "body", "text"),
    [
        ("application/CloudEvents+json; charset=latin1", "ä".encode(), "ä"),
        ("application/soap+xml", b'<?xml version="1.0" encoding="ISO-8859-1"?>\xe4', None),
        ("application/soap+xml; charset=iso-8859-1", b"\xe4", "ä"),
        ("image/png", b"a", "a"),
    ],
)
def test_what_a_trigger_takes_besides_is_read_by_what_it_is(header: str, body: bytes, text: str | None) -> None:
    assert text_of(admit(header, body, EXTRA), body) == (body.decode("latin-1") if text is None else text)


def test_a_body_without_a_type_has_the_assumed_one_and_no_body_has_none() -> None:
    assert admit("", b"{}", EXTRA) == "application/json"
    assert admit("", b"", EXTRA) == ""


@pytest.mark.parametrize("header", ["multipart/form-data; boundary=x", "image/gif", "application/cloudevents"])
def test_what_it_does_not_name_is_refused_and_multipart_whatever_it_names(header: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        admit(header, b"a", EXTRA)
    assert refused.value.reason == "MEDIA_TYPE_UNSUPPORTED"
