"""Deliveries that senders document, and vectors of the standards that they follow, prove themselves; a changed one does not.

Sources:
  GitHub            docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries: the values to test with
  Slack             api.slack.com/docs/verifying-requests-from-slack: the worked example
  Stripe            rubydoc.info/gems/stripe/Stripe/Webhook/Signature: the scheme; they publish no vector, so it is signed here
  Standard Webhooks the vector that the specification's libraries share in their tests (msg_p5jXN8AQM9LWM0D4loKWxJek)
  HMAC              RFC 4231 section 4.3 (SHA-256, SHA-512), RFC 2202 section 3 (SHA-1): test case 2 each
  Basic             RFC 7617 sections 2 and 2.1
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from trigger_svc.verification.request import Request
from trigger_svc.verification.terms import GenericHmac, Terms
from trigger_svc.verification.verdict import Refused, Verified
from trigger_svc.verification.verify import verify


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A delivery, whom it is from, when, and the sender's own name for it."""

    terms: Terms
    headers: Mapping[str, bytes]
    body: bytes = b""
    now: float = 0.0
    key: bytes | None = None
    proofs: frozenset[str] = field(default_factory=frozenset)

    @property
    def request(self) -> Request:
        return Request(headers=self.headers, raw=self.body, body=self.body)


def _terms(preset: str, *secrets: str, **more: object) -> Terms:
    return replace(Terms(preset=preset, secrets=tuple(one.encode() for one in secrets)), **more)  # type: ignore[arg-type]


def _hmac(**how: object) -> Terms:
    return _terms("generic_hmac", "Jefe", generic_hmac=GenericHmac(header="x-signature", **how))  # type: ignore[arg-type]


