"""Whether a delivery is genuine: the two signatures that it carries, checked over the raw bytes of its body.

The standard library alone, no I/O. Invariants: secrets are compared in constant time, every secret is tried whichever one
fits, and nothing that a stranger may put into a header raises anything but VerificationError.
"""

import base64
import binascii
import hmac
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

TOLERANCE_SECONDS = 300.0
_PREFIX = "whsec_"


class VerificationError(Exception):
    """The delivery is not signed with any of these secrets, or too old. Answer 401 and forget it."""


class Headers(Protocol):
    """A mapping of header names to values, whatever their case; every framework's object of that name is one."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Names and values."""


def verify_signature(secret: str | Sequence[str], body: bytes, authorization: str | None) -> None:
    """Passes when `authorization`, the header to the letter, is the HMAC-SHA256 of the raw body under one of the secrets.

    VerificationError when it is not, or not there. During a rotation give both secrets.
    """
    if not authorization:
        raise VerificationError("there is no Authorization header: something in front of this receiver takes it away")
    shown = authorization.encode("utf-8", "replace")
    expected = [hmac.digest(key, _raw(body), "sha256").hex().encode() for key in _keys(secret)]
    if not any([hmac.compare_digest(one, shown) for one in expected]):  # a list: none is left out
        raise VerificationError("the Authorization header is not the signature of this body under this secret")


def verify_standard_webhook(
    secret: str | Sequence[str],
    headers: Headers,
    body: bytes,
    *,
    tolerance: float = TOLERANCE_SECONDS,
    now: float | None = None,
) -> None:
    """Passes when one of the signatures in `webhook-signature` (Standard Webhooks) is made with one of the secrets.

    A secret is its 40 characters, or its whsec_ form. VerificationError when none fits, a header is missing, or the attempt
    was sent more than `tolerance` seconds before or after `now` (seconds since 1970; this machine's clock unless given).
    """
    values = {name.lower(): value for name, value in headers.items()}
    event_id, sent_at, signatures = (values.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (event_id and signatures):
        raise VerificationError("webhook-id, webhook-timestamp or webhook-signature is missing")
    if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= 12):
        raise VerificationError("webhook-timestamp is no number of seconds")
    if abs((time.time() if now is None else now) - int(sent_at)) > tolerance:
        raise VerificationError("webhook-timestamp is too far from this machine's clock")
    signed = b".".join((event_id.encode("utf-8", "replace"), sent_at.encode(), _raw(body)))
    expected = [b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256")) for key in _keys(secret)]
    shown = [one.encode("utf-8", "replace") for one in signatures.split(" ")]
    if not any([hmac.compare_digest(mine, theirs) for mine in expected for theirs in shown]):
        raise VerificationError("no signature in webhook-signature is made with this secret")


def to_whsec(secret: str) -> str:
    """The secret as libraries for Standard Webhooks take it: "whsec_" and the base64 of its 40 characters."""
    return _PREFIX + base64.b64encode(secret.encode()).decode()


def _keys(secret: str | Sequence[str]) -> list[bytes]:
    """The HMAC key of each secret. ValueError for an empty one, which anybody could sign with."""
    secrets = [secret] if isinstance(secret, str) else list(secret)
    if not secrets or not all(secrets):
        raise ValueError("the signing secret is empty")
    return [_key(one) for one in secrets]


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("the signing secret is no whsec_ and base64") from error


def _raw(body: bytes) -> bytes:
    """The body as it must be. TypeError for what a framework has decoded: encoding it again need not give the same bytes."""
    if not isinstance(body, bytes | bytearray | memoryview):
        raise TypeError("give the raw body, bytes as they were received")
    return bytes(body)
