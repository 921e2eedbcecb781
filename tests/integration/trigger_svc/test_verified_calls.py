"""Rows E9 to E12, E17, E20, E29 to E31, E36, E37, E39, E40 and E42: a call from its token to what is stored."""

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from chassis.errors import DomainError, Unavailable
from tests.support.postgres import Database
from tests.support.trigger import Pod, call, pod
from trigger_svc import agreement, token_book
from trigger_svc.call import Call
from trigger_svc.refusal import NotServed, Unverified

SECRET = "It's a Secret to Everybody"
GITHUB: dict[str, Any] = {"verification": {"preset": "VERIFICATION_PRESET_GITHUB"}, "verification_secrets": (SECRET,)}
CALLS = "select media_type, body, data_mode from trigger.call order by trigger_id, seq"
REPLACE_SECRET = "update trigger.verification_secret set sealed = $1"


@pytest.fixture
async def one(database: Database) -> AsyncIterator[Pod]:
    """A pod."""
    async with pod(database) as running:
        yield running


def _signed(token: str, body: bytes = b"{}", media_type: str = "application/json", **headers: bytes) -> Call:
    signature = b"sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest().encode()
    return call(token, body, media_type, x_hub_signature_256=signature, **headers)


async def _refusal(one: Pod, wanted: Call) -> DomainError:
    with pytest.raises(DomainError) as refused:
        await one.receiver.receive(wanted)
    return refused.value


async def test_a_call_that_proves_nothing_is_refused_and_does_not_count(one: Pod) -> None:
    _, token = await one.trigger(threshold=2, **GITHUB)
    for wanted, reason in (
        (call(token), "SIGNATURE_MISSING"),
        (call(token, x_hub_signature_256=b"sha256=" + b"0" * 64), "SIGNATURE_INVALID"),
        (replace(_signed(token), body=b"{ }"), "SIGNATURE_INVALID"),
    ):
        refused = await _refusal(one, wanted)
        assert isinstance(refused, Unverified)
        assert refused.reason == reason
        assert SECRET not in str(refused)
    assert await one.windows() == []
    assert (await one.receiver.receive(_signed(token))).call_id.startswith("cal_")


async def test_what_is_wrong_with_the_type_is_said_first_and_with_the_text_last(one: Pod) -> None:
    _, token = await one.trigger(threshold=9, **GITHUB)
    assert (await _refusal(one, call(token, b"a", "image/png"))).reason == "MEDIA_TYPE_UNSUPPORTED"
    assert (await _refusal(one, call(token, b"\xff", "text/plain"))).reason == "SIGNATURE_MISSING"
    assert (await _refusal(one, _signed(token, b"\xff", "text/plain"))).reason == "ENCODING_INVALID"


async def test_basic_says_how_to_authenticate(one: Pod) -> None:
    _, token = await one.trigger(
        verification={"preset": "VERIFICATION_PRESET_BASIC"}, verification_secrets=("Aladdin:open sesame", "a:b:c")
    )
    refused = await _refusal(one, call(token))
    assert isinstance(refused, Unverified)
    assert refused.challenge.startswith("Basic ")
    for pair in (b"Aladdin:open sesame", b"a:b:c"):
        await one.receive(call(token, authorization=b"Basic " + base64.b64encode(pair)))


async def test_a_stale_call_is_refused_by_the_databases_time(one: Pod) -> None:
    agreed = {"preset": "VERIFICATION_PRESET_STRIPE", "tolerance": "2s"}
    _, token = await one.trigger(verification=agreed, verification_secrets=("s",))
    now = await one.pool.fetchval("select extract(epoch from clock_timestamp())::bigint")
    for seconds, reason in ((0, None), (-60, "TIMESTAMP_STALE"), (60, "TIMESTAMP_STALE")):
        signature = hmac.new(b"s", b"%d.{}" % (now + seconds), hashlib.sha256).hexdigest()
        wanted = call(token, stripe_signature=f"t={now + seconds},v1={signature}".encode())
        if reason is None:
            await one.receive(wanted)
        else:
            assert (await _refusal(one, wanted)).reason == reason


