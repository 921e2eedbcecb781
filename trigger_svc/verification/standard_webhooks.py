"""Standard Webhooks, and Svix before it: `webhook-signature` (or svix-...) lists signatures over `<id>.<timestamp>.<body>`.

v1,<base64>   HMAC-SHA256; the secret is `whsec_` and base64
v1a,<base64>  Ed25519; the secret is the sender's public key, `whpk_` and base64
"""

import base64
import binascii
from collections.abc import Iterable, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from trigger_svc.verification.request import Request
from trigger_svc.verification.signature import any_equal, digests, is_near, seconds_of
from trigger_svc.verification.terms import Terms
from trigger_svc.verification.verdict import Verdict, Verified, invalid, missing, stale

#: An Ed25519 signature costs a tenth of a millisecond to check; a header has room for hundreds.
MOST_PUBLIC_SIGNATURES = 10


def verify(request: Request, terms: Terms, now: float) -> Verdict:
    """Whether the sender that we share a secret with sent it; known again by its id."""
    family = "webhook" if "webhook-signature" in request.headers else "svix"
    parts = []
    for name in ("id", "timestamp", "signature"):
        value = request.headers.get(f"{family}-{name}")
        if not value:
            return missing(f"webhook-{name}")
        parts.append(value)
    message_id, timestamp, listed = parts
    seconds = seconds_of(timestamp)
    signed = b".".join((message_id, timestamp, request.raw))
    if seconds is None or not _is_signed(terms.secrets, signed, listed.split()):
        return invalid("webhook-signature")
    if not is_near(seconds, now, terms.tolerance_seconds):
        return stale()
    return Verified(key=message_id)


def _is_signed(secrets: Sequence[bytes], signed: bytes, listed: Iterable[bytes]) -> bool:
    pairs = [one.partition(b",") for one in listed]
    given = [value for version, _, value in pairs if version == b"v1"]
    public = [value for version, _, value in pairs if version == b"v1a"][:MOST_PUBLIC_SIGNATURES]
    keys = [_decoded(one.removeprefix(b"whsec_")) for one in secrets if not one.startswith(b"whpk_")]
    expected = [base64.b64encode(digest) for digest in digests([key for key in keys if key], signed)]
    found = any_equal(expected, given)
    for secret in secrets:
        if secret.startswith(b"whpk_"):
            found |= any(_is_signed_by(secret, signed, one) for one in public)
    return found


def _is_signed_by(public_key: bytes, signed: bytes, given: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(_decoded(public_key.removeprefix(b"whpk_"))).verify(_decoded(given), signed)
    except (ValueError, InvalidSignature):
        return False
    return True


def _decoded(text: bytes) -> bytes:
    """Base64 with or without its padding; empty when it is none."""
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return b""
