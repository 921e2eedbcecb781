"""Slack: `X-Slack-Signature: v0=<hex>` over `v0:<X-Slack-Request-Timestamp>:<body>`.

When a URL is set up it asks `url_verification` and wants the challenge back.
"""

import json

from trigger_svc.verification.request import Request
from trigger_svc.verification.signature import any_equal, digests, is_near, object_of, seconds_of
from trigger_svc.verification.terms import Terms
from trigger_svc.verification.verdict import Handshake, Reply, Verdict, Verified, invalid, missing, stale

HEADER = "X-Slack-Signature"
TIMESTAMP = "X-Slack-Request-Timestamp"


def verify(request: Request, terms: Terms, now: float) -> Verdict:
    """Whether Slack sent it; an event is known again by its event_id, which a retry keeps."""
    given = request.headers.get("x-slack-signature")
    timestamp = request.headers.get("x-slack-request-timestamp")
    if not given:
        return missing(HEADER)
    if not timestamp:
        return missing(TIMESTAMP)
    seconds = seconds_of(timestamp)
    signed = b":".join((b"v0", timestamp, request.raw))
    expected = [b"v0=" + digest.hex().encode() for digest in digests(terms.secrets, signed)]
    if seconds is None or not any_equal(expected, [given]):
        return invalid(HEADER)
    if not is_near(seconds, now, terms.tolerance_seconds):
        return stale()
    return _said(request.body)


def _said(body: bytes) -> Verdict:
    said = object_of(body)
    challenge = said.get("challenge")
    if said.get("type") == "url_verification" and isinstance(challenge, str):
        answer = json.dumps({"challenge": challenge}).encode()
        return Handshake(reply=Reply(media_type="application/json", body=answer))
    event_id = said.get("event_id")
    return Verified(key=event_id.encode(errors="surrogatepass") if isinstance(event_id, str) else None)