SLACK = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
STRIPE = b'{"id":"evt_1MqqbKLt4dXK03v5qaIbiNCC","object":"event","type":"customer.created"}'
STRIPE_SECRET = "whsec_test_secret"
STRIPE_V1 = hmac.new(STRIPE_SECRET.encode(), b"1492774577." + STRIPE, hashlib.sha256).hexdigest().encode()
JEFE = b"what do ya want for nothing?"
SAMPLES = {
    "github": Sample(
        terms=_terms("github", "It's a Secret to Everybody"),
        headers={
            "x-hub-signature-256": b"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            "x-github-delivery": b"72d3162e-cc78-11e3-81ab-4c9367dc0958",
        },
        body=b"Hello, World!",
        key=b"72d3162e-cc78-11e3-81ab-4c9367dc0958",
        proofs=frozenset({"x-hub-signature-256"}),
    ),
    "slack": Sample(
        terms=_terms("slack", "8f742231b10e8888abcd99yyyzzz85a5"),
        headers={
            "x-slack-signature": b"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
            "x-slack-request-timestamp": b"1531420618",
        },
        body=SLACK,
        now=1531420618.0,
        proofs=frozenset({"x-slack-signature", "x-slack-request-timestamp"}),
    ),
    "stripe": Sample(
        terms=_terms("stripe", STRIPE_SECRET),
        # Two of v1 while the secret is rolled, and a v0, as their page shows.
        headers={"stripe-signature": b"t=1492774577,v1=" + b"5" * 64 + b",v1=" + STRIPE_V1 + b",v0=" + b"6" * 64},
        body=STRIPE,
        now=1492774577.0,
        key=b"evt_1MqqbKLt4dXK03v5qaIbiNCC",
        proofs=frozenset({"stripe-signature"}),
    ),
    "standard_webhooks": Sample(
        terms=_terms("standard_webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        headers={
            "webhook-id": b"msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": b"1614265330",
            "webhook-signature": b"v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,x "
            b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        },
        body=b'{"test": 2432232314}',
        now=1614265330.0,
        key=b"msg_p5jXN8AQM9LWM0D4loKWxJek",
        proofs=frozenset({"webhook-id", "webhook-timestamp", "webhook-signature"}),
    ),
    "svix": Sample(
        terms=_terms("standard_webhooks", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        headers={
            "svix-id": b"msg_p5jXN8AQM9LWM0D4loKWxJek",
            "svix-timestamp": b"1614265330",
            "svix-signature": b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        },
        body=b'{"test": 2432232314}',
        now=1614265330.0,
        key=b"msg_p5jXN8AQM9LWM0D4loKWxJek",
        proofs=frozenset({"svix-id", "svix-timestamp", "svix-signature"}),
    ),
    "hmac-sha256": Sample(
        terms=_hmac(prefix=b"sha256="),
        headers={"x-signature": b"sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        body=JEFE,
        proofs=frozenset({"x-signature"}),
    ),
    "hmac-sha1-upper-case": Sample(
        terms=_hmac(algorithm="sha1"),
        headers={"x-signature": b"EFFCDF6AE5EB2FA2D27416D5F184DF9C259A7C79"},
        body=JEFE,
        proofs=frozenset({"x-signature"}),
    ),
    "hmac-sha512-base64": Sample(
        terms=_hmac(algorithm="sha512", encoding="base64"),
        # RFC 4231's bytes in base64, second of a list, without padding.
        headers={
            "x-signature": b"bm8=, "
            b"Fkt6e/z4GeLjlfvnO1bgo4e9ZCIugx/WECcM1+olBVSXWL91wFqZSm0DT2X48Ob9yuqxo01Ka0tjbgcKOLznNw"
        },
        body=JEFE,
        proofs=frozenset({"x-signature"}),
    ),
    "basic": Sample(
        terms=_terms("basic", "Aladdin:open sesame"),
        headers={"authorization": b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "idempotency-key": b"7"},
        key=b"7",
        proofs=frozenset({"authorization"}),
    ),
    "basic-utf-8": Sample(
        terms=_terms("basic", "test:123£"),
        headers={"authorization": b"basic dGVzdDoxMjPCow=="},
        proofs=frozenset({"authorization"}),
    ),
    "api-key": Sample(
        terms=_terms("api_key", "s3cret"), headers={"x-api-key": b"s3cret"}, proofs=frozenset({"x-api-key"})
    ),
}


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_a_documented_delivery_is_verified(sample: Sample) -> None:
    assert verify(sample.request, sample.terms, sample.now) == Verified(key=sample.key)


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_it_is_verified_by_either_of_two_living_secrets(sample: Sample) -> None:
    [secret] = sample.terms.secrets
    for secrets in ((b"another:one", secret), (secret, b"another:one")):
        assert isinstance(verify(sample.request, replace(sample.terms, secrets=secrets), sample.now), Verified)


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_it_is_refused_under_another_secret_or_none(sample: Sample) -> None:
    for secrets in ((), (b"another:one",), (b"another:one", b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx")):
        assert _reason(sample, terms=replace(sample.terms, secrets=secrets)) == "SIGNATURE_INVALID"


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_it_is_refused_once_any_byte_of_what_is_signed_is_another(sample: Sample) -> None:
    if sample.body:
        for place in (0, len(sample.body) // 2, len(sample.body) - 1):
            changed = bytearray(sample.body)
            changed[place] ^= 1
            assert _reason(sample, body=bytes(changed)) == "SIGNATURE_INVALID"
        assert _reason(sample, body=sample.body + b"\n") == "SIGNATURE_INVALID"
    for name in sample.proofs:
        value = sample.headers[name]
        for other in (value[:-8], value[::-1], b"\xff\x00", b",", b"=", b" ", value + b", " + value[:4]):
            if name.endswith("signature-256") or name in ("authorization", "webhook-id", "svix-id"):
                headers = {**sample.headers, name: other}
                assert _reason(sample, headers=headers) == "SIGNATURE_INVALID", (name, other)


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_it_is_refused_without_its_proof(sample: Sample) -> None:
    for name in sample.proofs:
        for headers in ({k: v for k, v in sample.headers.items() if k != name}, {**sample.headers, name: b""}):
            assert _reason(sample, headers=headers) == "SIGNATURE_MISSING"


@pytest.mark.parametrize("name", ["slack", "stripe", "standard_webhooks", "svix"])
def test_a_timestamp_is_good_within_the_tolerance_on_both_sides(name: str) -> None:
    sample = SAMPLES[name]
    for seconds in (-300, -299, 0, 299, 300):
        assert isinstance(verify(sample.request, sample.terms, sample.now + seconds), Verified)
    for seconds in (-86_400, -301, 301, 86_400):
        assert _reason(sample, now=sample.now + seconds) == "TIMESTAMP_STALE"
    narrow = replace(sample.terms, tolerance_seconds=1.0)
    assert _reason(sample, terms=narrow, now=sample.now + 2) == "TIMESTAMP_STALE"


@pytest.mark.parametrize("name", ["github", "hmac-sha256", "basic", "api-key"])
def test_what_has_no_timestamp_never_grows_stale(name: str) -> None:
    sample = SAMPLES[name]
    assert isinstance(verify(sample.request, sample.terms, 1e10), Verified)


def test_basic_says_how_to_authenticate() -> None:
    sample = SAMPLES["basic"]
    refused = verify(replace(sample, headers={}).request, sample.terms, 0.0)
    assert isinstance(refused, Refused)
    assert refused.challenge == 'Basic realm="trigger", charset="UTF-8"'


def _reason(sample: Sample, **changes: object) -> str:
    changed = replace(sample, **changes)  # type: ignore[arg-type]
    verdict = verify(changed.request, changed.terms, changed.now)
    assert isinstance(verdict, Refused), verdict
    return verdict.reason
