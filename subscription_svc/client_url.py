"""Which client_url a subscription may have: one that a request could be sent to, kept to the letter.

Invariant: what passes here the sender can read. Nothing is resolved and nothing normalised: whether an address may be
reached is decided at delivery.
"""

import re
from ipaddress import AddressValueError, IPv6Address

LONGEST = 2048
_URL = re.compile(r"https?://([^/?#]*)", re.IGNORECASE | re.ASCII)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::(.*))?")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,254}}\Z){_LABEL}(?:\.{_LABEL})*\.?")
# Blanks and controls have no place in a URL, and some would end a header line.
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff]")


def complaint(url: str) -> str | None:
    """What is wrong with the URL, in words for its owner; None when nothing is.

    >>> complaint("https://example.com/hook?a=1"), complaint("file:///etc/passwd")
    (None, 'must begin with http:// or https://')
    """
    if not url:
        return "is required: an http or https URL"
    if len(url) > LONGEST:
        return f"must have at most {LONGEST:,} characters"
    if _FORBIDDEN.search(url):
        return "must not hold spaces or control characters"
    begun = _URL.match(url)
    if begun is None:
        return "must begin with http:// or https://"
    return _complaint_of_authority(begun[1])


def _complaint_of_authority(authority: str) -> str | None:
    if "@" in authority:
        return "must not hold a user name or password: Authorization carries the signature"
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None or not _is_host(parts[1]):
        return "must have a valid host: a name (international ones in their xn-- form) or an address (IPv6 in brackets)"
    port = parts[2]
    if port and not (re.fullmatch(r"[0-9]{1,5}", port, re.ASCII) and 1 <= int(port) <= 65535):
        return "must have a port from 1 to 65535, or none"
    return None


def _is_host(text: str) -> bool:
    if not text.startswith("["):
        return _HOST_NAME.fullmatch(text) is not None
    try:
        return IPv6Address(text[1:-1]).scope_id is None
    except AddressValueError:
        return False
