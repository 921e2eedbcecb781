"""Basic authentication (RFC 7617): the secret is `name:password`; a password may have colons."""

import base64
import binascii

from trigger_svc.verification.request import Request
from trigger_svc.verification.signature import same_text
from trigger_svc.verification.terms import Terms
from trigger_svc.verification.verdict import Verdict, Verified, invalid, missing

CHALLENGE = 'Basic realm="trigger", charset="UTF-8"'


def verify(request: Request, terms: Terms, now: float) -> Verdict:
    """Whether the caller knows name and password; known again by an Idempotency-Key, if it sends one."""
    given = request.headers.get("authorization")
    if not given:
        return missing("Authorization", CHALLENGE)
    scheme, _, credentials = given.strip().partition(b" ")
    try:
        said = base64.b64decode(credentials.strip(), validate=True)
    except binascii.Error:
        return invalid("Authorization", CHALLENGE)
    if scheme.lower() != b"basic" or not same_text(terms.secrets, said):
        return invalid("Authorization", CHALLENGE)
    return Verified(key=request.headers.get("idempotency-key"))
