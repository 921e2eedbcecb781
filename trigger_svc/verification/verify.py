"""Verifies a call by its trigger's terms. Invariant: of a call that is not verified nothing has been read but its head."""

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from trigger_svc.verification import (
    api_key,
    basic,
    generic_hmac,
    github,
    salesforce,
    slack,
    standard_webhooks,
    stripe,
)
from trigger_svc.verification.request import Request
from trigger_svc.verification.terms import Terms
from trigger_svc.verification.verdict import Verdict, Verified


def _unverified(request: Request, terms: Terms, now: float) -> Verdict:
    return Verified()


PRESETS: Mapping[str, Callable[[Request, Terms, float], Verdict]] = MappingProxyType(
    {
        "none": _unverified,
        "github": github.verify,
        "stripe": stripe.verify,
        "slack": slack.verify,
        "standard_webhooks": standard_webhooks.verify,
        "generic_hmac": generic_hmac.verify,
        "basic": basic.verify,
        "api_key": api_key.verify,
        "salesforce": salesforce.verify,
    }
)


def verify(request: Request, terms: Terms, now: float) -> Verdict:
    """What comes of a call at unix time `now`, with the sender's own name for it (the agreed header's, where there is one)."""
    verdict = PRESETS[terms.preset](request, terms, now)
    if isinstance(verdict, Verified) and terms.dedupe_header:
        return Verified(key=request.headers.get(terms.dedupe_header), reply=verdict.reply)
    return verdict


def dedupe_key(verified: Verified) -> bytes | None:
    """The 32 bytes that a call is known by again; None when its sender does not name it."""
    return hashlib.sha256(verified.key).digest() if verified.key else None
