"""Signatures of a delivery, over the raw body bytes: the contract's `Authorization`, and Standard Webhooks beside it.

The key of both is the signing secret's text as bytes, not what its hex digits spell. While two secrets live,
`Authorization` is made with the older one, since a receiver of the contract knows one; Standard Webhooks carries both.
"""

import hmac
from base64 import b64encode
from collections.abc import Sequence


def authorization(secret: bytes, body: bytes) -> str:
    """The value of the Authorization header: 64 lower-case hex characters of HMAC-SHA256, bare."""
    return hmac.digest(secret, body, "sha256").hex()


def standard_signature(secrets: Sequence[bytes], event_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: "v1,<base64>" for every secret, separated by blanks.

    Signed is "<event id>.<timestamp>.<body>"; `timestamp` is the attempt's, in whole unix seconds.
    """
    signed = b"%b.%d.%b" % (event_id.encode(), timestamp, body)
    return " ".join("v1," + b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in secrets)
