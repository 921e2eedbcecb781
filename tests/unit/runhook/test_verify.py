"""Verification of deliveries: the contract's signature and Standard Webhooks', on genuine, forged and odd ones."""

import base64
import hashlib
import hmac
import time
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from delivery_svc.head import render_head
from runhook.verify import VerificationError, to_whsec, verify_signature, verify_standard_webhook

SECRET = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40
BODY = '{"eventId":"wev_1","webhookName":"Grüße 🙂"}'.encode()
SENT_AT = 1_795_336_343


def delivered(*secrets: str, body: bytes = BODY, seconds: float = SENT_AT) -> Message:
    """The headers of a delivery as delivery_svc signs it; the older secret first."""
    head = render_head([one.encode() for one in secrets], "wev_1", int(seconds * 1e6), body, b"")
    message = Message()
    for line in head.decode().splitlines():
        name, _, value = line.partition(": ")
        message[name] = value
    return message


def test_what_delivery_svc_signs_is_genuine() -> None:
    headers = delivered(SECRET)
    verify_signature(SECRET, BODY, headers["Authorization"])
    verify_standard_webhook(SECRET, headers, BODY, now=SENT_AT)
    verify_standard_webhook(to_whsec(SECRET), headers, BODY, now=SENT_AT + 299)


def test_the_key_is_the_secrets_text_and_not_what_its_digits_spell() -> None:
    assert hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest() == delivered(SECRET)["Authorization"]
    spelled = hmac.new(bytes.fromhex(SECRET), BODY, hashlib.sha256).hexdigest()
    with pytest.raises(VerificationError):
        verify_signature(SECRET, BODY, spelled)


def test_the_vector_of_the_standard_webhooks_libraries_is_genuine() -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    verify_standard_webhook(secret, headers, b'{"test": 2432232314}', now=1614265330)
    with pytest.raises(VerificationError):
        verify_standard_webhook(secret, headers, b'{"test": 2432232315}', now=1614265330)


def test_a_whsec_secret_is_what_other_libraries_take() -> None:
    headers = delivered(SECRET, seconds=time.time())
    assert Webhook(to_whsec(SECRET)).verify(BODY, dict(headers))["eventId"] == "wev_1"
    assert to_whsec(SECRET) == "whsec_" + base64.b64encode(SECRET.encode()).decode()


def test_during_a_rotation_a_receiver_that_knows_both_secrets_takes_either() -> None:
    for living in ([OTHER], [SECRET], [OTHER, SECRET]):
        headers = delivered(*living)
        verify_signature([OTHER, SECRET], BODY, headers["Authorization"])
        verify_standard_webhook([OTHER, SECRET], headers, BODY, now=SENT_AT)


def test_during_a_rotation_standard_webhooks_is_genuine_under_either_secret_alone() -> None:
    headers = delivered(OTHER, SECRET)
    verify_standard_webhook(OTHER, headers, BODY, now=SENT_AT)
    verify_standard_webhook(SECRET, headers, BODY, now=SENT_AT)
    verify_signature(OTHER, BODY, headers["Authorization"])  # the old one
    with pytest.raises(VerificationError):
        verify_signature(SECRET, BODY, headers["Authorization"])


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "a" * 64,
        delivered(OTHER)["Authorization"],
        delivered(SECRET)["Authorization"].upper(),
        "Bearer " + delivered(SECRET)["Authorization"],
        "sha256=" + delivered(SECRET)["Authorization"],
        delivered(SECRET, body=BODY + b" ")["Authorization"],
        "überall",
        "\udcff" * 64,
    ],
)
def test_any_other_authorization_is_refused(authorization: str | None) -> None:
    with pytest.raises(VerificationError):
        verify_signature(SECRET, BODY, authorization)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_standard_webhook_without_one_of_its_headers_is_refused(missing: str) -> None:
    headers = delivered(SECRET)
    del headers[missing]
    with pytest.raises(VerificationError, match=r"missing|no number"):
        verify_standard_webhook(SECRET, headers, BODY, now=SENT_AT)


@pytest.mark.parametrize("now", [SENT_AT + 301, SENT_AT - 301])
def test_a_standard_webhook_of_another_time_is_refused(now: float) -> None:
    with pytest.raises(VerificationError, match="clock"):
        verify_standard_webhook(SECRET, delivered(SECRET), BODY, now=now)
    verify_standard_webhook(SECRET, delivered(SECRET), BODY, now=now, tolerance=302)


@pytest.mark.parametrize(("name", "value"), [("webhook-id", "wev_2"), ("webhook-timestamp", str(SENT_AT + 1))])
def test_id_and_time_of_a_standard_webhook_are_signed(name: str, value: str) -> None:
    headers = dict(delivered(SECRET)) | {name: value}
    with pytest.raises(VerificationError, match="no signature"):
        verify_standard_webhook(SECRET, headers, BODY, now=SENT_AT)


@given(authorization=st.text(), sent_at=st.text() | st.integers().map(str), signature=st.text(), body=st.binary())
def test_a_stranger_can_raise_nothing_but_a_refusal(
    authorization: str, sent_at: str, signature: str, body: bytes
) -> None:
    with pytest.raises(VerificationError):
        verify_signature(SECRET, body, authorization)
    headers = {"Webhook-Id": "wev_1", "WEBHOOK-TIMESTAMP": sent_at, "webhook-signature": "v1," + signature}
    with pytest.raises(VerificationError):
        verify_standard_webhook(SECRET, headers, body, now=SENT_AT)


@pytest.mark.parametrize("secret", ["", [], [SECRET, ""]])
def test_an_empty_secret_is_an_error_of_the_receiver(secret: str | list[str]) -> None:
    signed_by_anybody = hmac.new(b"", BODY, hashlib.sha256).hexdigest()
    with pytest.raises(ValueError, match="empty"):
        verify_signature(secret, BODY, signed_by_anybody)


def test_a_decoded_body_is_an_error_of_the_receiver() -> None:
    with pytest.raises(TypeError, match="raw body"):
        verify_signature(SECRET, BODY.decode(), "a" * 64)  # type: ignore[arg-type]


def test_a_broken_whsec_secret_is_an_error_of_the_receiver() -> None:
    with pytest.raises(ValueError, match="whsec_"):
        verify_standard_webhook("whsec_not base64", delivered(SECRET), BODY, now=SENT_AT)