async def test_slacks_question_is_answered_and_is_no_call(one: Pod) -> None:
    _, token = await one.trigger(verification={"preset": "VERIFICATION_PRESET_SLACK"}, verification_secrets=("s",))
    body = b'{"type":"url_verification","challenge":"c"}'
    now = await one.pool.fetchval("select extract(epoch from clock_timestamp())::bigint")
    signature = b"v0=" + hmac.new(b"s", b"v0:%d:%b" % (now, body), hashlib.sha256).hexdigest().encode()
    answer = await one.receiver.receive(
        call(token, body, x_slack_signature=signature, x_slack_request_timestamp=b"%d" % now)
    )
    assert answer.call_id == ""
    assert answer.reply is not None
    assert json.loads(answer.reply.body) == {"challenge": "c"}
    assert await one.windows() == []
    _, plain = await one.trigger()
    assert (await one.receiver.receive(call(plain, body))).reply is None, "only for that preset"


async def test_salesforce_is_acknowledged_once_it_is_stored_and_again_when_it_repeats(one: Pod) -> None:
    _, token = await one.trigger(threshold=9, verification={"preset": "VERIFICATION_PRESET_SALESFORCE"})
    body = (
        b'<e><notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
        b"<Notification><Id>04lD000000ABiaKIAT</Id></Notification></notifications></e>"
    )
    first = await one.receiver.receive(call(token, body, "text/xml; charset=utf-8"))
    second = await one.receiver.receive(call(token, body, "text/xml; charset=utf-8"))
    for answer in (first, second):
        assert answer.reply is not None
        assert b"<Ack>true</Ack>" in answer.reply.body
    assert (second.duplicate, second.call_id) == (True, first.call_id)
    assert len(await one.pool.fetch(CALLS)) == 1


async def test_no_method_but_post_is_served_and_a_wrong_token_is_told_first(one: Pod) -> None:
    _, token = await one.trigger()
    for method in ("GET", "HEAD", "PUT"):
        refused = await _refusal(one, replace(call(token), method=method))
        assert isinstance(refused, NotServed)
        assert refused.reason == "METHOD_NOT_ALLOWED"
    assert (await _refusal(one, replace(call("x" * 43), method="GET"))).reason == "TRIGGER_NOT_FOUND"


async def test_rules_widen_what_is_taken_and_each_mode_shows_it_as_it_was(one: Pod) -> None:
    rules: dict[str, Any] = {
        "extra_media_types": ["application/cloudevents+json"],
        "assumed_media_type": "application/json",
        "lenient_encoding": True,
        "accept_compressed": True,
    }
    _, token = await one.trigger(threshold=9, data_mode="object", call_rules=rules)
    await one.receive(call(token, b"[1]", "application/cloudevents+json"))
    await one.receive(call(token, b"[2]", ""))
    await one.receive(call(token, b"\xff", "text/plain"))
    await one.receive(call(token, gzip.compress(b"[3]"), content_encoding=b"gzip"))
    assert [tuple(row) for row in await one.pool.fetch(CALLS)] == [
        ("application/cloudevents+json", b"[1]", "object"),
        ("application/json", b"[2]", "object"),
        ("text/plain", b"\xff", "object"),
        ("application/json", b"[3]", "object"),
    ]
    payload = (
        b'[{"data":[1],"type":"application/cloudevents+json"},{"data":[2],"type":"application/json"},'
        b'{"data":"/w==","type":"text/plain","encoding":"base64"},{"data":[3],"type":"application/json"}]'
    )
    bytes_so_far = await one.pool.fetchval("select window_bytes from trigger.head")
    assert bytes_so_far == len(payload)
    await one.pool.execute("update trigger.trigger set data_mode = 'string', version = version + 1")
    modes = {row["data_mode"] for row in await one.pool.fetch(CALLS)}
    assert modes == {"object"}, "an edit changes no payload that was taken"


