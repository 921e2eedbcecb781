"""E36 to E40: who proves whom they are from, who comes again, who only shakes hands."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from runhook.trigger.v1.trigger_pb2 import Trigger, Verification, VerificationPreset
from tests.support.rows.row import House, Row, check_form

SECRET = "a secret of the tests, of some length"
SIGNING = base64.b64encode(b"k" * 32).decode()
MESSAGE = (
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notifications xmlns="http://soap.sforce.com/2005/09/outbound"><Notification><Id>04l000000000001AAA</Id>'
    b"</Notification></notifications></soapenv:Body></soapenv:Envelope>"
)


async def verified(
    house: House, preset: "VerificationPreset.ValueType", secret: str = SECRET, **terms: Any
) -> tuple[Trigger, str]:
    """A trigger whose calls prove whom they are from."""
    secrets = [secret] if secret else []
    return await house.trigger(verification=Verification(preset=preset, secrets=secrets, **terms))


def signature_of(body: bytes, secret: str = SECRET) -> str:
    """GitHub's."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def standard(body: bytes, moment: float, message_id: str) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    signed = b"%s.%d.%s" % (message_id.encode(), moment, body)
    mac = base64.b64encode(hmac.new(b"k" * 32, signed, hashlib.sha256).digest()).decode()
    return {"webhook_id": message_id, "webhook_timestamp": str(int(moment)), "webhook_signature": f"v1,{mac}"}


async def a_missing_or_wrong_signature_is_401(house: House) -> None:
    """E36."""
    trigger, token = await verified(house, VerificationPreset.VERIFICATION_PRESET_GITHUB)
    for headers in ({}, {"X_Hub_Signature_256": signature_of(b"{}", "another")}, {"X_Hub_Signature_256": "sha256=zz"}):
        answer = await house.post(token, b"{}", **headers)
        assert answer.status == 401
        assert answer.json["reason"].startswith("SIGNATURE_")
        check_form(answer, [SECRET.encode(), token.encode()])
    assert (await house.post(token, X_Hub_Signature_256=signature_of(b"{}"))).status == 204
    assert len(await house.calls(trigger)) == 1


async def basic_is_challenged(house: House) -> None:
    """E36."""
    _, token = await verified(house, VerificationPreset.VERIFICATION_PRESET_BASIC, "name:pass:word")
    answer = await house.post(token)
    assert (answer.status, answer.headers["www-authenticate"][:5]) == (401, "Basic")
    good = base64.b64encode(b"name:pass:word").decode()
    assert (await house.post(token, Authorization=f"Basic {good}")).status == 204
    assert (await house.post(token, Authorization=f"Basic {good}A")).status == 401


async def an_api_key_is_asked_for(house: House) -> None:
    """E36."""
    _, token = await verified(house, VerificationPreset.VERIFICATION_PRESET_API_KEY, api_key_header="X-Mine")
    assert (await house.post(token)).status == 401
    assert (await house.post(token, X_Mine=SECRET)).status == 204


async def a_stale_timestamp_is_401(house: House) -> None:
    """E37."""
    preset = VerificationPreset.VERIFICATION_PRESET_STANDARD_WEBHOOKS
    trigger, token = await verified(house, preset, f"whsec_{SIGNING}")
    for skew in (-600, 600):
        answer = await house.post(token, b"{}", **standard(b"{}", time.time() + skew, "msg_old"))
        assert (answer.status, answer.json["reason"]) == (401, "TIMESTAMP_STALE")
    assert (await house.post(token, b"{}", **standard(b"{}", time.time(), "msg_new"))).status == 204
    assert len(await house.calls(trigger)) == 1


async def what_comes_again_is_not_counted(house: House) -> None:
    """E38."""
    trigger, token = await house.trigger(verification=Verification(dedupe_header="Idempotency-Key"))
    answers = [await house.post(token, b"%d" % number, Idempotency_Key="k") for number in range(3)]
    assert [answer.status for answer in answers] == [204] * 3
    assert len({answer.headers["x-call-id"] for answer in answers}) == 1
    assert [answer.headers.get("x-duplicate") for answer in answers] == [None, "true", "true"]
    assert [call["body"] for call in await house.calls(trigger)] == [b"0"]


async def a_replay_within_the_tolerance_is_not_counted(house: House) -> None:
    """E38."""
    preset = VerificationPreset.VERIFICATION_PRESET_STANDARD_WEBHOOKS
    trigger, token = await verified(house, preset, f"whsec_{SIGNING}")
    headers = standard(b"{}", time.time(), "msg_1")
    first, second = await house.post(token, b"{}", **headers), await house.post(token, b"{}", **headers)
    assert (second.status, second.headers["x-duplicate"]) == (204, "true")
    assert first.headers["x-call-id"] == second.headers["x-call-id"]
    assert len(await house.calls(trigger)) == 1


async def slack_shakes_hands(house: House) -> None:
    """E39."""
    trigger, token = await verified(house, VerificationPreset.VERIFICATION_PRESET_SLACK)
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9"}).encode()
    moment = str(int(time.time()))
    mac = hmac.new(SECRET.encode(), b"v0:%s:%s" % (moment.encode(), body), hashlib.sha256).hexdigest()
    signed = {"X_Slack_Request_Timestamp": moment, "X_Slack_Signature": f"v0={mac}"}
    answer = await house.post(token, body, **signed)
    assert answer.status == 200
    assert b"3eZbrw1aBm2rZgRNFdxV2595E9" in answer.body
    assert "x-call-id" not in answer.headers
    assert await house.calls(trigger) == []
    plain, other = await house.trigger()
    assert (await house.post(other, body)).status == 204, "without the preset it is a call as any other"
    assert len(await house.calls(plain)) == 1


async def salesforce_is_acknowledged(house: House) -> None:
    """E40."""
    trigger, token = await verified(house, VerificationPreset.VERIFICATION_PRESET_SALESFORCE, "")
    answers = [await house.post(token, MESSAGE, Content_Type="text/xml; charset=utf-8") for _ in range(2)]
    for answer in answers:
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/xml")
        assert b"Ack>true</" in answer.body
    assert answers[1].headers["x-duplicate"] == "true"
    assert len(await house.calls(trigger)) == 1


ROWS = (
    Row(number=36, case="signatures", check=a_missing_or_wrong_signature_is_401),
    Row(number=36, case="basic", check=basic_is_challenged),
    Row(number=36, case="API keys", check=an_api_key_is_asked_for),
    Row(number=37, case="too old, too new", check=a_stale_timestamp_is_401),
    Row(number=38, case="a dedupe key", check=what_comes_again_is_not_counted),
    Row(number=38, case="a replay", check=a_replay_within_the_tolerance_is_not_counted),
    Row(number=39, case="Slack", check=slack_shakes_hands),
    Row(number=40, case="Salesforce", check=salesforce_is_acknowledged),
)
