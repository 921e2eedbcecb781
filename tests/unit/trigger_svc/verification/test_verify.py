"""What vectors do not show: handshakes, acknowledgements, names of calls, public keys, and headers that are anything at all."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from trigger_svc.verification.request import Request
from trigger_svc.verification.salesforce import ACKNOWLEDGEMENT
from trigger_svc.verification.terms import GenericHmac, Terms
from trigger_svc.verification.verdict import Handshake, Refused, Verified
from trigger_svc.verification.verify import PRESETS, dedupe_key, verify

NOW = 1_700_000_000.0
#: By the WSDL at developer.salesforce.com/docs/platform/api/guide/sforce-api-om-outboundmessaging-wsdl.html; two notifications.
OUTBOUND = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>
<notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>00DD0000000Cr9RMAS</OrganizationId>
<ActionId>04kD0000000CbVFIA0</ActionId><SessionId xsi:nil="true"/><Notification><Id>04lD000000ABiaKIAT</Id>
<sObject xsi:type="sf:Contact" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>003D000000MGhzUIAT</sf:Id></sObject>
</Notification><Notification>
 <Id>04lD000000ABiaJIAT</Id></Notification></notifications></soapenv:Body></soapenv:Envelope>"""
RAW_TERMS = Terms(
    preset="generic_hmac",
    secrets=(b"k",),
    generic_hmac=GenericHmac(
        header="x-sig", template="{timestamp}.{body}.x", timestamp_header="x-time", encoding="base64url", prefix=b"v1="
    ),
)


def _request(body: bytes = b"", **headers: bytes) -> Request:
    return Request(headers={name.replace("_", "-"): value for name, value in headers.items()}, raw=body, body=body)


def _slack(body: bytes) -> Request:
    signed = b"v0:%d:" % NOW + body
    signature = b"v0=" + hmac.new(b"s", signed, hashlib.sha256).hexdigest().encode()
    return _request(body, x_slack_signature=signature, x_slack_request_timestamp=b"%d" % NOW)


@pytest.mark.parametrize("challenge", ["3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P", "", 'ä"\ud800<'])
def test_slack_gets_its_challenge_back(challenge: str) -> None:
    body = json.dumps({"token": "x", "challenge": challenge, "type": "url_verification"}).encode()
    verdict = verify(_slack(body), Terms(preset="slack", secrets=(b"s",)), NOW)
    assert isinstance(verdict, Handshake)
    assert json.loads(verdict.reply.body) == {"challenge": challenge}
    forged = verify(_slack(body), Terms(preset="slack", secrets=(b"t",)), NOW)
    assert isinstance(forged, Refused), "not to anybody else"


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"type":"event_callback","event_id":"Ev08MFMKH6"}', b"Ev08MFMKH6"),
        (b'{"type":"url_verification","challenge":7}', None),
        (b'{"event_id":7}', None),
        (b"payload=%7B%7D", None),
        (b"[]", None),
        (b"[" * 100_000, None),
        (b"", None),
        (b"\xff", None),
        (b'{"event_id":' + b"1" * 10_000 + b"}", None),
    ],
)
def test_a_body_is_asked_for_its_id_whatever_it_is(body: bytes, key: bytes | None) -> None:
    assert verify(_slack(body), Terms(preset="slack", secrets=(b"s",)), NOW) == Verified(key=key)


def test_salesforce_is_acknowledged_and_known_by_its_notifications() -> None:
    first = verify(_request(OUTBOUND.encode()), Terms(preset="salesforce"), NOW)
    assert first == Verified(key=b"04lD000000ABiaJIAT,04lD000000ABiaKIAT", reply=ACKNOWLEDGEMENT)
    assert b"<Ack>true</Ack>" in ACKNOWLEDGEMENT.body
    assert verify(_request(b"<a/>"), Terms(preset="salesforce"), NOW) == Verified()
    empty = OUTBOUND.replace("Notification>", "Other>").encode()
    assert verify(_request(empty), Terms(preset="salesforce"), NOW) == Verified(reply=ACKNOWLEDGEMENT)


def test_the_agreed_header_names_a_call_in_place_of_the_presets_own() -> None:
    terms = Terms(preset="salesforce", dedupe_header="x-id")
    assert verify(_request(OUTBOUND.encode(), x_id=b"7"), terms, NOW) == Verified(key=b"7", reply=ACKNOWLEDGEMENT)
    assert verify(_request(OUTBOUND.encode()), terms, NOW) == Verified(reply=ACKNOWLEDGEMENT)
    assert verify(_request(x_id=b"7"), Terms(dedupe_header="x-id"), NOW) == Verified(key=b"7")


