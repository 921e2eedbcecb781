"""Signatures against the packages that receivers use."""

import hashlib
import hmac
from base64 import b64encode
from datetime import UTC, datetime

import pytest
import standardwebhooks
import svix
from hypothesis import given
from hypothesis import strategies as st

from delivery_svc.head import render_head, shown_head
from delivery_svc.signing import authorization, standard_signature

SECRET = b"0123456789abcdef0123456789abcdef01234567"
OTHER = b"76543210fedcba9876543210fedcba9876543210"
EVENT_ID = "wev_2QSUzWMSv40ow7s8n8TfVPVnYua"
BODY = '{"accountId":1,"webhookName":"Straße"}'.encode()


def _headers(secrets: list[bytes]) -> dict[str, str]:
    now = int(datetime.now(UTC).timestamp())
    return {
        "webhook-id": EVENT_ID,
        "webhook-timestamp": str(now),
        "webhook-signature": standard_signature(secrets, EVENT_ID, now, BODY),
    }


def test_authorization_is_bare_lower_case_hex_keyed_with_the_secrets_text() -> None:
    value = authorization(SECRET, BODY)
    assert value == hmac.new(SECRET, BODY, hashlib.sha256).hexdigest()
    assert len(value) == 64
    assert value == value.lower()


@given(st.binary(min_size=1, max_size=200), st.binary(max_size=2000))
def test_every_key_and_body_signs_as_rfc_2104_says(key: bytes, body: bytes) -> None:
    assert authorization(key, body) == hmac.new(key, body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("library", [standardwebhooks.Webhook, svix.Webhook])
@pytest.mark.parametrize("secret", [SECRET, OTHER])
def test_each_of_two_living_secrets_verifies_the_standard_signature(library: type, secret: bytes) -> None:
    webhook = library("whsec_" + b64encode(secret).decode())
    assert webhook.verify(BODY, _headers([SECRET, OTHER]))["accountId"] == 1


@pytest.mark.parametrize(
    ("library", "refusal"),
    [
        (standardwebhooks.Webhook, standardwebhooks.WebhookVerificationError),
        (svix.Webhook, svix.WebhookVerificationError),
    ],
)
def test_a_secret_that_does_not_live_verifies_nothing(library: type, refusal: type[Exception]) -> None:
    webhook = library("whsec_" + b64encode(OTHER).decode())
    with pytest.raises(refusal):
        webhook.verify(BODY, _headers([SECRET]))


def test_what_is_shown_of_a_head_is_what_was_sent_but_for_what_is_secret() -> None:
    began_us = 1_700_000_000_900_000
    sent = render_head([SECRET], EVENT_ID, began_us, BODY, b"X-Api-Key: hidden\r\n").decode()
    for name, value in shown_head(EVENT_ID, began_us, len(BODY)):
        if name != "Content-Length":
            assert f"{name}: " in sent if value == "***" else f"{name}: {value}\r\n" in sent
    assert "hidden" not in str(shown_head(EVENT_ID, began_us, len(BODY)))
    assert sent.endswith("X-Api-Key: hidden\r\n")
