"""Stripe: `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=...]` over `<t>.<body>`.

Several v1 while a secret is rolled; other versions, such as v0, prove nothing.
"""

from trigger_svc.verification.request import Request
from trigger_svc.verification.signature import any_equal, digests, id_in, is_near, seconds_of
from trigger_svc.verification.terms import Terms
from trigger_svc.verification.verdict import Verdict, Verified, invalid, missing, stale

HEADER = "Stripe-Signature"


def verify(request: Request, terms: Terms, now: float) -> Verdict:
    """Whether Stripe sent it; known again by the event's id."""
    header = request.headers.get("stripe-signature")
    if not header:
        return missing(HEADER)
    pairs = [part.strip().partition(b"=") for part in header.split(b",")]
    times = [value for name, _, value in pairs if name == b"t"]
    given = [value for name, _, value in pairs if name == b"v1"]
    seconds = seconds_of(times[0]) if len(times) == 1 else None
    if seconds is None:
        return invalid(HEADER)
    expected = [digest.hex().encode() for digest in digests(terms.secrets, times[0] + b"." + request.raw)]
    if not any_equal(expected, given):
        return invalid(HEADER)
    if not is_near(seconds, now, terms.tolerance_seconds):
        return stale()
    return Verified(key=id_in(request.body, "id"))