def test_a_call_without_a_name_is_not_known_again() -> None:
    assert dedupe_key(Verified()) is None
    assert dedupe_key(Verified(key=b"")) is None
    assert dedupe_key(Verified(key=b"7")) == hashlib.sha256(b"7").digest()


@given(body=st.text(), moment=st.integers(min_value=1, max_value=10**10))
def test_what_the_reference_library_signs_is_verified(body: str, moment: int) -> None:
    secret = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    signature = Webhook(secret).sign("msg_1", datetime.fromtimestamp(moment, tz=UTC), body)
    request = _request(
        body.encode(), webhook_id=b"msg_1", webhook_timestamp=b"%d" % moment, webhook_signature=signature.encode()
    )
    terms = Terms(preset="standard_webhooks", secrets=(secret.encode(),))
    assert verify(request, terms, float(moment)) == Verified(key=b"msg_1")


def test_a_public_key_verifies_what_its_owner_signed() -> None:
    private = Ed25519PrivateKey.generate()
    public = b"whpk_" + base64.b64encode(private.public_key().public_bytes_raw())
    signature = base64.b64encode(private.sign(b"msg_1.%d.a" % NOW))
    headers = {"webhook_id": b"msg_1", "webhook_timestamp": b"%d" % NOW}
    terms = Terms(preset="standard_webhooks", secrets=(b"whsec_AAAA", public))
    for listed in (b"v1a," + signature, b"v1,eA== v1a,eA== v1a,! v1a," + signature):
        assert isinstance(verify(_request(b"a", webhook_signature=listed, **headers), terms, NOW), Verified)
    for listed in (b"v1," + signature, b"v1a," + signature[:-4], b"v1a", b"v1a,eA== " * 10 + b"v1a," + signature):
        assert isinstance(verify(_request(b"a", webhook_signature=listed, **headers), terms, NOW), Refused)


def test_a_template_with_a_timestamp_is_filled_in_once() -> None:
    body = b"{timestamp}{body}"  # is nobody's template
    digest = hmac.new(b"k", b"%d.%b.x" % (NOW, body), hashlib.sha256).digest()
    request = _request(body, x_time=b"%d" % NOW, x_sig=b"v1=" + base64.urlsafe_b64encode(digest))
    assert verify(request, RAW_TERMS, NOW) == Verified()
    stale = verify(request, RAW_TERMS, NOW + 301)
    assert isinstance(stale, Refused)
    assert stale.reason == "TIMESTAMP_STALE"
    for time in (b"-1", b"1e9", b"1" * 13, "\u0661".encode(), b" 1", b"1700000000.5"):
        verdict = verify(_request(body, x_time=time, x_sig=request.headers["x-sig"]), RAW_TERMS, NOW)
        assert isinstance(verdict, Refused)
        assert verdict.reason == "SIGNATURE_INVALID"


HEADERS = (
    "x-hub-signature-256", "x-github-delivery", "stripe-signature", "x-slack-signature", "x-slack-request-timestamp",
    "webhook-id", "webhook-timestamp", "webhook-signature", "svix-id", "svix-timestamp", "svix-signature",
    "authorization", "x-api-key", "idempotency-key", "x-sig", "x-time",
)  # fmt: skip
ODD = st.binary(max_size=60) | st.sampled_from(
    [b"t=1,v1=", b"v1,", b"v1a,AAAA", b"Basic ====", b"Basic", b"sha256=", b"v0=", b",,, ,", b"t=t=,v1", b"1700000000"]
)


@given(
    preset=st.sampled_from(sorted(set(PRESETS) - {"none", "salesforce"})),
    headers=st.dictionaries(st.sampled_from(HEADERS), ODD),
    body=st.binary(max_size=100),
    secrets=st.lists(st.sampled_from([b"k", b"whsec_AAAA", b"whpk_AAAA", b"a:b", b"\xff"]), max_size=2),
)
def test_whatever_a_stranger_sends_is_refused_and_nothing_else(
    preset: str, headers: dict[str, bytes], body: bytes, secrets: list[bytes]
) -> None:
    terms = Terms(preset=preset, secrets=tuple(secrets), generic_hmac=RAW_TERMS.generic_hmac)
    verdict = verify(Request(headers=headers, raw=body, body=body), terms, NOW)
    if isinstance(verdict, Verified):  # only by saying a secret itself
        assert preset == "api_key"
        assert headers["x-api-key"].strip() in secrets
    else:
        assert isinstance(verdict, Refused)


@given(body=st.binary(max_size=300) | st.sampled_from([OUTBOUND.encode()[:n] for n in range(0, len(OUTBOUND), 37)]))
def test_salesforce_reads_any_body(body: bytes) -> None:
    assert isinstance(verify(_request(body), Terms(preset="salesforce"), NOW), Verified)
