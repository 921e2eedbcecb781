"""Page tokens: where the next page of a list begins, as text that callers send back and need not understand.

Invariant: there is one token a position, so one that was cut short, made up, or taken from another list is none. It is no
secret and proves nothing: whoever makes one up themselves has named a position in a list that they may read anyway.
"""

import base64
import hashlib

CHECK_BYTES = 6
LARGEST_KEY = 2**63 - 1


def page_token(name: str, *keys: int) -> str:
    """The token of the position behind these keys in the list called `name`."""
    text = ":".join((name, *map(str, keys))).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(text).digest()[:CHECK_BYTES] + text).decode().rstrip("=")


def keys_of(name: str, token: str, count: int) -> tuple[int, ...]:
    """The `count` keys of a token of that list. ValueError when it is none.

    >>> keys_of("accounts", page_token("accounts", 7), 1)
    (7,)
    """
    text = base64.urlsafe_b64decode(token + "==")[CHECK_BYTES:].decode()
    found, *parts = text.split(":")
    keys = tuple(int(part) for part in parts)
    if found != name or len(keys) != count or not all(0 <= key <= LARGEST_KEY for key in keys):
        raise ValueError("a token of another list, or of none")
    # What is decoded leniently is made again and compared.
    if page_token(name, *keys) != token:
        raise ValueError("not the token of this position")
    return keys
