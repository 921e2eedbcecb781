"""GitHub: `X-Hub-Signature-256: sha256=<hex>` over the body.

No timestamp; a redelivery has the X-GitHub-Delivery of the first.
"""

from trigger_svc.verification.request import Request
from trigger_svc.verification.signature import any_equal, digests
from trigger_svc.verification.terms import Terms
from trigger_svc.verification.verdict import Verdict, Verified, invalid, missing

HEADER = "X-Hub-Signature-256"


def verify(request: Request, terms: Terms, now: float) -> Verdict:
    """Whether GitHub sent it."""
    given = request.headers.get("x-hub-signature-256")
    if not given:
        return missing(HEADER)
    expected = [b"sha256=" + digest.hex().encode() for digest in digests(terms.secrets, request.raw)]
    if not any_equal(expected, [given]):
        return invalid(HEADER)
    return Verified(key=request.headers.get("x-github-delivery"))
