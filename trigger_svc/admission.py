"""Which calls a trigger takes, and as what: the checks that need no database, in the contract's order.

Size, media type, content coding, verification, handshake, charset, and what the body must be. Nothing is read of a call that
has not been verified but its head; the coding is taken off within its bounds before.
"""

from dataclasses import dataclass

from chassis.errors import BadField, InvalidInput
from trigger_svc import media_type as media_types
from trigger_svc.agreement import Agreement
from trigger_svc.call import Call
from trigger_svc.call_rules import CallRules
from trigger_svc.content_coding import decoded
from trigger_svc.element import added_bytes, element_of_bytes, element_of_text
from trigger_svc.media_type import FORM, parse
from trigger_svc.refusal import Unverified, too_large
from trigger_svc.verification.request import Request
from trigger_svc.verification.terms import Terms
from trigger_svc.verification.verdict import Handshake, Refused, Reply, Verified
from trigger_svc.verification.verify import dedupe_key, verify
from trigger_svc.well_formed import is_form, is_json, is_xml
from trigger_svc.window import EMPTY_PAYLOAD_BYTES, LARGEST_BODY


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a token leads: a trigger, what its windows may hold in bytes, how its calls are read and agreed on.

    `generation` is the token's; `rejects`: whether a full queue of its task or plan opens no window.
    """

    trigger_id: int
    generation: int
    version: int
    max_bytes: int
    data_mode: str
    rejects: bool
    agreement: Agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A call that is taken unless the database knows better: as what, and what it adds to a payload in bytes."""

    media_type: str
    body: bytes
    size: int
    dedupe_key: bytes | None
    reply: Reply | None


def admit(call: Call, target: Target, now: float) -> Admitted | Handshake:
    """What comes of a call at unix time `now`. InvalidInput, ResourceExhausted (too large), Unverified."""
    rules = target.agreement.rules
    if len(call.body) > LARGEST_BODY:
        raise too_large(LARGEST_BODY)
    media_type = media_types.admit(call.media_type, call.body, rules)
    coding = call.headers.get("content-encoding", b"")
    body = decoded(coding, call.body, accepted=rules.accept_compressed, most=LARGEST_BODY)
    verdict = _verify(call, body, target.agreement.terms, now)
    if isinstance(verdict, Handshake):
        return verdict
    size = _size(media_type, body, rules, target.data_mode)
    if EMPTY_PAYLOAD_BYTES + size > target.max_bytes:
        raise too_large(target.max_bytes)
    return Admitted(media_type=media_type, body=body, size=size, dedupe_key=dedupe_key(verdict), reply=verdict.reply)


def _verify(call: Call, body: bytes, terms: Terms, now: float) -> Verified | Handshake:
    verdict = verify(Request(headers=call.headers, raw=call.body, body=body), terms, now)
    if isinstance(verdict, Refused):
        raise Unverified(verdict)
    return verdict


def _size(media_type: str, body: bytes, rules: CallRules, data_mode: str) -> int:
    try:
        text = media_types.text_of(media_type, body)
    except InvalidInput as error:
        if rules.lenient_encoding and not rules.validate_body and error.reason == "ENCODING_INVALID":
            return added_bytes(element_of_bytes(media_type, body))
        raise
    if rules.validate_body and body and not _is_what_it_says(media_type, text):
        bad = BadField(
            "body", "is not what its media type says: send well-formed JSON, XML (without a DTD) or form data"
        )
        raise InvalidInput([bad], reason="BODY_INVALID")
    return added_bytes(element_of_text(media_type, text, data_mode))


def _is_what_it_says(header: str, text: str) -> bool:
    media_type = parse(header)
    if media_type.is_json:
        return is_json(text)
    if media_type.is_xml:
        return is_xml(text)
    return media_type.essence != FORM or is_form(text)
