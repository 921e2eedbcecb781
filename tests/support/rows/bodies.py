"""E7 to E21, E24, E29 to E31, E60: media types, charsets, codings, and bodies of every kind."""

import gzip
import zlib
from typing import Any

from runhook.trigger.v1.task_pb2 import TaskKind
from runhook.trigger.v1.trigger_pb2 import CallRules
from tests.support.rows.row import JSON, House, Row

ACCEPT_POST = {"Accept-Post": ""}
ACCEPT_ENCODING = {"Accept-Encoding": "identity"}
COMPRESSED: dict[str, Any] = {"call_rules": CallRules(accept_compressed=True)}
FIVE_TYPES = (JSON, "application/xml", "application/x-www-form-urlencoded", "text/plain", "text/xml")
XML = '<?xml version="1.0" encoding="{}"?><a>\xe4</a>'
DEEP = b"[" * 100_000 + b"]" * 100_000


def kind(media_type: str) -> dict[str, str]:
    """The header."""
    return {"Content-Type": media_type}


def coded(coding: str, media_type: str = JSON) -> dict[str, str]:
    """The headers of a compressed body."""
    return {"Content-Type": media_type, "Content-Encoding": coding}


async def an_untyped_body_has_the_assumed_type(house: House) -> None:
    """E9."""
    trigger, token = await house.trigger(call_rules=CallRules(assumed_media_type="text/plain"))
    assert (await house.ask("POST", f"/t/{token}", {}, b"abc")).status == 204
    [call] = await house.calls(trigger)
    assert call["body"] == b"abc"


async def two_media_types_are_one_too_many(house: House) -> None:
    """E14."""
    trigger, token = await house.trigger()
    head = f"POST /t/{token} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Type: text/plain\r\n"
    answer = await house.raw(f"{head}Content-Length: 1\r\n\r\nx".encode())
    assert (answer.status, await house.calls(trigger)) == (400, [])


async def a_compressed_body_is_taken(house: House) -> None:
    """E29."""
    trigger, token = await house.trigger(**COMPRESSED)
    for coding, body in (("gzip", gzip.compress(b'{"a":1}')), ("deflate", zlib.compress(b'{"a":1}'))):
        assert (await house.ask("POST", f"/t/{token}", coded(coding), body)).status == 204
    assert [call["body"] for call in await house.calls(trigger)] == [b'{"a":1}'] * 2


async def bytes_are_kept_whatever_they_are(house: House) -> None:
    """E21, E60."""
    trigger, token = await house.trigger()
    bodies = [b'{"a":"\x00"}', rb'"\u0000"', rb'"\ud800"', DEEP, b"\xef\xbb\xbf{}", b"{ }", b"{}", b" {}\n", b"{\t}"]
    for body in bodies:
        assert (await house.post(token, body)).status == 204
    assert [call["body"] for call in await house.calls(trigger)] == bodies


async def nothing_but_five_kib_for_big_data(house: House) -> None:
    """E24."""
    trigger, token = await house.trigger(task={"kind": TaskKind.TASK_KIND_BIG_DATA})
    answer = await house.post(token, b"a" * 5120)
    assert (answer.status, answer.json["reason"]) == (413, "CALL_TOO_LARGE")
    assert (await house.post(token, b"a" * 4000)).status == 204
    assert len(await house.calls(trigger)) == 1


