"""Signatures of a delivery: the contract's `Authorization`, computed over the raw body bytes.

Lower-case hex of HMAC-SHA256; the key is the secret's text as bytes, not what its hex digits spell.
"""

import hmac


def authorization(secret: bytes, body: bytes) -> str:
    """The value of the Authorization header: 64 hex characters, bare."""
    return hmac.digest(secret, body, "sha256").hex()
