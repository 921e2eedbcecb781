"""Bad bodies to the webhooks API over the real services: a clear error each, and nothing stored, whole or in half."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.envelope import (
    BODY,
    NOT_FOUND,
    ONE,
    SUBSCRIPTIONS,
    changed,
    check,
    error,
    listed,
    made,
    refused,
)
from tests.support.gateway import Gateway, gateway
from tests.support.postgres import Database
from tests.support.subscription import TOKEN, subscription_service

MISSING = "required key not provided"
NUMBER = "must be a whole number or a string of digits, within 64 bits"


@pytest.fixture
async def call(database: Database) -> AsyncIterator[Gateway]:
    async with (
        subscription_service(database) as service,
        gateway(token=TOKEN, subscription_svc=service.target) as running,
    ):
        yield running


GOOD = json.dumps(BODY).encode()
NO_OBJECTS: list[tuple[bytes, str]] = [
    (b"", "must be JSON: it breaks at line 1, column 1"),
    (b"   ", "must be JSON: it breaks at line 1, column 4"),
    (b"{", "must be JSON: it breaks at line 1, column 2"),
    (b"name=x&active=true", "must be JSON: it breaks at line 1, column 1"),
    (b"<webhook/>", "must be JSON: it breaks at line 1, column 1"),
    (b"{'name': 'x'}", "must be JSON: it breaks at line 1, column 2"),
    (GOOD + b"{}", f"must be JSON: it breaks at line 1, column {len(GOOD) + 1}"),
    (GOOD[:-1] + b",}", f"must be JSON: it breaks at line 1, column {len(GOOD) + 1}"),
    (b"\xef\xbb\xbf" + GOOD, "must be JSON: it breaks at line 1, column 1"),
    (GOOD.decode().encode("utf-16"), "must be UTF-8"),
    (b'{"name":"\xff"}', "must be UTF-8"),
    (b'{"name":"a\x00b"}', "must be JSON: it breaks at line 1, column 11"),
    (b"[]", "must be a JSON object"),
    (b"[" + GOOD + b"]", "must be a JSON object"),
    (b'"name"', "must be a JSON object"),
    (b"5", "must be a JSON object"),
    (b"null", "must be a JSON object"),
    (b"true", "must be a JSON object"),
    (b'{"active":true,"active":false}', "must not have a key twice in one object"),
    (b'{"odd":{"a":1,"a":2}}', "must not have a key twice in one object"),
    (b'{"job_ids":[NaN]}', "must not hold NaN"),
    (b'{"job_ids":[Infinity]}', "must not hold Infinity"),
    (b'{"name":"\\ud800"}', "must be valid Unicode: it holds half of a surrogate pair"),
    (b'{"name":"\\udc00\\ud800"}', "must be valid Unicode: it holds half of a surrogate pair"),
    (b'{"odd":' + b"[" * 32 + b"]" * 32 + b"}", "must not nest more than 32 levels"),
    (b'{"odd":' + b'{"a":' * 40 + b"1" + b"}" * 41, "must not nest more than 32 levels"),
    (b"[" * 500_000, "must be JSON of ordinary depth and ordinary numbers"),
    (b'{"job_ids":[1' + b"0" * 5_000 + b"]}", "must be JSON of ordinary depth and ordinary numbers"),
]


async def test_what_is_no_plain_json_object_is_told_why(call: Gateway) -> None:
    await made(call)
    for body, sentence in NO_OBJECTS:
        assert (body[:40], await refused(call, body)) == (body[:40], {"body": sentence})


FORMS = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "APPLICATION/X-WWW-FORM-URLENCODED"]
OTHER_TYPES = ["application/json; charset=utf-8", "text/plain", "application/xml", "nonsense", ""]


async def test_a_form_is_refused_and_a_body_of_any_other_type_is_read(call: Gateway) -> None:
    await made(call)
    for kind in FORMS:
        fields = await refused(call, GOOD, headers={"Content-Type": kind})
        assert fields == {"body": "must be a JSON object, not a form"}
    for kind in OTHER_TYPES:
        assert (await call("POST", SUBSCRIPTIONS, data=GOOD, headers={"Content-Type": kind})).status == 201


async def test_two_megabytes_are_refused_however_they_come(call: Gateway) -> None:
    too_large = error(413, "the body must have at most 1,048,576 bytes")
    body = changed(description="x" * 2_000_000)
    check(await call("POST", SUBSCRIPTIONS, data=body), too_large)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    check(await call("POST", SUBSCRIPTIONS, data=chunks()), too_large)
    assert await listed(call) == []


OF_TYPE: dict[str, tuple[list[Any], str]] = {
    "name": ([None, 5, 1.5, True, [], ["n"], {}], "must be a string"),
    "description": ([5, 1.5, True, [], {}], "must be a string"),
    "client_url": ([None, 5, True, ["https://test.com"], {}], "must be a string"),
    "active": ([None, 0, 1, 1.0, "true", "", [], {}], "must be true or false"),
    "event_types": ([None, 5, True, "job.run.started", {}, {"0": "job.run.started"}], "must be an array"),
    "job_ids": ([1.5, True, "5", "", {}, {"0": 5}], "must be an array"),
}
ODD_NUMBERS: list[Any] = [
    None,
    1.0,
    1.5,
    True,
    False,
    "",
    "x",
    "-1",
    "+1",
    "1.0",
    "0x1",
    " 1",
    "٣",
    2**63,
    -(2**63),
    [],
    [1],
    {},
]
OF_ENTRY: dict[str, tuple[list[Any], str]] = {
    "event_types": ([None, 5, True, [], {}, ["job.run.started"]], "must be a string"),
    "job_ids": (ODD_NUMBERS, NUMBER),
}


async def test_a_wrong_type_is_named_in_every_field(call: Gateway) -> None:
    await made(call)
    for field, (values, sentence) in OF_TYPE.items():
        for value in values:
            assert (value, await refused(call, changed(**{field: value}))) == (value, {field: sentence})
    for field, (values, sentence) in OF_ENTRY.items():
        good = ["job.run.started"] if field == "event_types" else [1]
        for value in values:
            fields = await refused(call, changed(**{field: [*good, value]}))
            assert (value, fields) == (value, {f"{field}[1]": sentence})


async def test_a_missing_key_is_named_alone_or_with_others(call: Gateway) -> None:
    await made(call)
    for field in BODY:
        body = json.dumps({key: value for key, value in BODY.items() if key != field}).encode()
        assert await refused(call, body) == {field: MISSING}
    assert await refused(call, b"{}") == dict.fromkeys(BODY, MISSING)


TYPES = "must be one of job.run.started, job.run.completed, job.run.errored"
NO_TYPES = "is required: one or more of job.run.started, job.run.completed, job.run.errored"
ODD_TYPES = ["job.run.started", "JOB.RUN.STARTED", "job.run.started ", "", "*"]
BELOW = "must be a whole number above 0"
RULES: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"name": ""}, {"name": "is required: 1 to 255 characters"}),
    ({"name": "x" * 256}, {"name": "must have at most 255 characters"}),
    ({"name": "a\x00b"}, {"name": "must not hold a NUL character"}),
    ({"description": "x" * 2001}, {"description": "must have at most 2,000 characters"}),
    ({"description": "\x00"}, {"description": "must not hold a NUL character"}),
    ({"event_types": []}, {"event_types": NO_TYPES}),
    ({"event_types": ["job.run.cancelled"]}, {"event_types[0]": TYPES}),
    ({"event_types": ODD_TYPES}, {f"event_types[{n}]": TYPES for n in (1, 2, 3, 4)}),
    ({"event_types": ["subscription.deactivated"]}, {"event_types[0]": TYPES}),
    ({"event_types": ["job.run.started"] * 101}, {"event_types": "must have at most 100 entries"}),
    ({"event_types": ["job.run.started"] * 10_001}, {"event_types": "must have at most 10,000 entries"}),
    ({"job_ids": list(range(1, 10_002))}, {"job_ids": "must have at most 10,000 entries"}),
    ({"job_ids": [1, 0, -5, -(2**63) + 1]}, {f"job_ids[{n}]": BELOW for n in (1, 2, 3)}),
    ({"job_ids": 0}, {"job_ids[0]": BELOW}),
    ({"job_ids": -1}, {"job_ids[0]": BELOW}),
]


async def test_a_broken_rule_is_told_in_words_of_its_field(call: Gateway) -> None:
    await made(call)
    for change, fields in RULES:
        assert (str(change)[:60], await refused(call, changed(**change))) == (str(change)[:60], fields)


SCHEME = "must begin with http:// or https://"
NO_NAME = "is required: 1 to 255 characters"
LONG_NAME = "must have at most 255 characters"
BOTH: list[tuple[dict[str, Any], dict[str, str]]] = [
    (
        {"name": 5, "description": "\x00", "event_types": ["x"], "client_url": "file:///x", "job_ids": [0, 1, -1]},
        {
            "name": "must be a string",
            "description": "must not hold a NUL character",
            "job_ids[0]": BELOW,
            "job_ids[2]": BELOW,
            "event_types[0]": TYPES,
            "client_url": SCHEME,
        },
    ),
    ({"job_ids": "5", "name": ""}, {"job_ids": "must be an array", "name": NO_NAME}),
    ({"job_ids": "5"}, {"job_ids": "must be an array"}),
    ({"description": 5, "client_url": "x"}, {"description": "must be a string", "client_url": SCHEME}),
    ({"active": "yes", "event_types": []}, {"active": "must be true or false", "event_types": NO_TYPES}),
    ({"event_types": [5, "x"], "name": "x" * 256}, {"event_types[0]": "must be a string", "name": LONG_NAME}),
]


async def test_wrong_types_and_broken_rules_of_other_fields_are_told_at_once(call: Gateway) -> None:
    await made(call)
    for change, fields in BOTH:
        assert await refused(call, changed(**change)) == fields


async def test_a_body_that_is_wrong_in_both_ways_still_finds_no_webhook_that_is_not_there(call: Gateway) -> None:
    answer = await call("PUT", f"{ONE}/wsu_x", data=changed(name=5, client_url="x"))
    check(answer, error(404, NOT_FOUND))