ROWS = (
    *(Row(number=7, case=media_type, headers=kind(media_type), body=b"<a/>") for media_type in FIVE_TYPES),
    Row(number=8, case="empty without a type", headers={}, body=b""),
    *(Row(number=8, case=f"empty {media_type}", headers=kind(media_type), body=b"") for media_type in FIVE_TYPES),
    Row(number=9, case="no type", headers={}, body=b"a", status=415, reason="MEDIA_TYPE_MISSING", shows=ACCEPT_POST),
    Row(number=9, case="no type but an assumed one", check=an_untyped_body_has_the_assumed_type),
    *(
        Row(
            number=number,
            case=media_type,
            headers=kind(media_type),
            status=415,
            reason="MEDIA_TYPE_UNSUPPORTED",
            shows=ACCEPT_POST,
        )
        for number, media_type in (
            (10, "application/octet-stream"),
            (10, "image/png"),
            (11, "application/cloudevents+json"),
            (11, "application/vnd.x+json"),
            (11, "application/vnd.x+xml"),
            (12, "multipart/form-data; boundary=x"),
            (12, "multipart/mixed; boundary=x"),
        )
    ),
    Row(
        number=11,
        case="in the extra list",
        headers=kind("application/cloudevents+json"),
        trigger={"call_rules": CallRules(extra_media_types=["application/cloudevents+json"])},
    ),
    *(
        Row(number=13, case=media_type, headers=kind(media_type))
        for media_type in (
            "Application/JSON",
            "text/plain ;  charset=UTF-8",
            "text/plain;",
            'text/xml; charset="utf-8"',
        )
    ),
    Row(number=14, case="two headers", check=two_media_types_are_one_too_many),
    Row(number=14, case="joined by a comma", headers=kind("text/plain, application/json"), status=400),
    *(
        Row(number=15, case=charset, headers=kind(f"text/plain; charset={charset}"), body=text.encode(codec))
        for charset, codec, text in (
            ("utf-8", "utf-8", "\xe4\U0001f600"),
            ("us-ascii", "ascii", "a"),
            ("iso-8859-1", "latin-1", "\xe4"),
            ("windows-1252", "cp1252", "\u20ac"),
            ("utf-16", "utf-16", "\xe4"),
        )
    ),
    Row(
        number=16,
        case="unknown charset",
        headers=kind("text/plain; charset=x-klingon"),
        status=415,
        reason="CHARSET_UNKNOWN",
        shows=ACCEPT_POST,
    ),
    *(
        Row(
            number=17,
            case=media_type,
            headers=kind(media_type),
            body=b"\xff\xfe\xfd",
            status=400,
            reason="ENCODING_INVALID",
        )
        for media_type in (JSON, "text/plain; charset=utf-8", "text/plain; charset=us-ascii")
    ),
    Row(
        number=17,
        case="lenient",
        body=b"\xff\xfe\xfd",
        trigger={"call_rules": CallRules(lenient_encoding=True)},
    ),
    Row(number=18, case="UTF-8 after all", headers=kind(f"{JSON}; charset=latin1"), body='"\xe4"'.encode()),
    Row(
        number=18,
        case="latin-1 indeed",
        headers=kind(f"{JSON}; charset=latin1"),
        body='"\xe4"'.encode("latin-1"),
        status=400,
        reason="ENCODING_INVALID",
    ),
    Row(
        number=19,
        case="the header wins over the declaration",
        headers=kind("text/xml; charset=iso-8859-1"),
        body=XML.format("utf-8").encode("latin-1"),
    ),
    Row(
        number=19,
        case="the mark over the declaration",
        headers=kind("application/xml"),
        body=XML.format("iso-8859-1").encode("utf-16"),
    ),
    Row(number=19, case="the declaration", headers=kind("text/xml"), body=XML.format("iso-8859-1").encode("latin-1")),
    Row(
        number=19,
        case="entities are not read",
        headers=kind("text/xml"),
        body=b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    ),
    *(
        Row(number=20, case=f"broken {media_type}", headers=kind(media_type), body=b"{<a")
        for media_type in (JSON, "text/xml", "application/x-www-form-urlencoded")
    ),
    *(
        Row(
            number=20,
            case=f"broken {media_type}, validated",
            headers=kind(media_type),
            body=b"{<a",
            trigger={"call_rules": CallRules(validate_body=True)},
            status=400,
            reason="BODY_INVALID",
        )
        for media_type in (JSON, "text/xml")
    ),
    Row(number=21, case="every byte", check=bytes_are_kept_whatever_they_are),
    Row(number=24, case="big data", check=nothing_but_five_kib_for_big_data),
    Row(number=29, case="gzip and deflate, enabled", check=a_compressed_body_is_taken),
    *(
        Row(
            number=number,
            case=coding,
            headers=coded(coding),
            trigger=trigger,
            status=415,
            reason="CODING_UNSUPPORTED",
            shows=ACCEPT_ENCODING,
        )
        for number, coding, trigger in (
            (29, "gzip", {}),
            (29, "deflate", {}),
            (30, "br", COMPRESSED),
            (30, "zstd", COMPRESSED),
            (30, "gzip, gzip", COMPRESSED),
            (30, "x-unknown", {}),
        )
    ),
    Row(number=30, case="identity is none", headers=coded("identity")),
    Row(number=31, case="corrupt", headers=coded("gzip"), trigger=COMPRESSED, status=400, reason="CODING_INVALID"),
    Row(
        number=31,
        case="a bomb",
        headers=coded("gzip"),
        body=gzip.compress(bytes(20_000_000)),
        trigger=COMPRESSED,
        status=413,
    ),
    Row(number=60, case="white space", check=bytes_are_kept_whatever_they_are),
)
