"""What comes of verifying a call. Invariant: a refusal says which rule was broken and never what would have been right."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer with status 200 that a sender expects in place of 204."""

    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The call is from whom it says. `key` is the sender's own name for it, if it has one; `reply` is what it expects."""

    key: bytes | None = None
    reply: Reply | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """A question of the sender, verified, that is answered and is no call."""

    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The call proves nothing: SIGNATURE_MISSING, SIGNATURE_INVALID or TIMESTAMP_STALE; `challenge` is a WWW-Authenticate."""

    reason: str
    message: str
    challenge: str = ""


Verdict = Verified | Handshake | Refused


def missing(header: str, challenge: str = "") -> Refused:
    """The proof is not there."""
    return Refused(reason="SIGNATURE_MISSING", message=f"send the header {header}", challenge=challenge)


def invalid(header: str, challenge: str = "") -> Refused:
    """The proof is there and proves nothing."""
    return Refused(
        reason="SIGNATURE_INVALID",
        message=f"{header} does not go with this trigger's secret and the bytes of the call",
        challenge=challenge,
    )


def stale() -> Refused:
    """The signature is good and too old, or of a time to come."""
    return Refused(
        reason="TIMESTAMP_STALE",
        message="the signed timestamp is too far from the time here: sign the call when you send it",
    )
