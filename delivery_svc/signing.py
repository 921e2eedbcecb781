"""Signatures of a delivery, over the raw body bytes: the contract's `Authorization`, and Standard Webhooks beside it.

The key of both is the signing secret's text as bytes, not what its hex digits spell. While two secrets live,
`Authorization` is made with the older one, since a receiver of the contract knows one; Standard Webhooks carries both.
"""

from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _hashlib import HASH

BLOCK_BYTES = 64


def authorization(secret: bytes, body: bytes) -> str:
    """The value of the Authorization header: 64 lower-case hex characters of HMAC-SHA256, bare."""
    return _hmac(secret, body).hex()


def standard_signature(secrets: Sequence[bytes], event_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: "v1,<base64>" for every secret, separated by blanks.

    Signed is "<event id>.<timestamp>.<body>"; `timestamp` is the attempt's, in whole unix seconds.
    """
    signed = b"%b.%d.%b" % (event_id.encode(), timestamp, body)
    return " ".join(["v1," + b64encode(_hmac(secret, signed)).decode() for secret in secrets])


def _hmac(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104) from hashes that have taken in the key: half of what hmac.digest costs, which looks its
    algorithm up and pads the key anew at every call."""
    inner, outer = _keyed(key)
    hashed = inner.copy()
    hashed.update(message)
    sealed = outer.copy()
    sealed.update(hashed.digest())
    return sealed.digest()


@lru_cache(maxsize=4096)
def _keyed(key: bytes) -> tuple["HASH", "HASH"]:
    block = (key if len(key) <= BLOCK_BYTES else sha256(key).digest()).ljust(BLOCK_BYTES, b"\0")
    return sha256(bytes(byte ^ 0x36 for byte in block)), sha256(bytes(byte ^ 0x5C for byte in block))
