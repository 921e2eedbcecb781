"""What a trigger's owner agreed on about its calls, read from its row: protobuf JSON of Verification and CallRules.

Strict: what cannot be read whole is an error and never a trigger that verifies less.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format

from runhook.trigger.v1 import trigger_pb2
from trigger_svc.call_rules import CallRules
from trigger_svc.verification.terms import TOLERANCE_SECONDS, GenericHmac, Terms
from trigger_svc.verification.verify import PRESETS

NO_RULES = CallRules()
NO_TERMS = Terms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """`rules` for what is taken, `terms` for whom from."""

    rules: CallRules = NO_RULES
    terms: Terms = NO_TERMS


def read(verification: str | None, call_rules: str | None, secrets: Sequence[bytes]) -> Agreement:
    """The agreement of a row. ValueError when it cannot be read."""
    try:
        return Agreement(
            rules=_rules(call_rules) if call_rules else NO_RULES,
            terms=_terms(verification, secrets) if verification else NO_TERMS,
        )
    except json_format.ParseError as error:
        raise ValueError(str(error)) from None


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found


def _rules(text: str) -> CallRules:
    message = json_format.ParseDict(_object(text), trigger_pb2.CallRules())
    return CallRules(
        extra_media_types=tuple(one.lower() for one in message.extra_media_types),
        assumed_media_type=message.assumed_media_type,
        validate_body=message.validate_body,
        lenient_encoding=message.lenient_encoding,
        accept_compressed=message.accept_compressed,
        refuse_while_paused=message.refuse_while_paused,
        rate_per_second=message.rate_per_second,
    )


def _terms(text: str, secrets: Sequence[bytes]) -> Terms:
    message = json_format.ParseDict(_object(text), trigger_pb2.Verification())
    preset = trigger_pb2.VerificationPreset.Name(message.preset).removeprefix("VERIFICATION_PRESET_").lower()
    preset = "none" if preset == "unspecified" else preset
    if preset not in PRESETS:
        raise ValueError(f"no preset {preset}")
    return Terms(
        preset=preset,
        secrets=tuple(secrets),
        tolerance_seconds=message.tolerance.ToTimedelta().total_seconds() or TOLERANCE_SECONDS,
        generic_hmac=_generic_hmac(message.generic_hmac) if message.HasField("generic_hmac") else None,
        api_key_header=(message.api_key_header or "X-Api-Key").lower(),
        dedupe_header=message.dedupe_header.lower(),
    )


def _generic_hmac(message: trigger_pb2.GenericHmac) -> GenericHmac:
    return GenericHmac(
        header=message.header.lower(),
        prefix=message.prefix.encode(),
        algorithm=message.algorithm or "sha256",
        encoding=message.encoding or "hex",
        template=message.template or "{body}",
        timestamp_header=message.timestamp_header.lower(),
    )