async def test_without_rules_none_of_it_is_taken(one: Pod) -> None:
    _, token = await one.trigger()
    for wanted, reason in (
        (call(token, b"[1]", "application/cloudevents+json"), "MEDIA_TYPE_UNSUPPORTED"),
        (call(token, b"[2]", ""), "MEDIA_TYPE_MISSING"),
        (call(token, b"\xff", "text/plain"), "ENCODING_INVALID"),
        (call(token, gzip.compress(b"[3]"), content_encoding=b"gzip"), "CODING_UNSUPPORTED"),
    ):
        assert (await _refusal(one, wanted)).reason == reason
    await one.receive(call(token, b"{not json"))


async def test_a_compressed_call_is_signed_as_it_came(one: Pod) -> None:
    _, token = await one.trigger(call_rules={"accept_compressed": True}, **GITHUB)
    await one.receive(_signed(token, gzip.compress(b"{}"), content_encoding=b"gzip"))
    wrong = replace(_signed(token, b"{}", content_encoding=b"gzip"), body=gzip.compress(b"{}"))
    assert (await _refusal(one, wrong)).reason == "SIGNATURE_INVALID"
    bomb = _signed(token, gzip.compress(bytes(2_000_000)), content_encoding=b"gzip")
    assert (await _refusal(one, bomb)).reason == "CALL_TOO_LARGE"
    assert (await _refusal(one, _signed(token, b"{}", content_encoding=b"gzip"))).reason == "CODING_INVALID"


@pytest.mark.parametrize(
    ("media_type", "good", "bad"),
    [
        ("application/json", b"{}", b"{"),
        ("text/xml", b"<a/>", b"<!DOCTYPE a><a/>"),
        ("application/x-www-form-urlencoded", b"a=%41", b"a=%4"),
    ],
)
async def test_a_trigger_that_insists_refuses_bodies_that_are_not_what_they_say(
    one: Pod, media_type: str, good: bytes, bad: bytes
) -> None:
    _, token = await one.trigger(threshold=9, call_rules={"validate_body": True})
    await one.receive(call(token, good, media_type), call(token, b"", media_type), call(token, bad, "text/plain"))
    assert (await _refusal(one, call(token, bad, media_type))).reason == "BODY_INVALID"


async def test_calls_beyond_the_rate_are_told_when_to_come_again(one: Pod) -> None:
    _, token = await one.trigger(threshold=99, call_rules={"rate_per_second": 3.0})
    await one.receive(*(call(token) for _ in range(3)))
    refused = await _refusal(one, call(token))
    assert refused.reason == "RATE_LIMIT"
    assert refused.retry_after is not None
    assert 0 < refused.retry_after < 1
    _, other = await one.trigger(threshold=99)
    await one.receive(*(call(other) for _ in range(20)))


async def test_secrets_that_do_not_open_refuse_their_triggers_calls_alone(one: Pod) -> None:
    _, token = await one.trigger(**GITHUB)
    await one.pool.execute(REPLACE_SECRET, b"v1.test." + bytes(40))
    _, other = await one.trigger()
    refused = await _refusal(one, _signed(token))
    assert isinstance(refused, Unavailable)
    assert refused.reason == "VERIFICATION_UNAVAILABLE"
    await one.receive(call(other))


async def test_what_was_agreed_is_read_anew_when_the_trigger_changes_and_only_then(
    one: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_book, "KNOWN_SECONDS", 0.0)
    opened: list[Any] = []
    real = agreement.read

    def counted(*arguments: Any) -> Any:
        opened.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(agreement, "read", counted)
    _, token = await one.trigger(threshold=99, **GITHUB)
    for _ in range(3):
        await one.receive(_signed(token))
    assert len(opened) == 1
    await one.pool.execute("update trigger.trigger set verification = null, version = version + 1")
    await one.receive(call(token))
    assert len(opened) == 2


async def test_a_disabled_trigger_is_not_told_from_none_once_that_is_known(one: Pod) -> None:
    trigger, token = await one.trigger(**GITHUB)
    await one.pool.execute("update trigger.head set enabled = false where trigger_id = $1", trigger.trigger_id)
    for wanted in (call(token), call(token, b"a", "image/png"), replace(call(token), method="GET")):
        assert (await _refusal(one, wanted)).reason == "TRIGGER_NOT_FOUND"
