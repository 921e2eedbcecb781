"""A signing secret: 40 lower-case hex characters, whose text (not the 20 bytes it spells) is the HMAC key.

Invariant: it leaves the service once, in the answer that made it; at rest it is sealed and bound to its subscription.
"""

import secrets


def new_secret() -> str:
    """160 random bits in the form that receivers in the wild know."""
    return secrets.token_hex(20)


def row_name(subscription_id: int) -> str:
    """What the sealed secret is bound to; delivery_svc opens it under the same name."""
    return f"signing_secret:{subscription_id}"
