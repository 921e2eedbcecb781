"""A secret in a header of the owner's choice."""

from trigger_svc.verification.request import Request
from trigger_svc.verification.signature import same_text
from trigger_svc.verification.terms import Terms
from trigger_svc.verification.verdict import Verdict, Verified, invalid, missing


def verify(request: Request, terms: Terms, now: float) -> Verdict:
    """Whether the caller knows the key; a call is known again by an Idempotency-Key, if it has one."""
    given = request.headers.get(terms.api_key_header)
    if not given:
        return missing(terms.api_key_header)
    if not same_text(terms.secrets, given.strip()):
        return invalid(terms.api_key_header)
    return Verified(key=request.headers.get("idempotency-key"))
