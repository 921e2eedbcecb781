"""How a webhook's calls are verified and what else its URL takes, in JSON. Invariant: secrets come in and never go out."""

from typing import Literal

from google.protobuf.duration_pb2 import Duration
from pydantic import Field

from gateway.numbers import Real
from gateway.shapes import Int32, Shape, Some
from runhook.trigger.v1.trigger_pb2 import CallRules, GenericHmac, Verification, VerificationPreset

PRESETS = (
    *("none", "github", "stripe", "slack", "standard_webhooks", "generic_hmac", "basic", "api_key", "salesforce"),
)
#: In the place of a 0, which protobuf takes for unset: the service does not take it.
_REFUSED = -1


class GenericHmacBody(Shape):
    """An HMAC in a header; what is empty is the service's default."""

    header: str = ""
    prefix: str = ""
    algorithm: str = ""
    encoding: str = ""
    template: str = ""
    timestamp_header: str = ""


class VerificationBody(Shape):
    """Whose way to sign, and what was agreed on. An update without secrets keeps those that are there."""

    preset: Literal[
        "none", "github", "stripe", "slack", "standard_webhooks", "generic_hmac", "basic", "api_key", "salesforce"
    ] = "none"
    secrets: Some[str] = Field(default_factory=list, repr=False)
    tolerance_seconds: Int32 | None = None
    generic_hmac: GenericHmacBody | None = None
    api_key_header: str = ""
    dedupe_header: str = ""


class CallRulesBody(Shape):
    """What the URL takes beyond the documented media types."""

    extra_media_types: Some[str] = Field(default_factory=list)
    assumed_media_type: str = ""
    validate_body: bool = False
    lenient_encoding: bool = False
    accept_compressed: bool = False
    refuse_while_paused: bool = False
    rate_per_second: Real = 0.0


def verification(body: VerificationBody | None) -> Verification | None:
    """What is asked for."""
    if body is None:
        return None
    seconds = body.tolerance_seconds
    hmac = body.generic_hmac
    return Verification(
        preset=VerificationPreset.Value(f"VERIFICATION_PRESET_{body.preset.upper()}"),
        secrets=body.secrets,
        tolerance=None if seconds is None else Duration(seconds=seconds or _REFUSED),
        generic_hmac=None if hmac is None else GenericHmac(**hmac.model_dump()),
        api_key_header=body.api_key_header,
        dedupe_header=body.dedupe_header,
    )


def shown_verification(message: Verification) -> dict[str, object]:
    """What was agreed on, but for the secrets."""
    hmac = message.generic_hmac if message.HasField("generic_hmac") else None
    preset = VerificationPreset.Name(message.preset).removeprefix("VERIFICATION_PRESET_").lower()
    return {
        "preset": "none" if preset == "unspecified" else preset,
        "secret_count": message.secret_count,
        "tolerance_seconds": message.tolerance.seconds if message.HasField("tolerance") else None,
        "generic_hmac": None if hmac is None else {name: getattr(hmac, name) for name in GenericHmacBody.model_fields},
        "api_key_header": message.api_key_header,
        "dedupe_header": message.dedupe_header,
    }


def call_rules(body: CallRulesBody | None) -> CallRules | None:
    """What is asked for."""
    return None if body is None else CallRules(**body.model_dump())


def shown_call_rules(message: CallRules) -> dict[str, object]:
    """What the URL takes."""
    shown: dict[str, object] = {name: getattr(message, name) for name in CallRulesBody.model_fields}
    return shown | {"extra_media_types": list(message.extra_media_types)}
