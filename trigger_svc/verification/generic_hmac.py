"""An HMAC in a header, as its owner described it: which header, which hash, how it is written, what is signed."""

import base64
import re

from trigger_svc.verification.request import Request
from trigger_svc.verification.signature import any_equal, digests, is_near, seconds_of
from trigger_svc.verification.terms import GenericHmac, Terms
from trigger_svc.verification.verdict import Verdict, Verified, invalid, missing, stale

_PLACES = re.compile(r"(\{body\}|\{timestamp\})")


def verify(request: Request, terms: Terms, now: float) -> Verdict:
    """Whether somebody with a secret signed it. The header may list several signatures, by commas or spaces."""
    how = terms.generic_hmac
    if how is None:  # not agreed on yet: nothing proves anything
        return invalid("the signature")
    value = request.headers.get(how.header)
    if not value:
        return missing(how.header)
    timestamp = b""
    seconds = None
    if "{timestamp}" in how.template:
        timestamp = request.headers.get(how.timestamp_header, b"")
        seconds = seconds_of(timestamp)
        if not timestamp:
            return missing(how.timestamp_header)
        if seconds is None:
            return invalid(how.timestamp_header)
    signed = b"".join(_part(part, request.raw, timestamp) for part in _PLACES.split(how.template))
    expected = [_written(digest, how) for digest in digests(terms.secrets, signed, how.algorithm)]
    listed = [value, *re.split(rb"[,\s]+", value)]
    given = [_bare(one.removeprefix(how.prefix), how) for one in listed if one.startswith(how.prefix)]
    if not any_equal(expected, given):
        return invalid(how.header)
    if seconds is not None and not is_near(seconds, now, terms.tolerance_seconds):
        return stale()
    return Verified()


def _part(part: str, body: bytes, timestamp: bytes) -> bytes:
    return {"{body}": body, "{timestamp}": timestamp}.get(part, part.encode())


def _written(digest: bytes, how: GenericHmac) -> bytes:
    if how.encoding == "hex":
        return digest.hex().encode()
    encode = base64.b64encode if how.encoding == "base64" else base64.urlsafe_b64encode
    return encode(digest).rstrip(b"=")


def _bare(given: bytes, how: GenericHmac) -> bytes:
    """A signature in the one way of writing it that is compared: hex in lower case, base64 without its padding."""
    return given.lower() if how.encoding == "hex" else given.rstrip(b"=")
