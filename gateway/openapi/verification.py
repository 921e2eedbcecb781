"""How calls are verified and what else a URL takes, as the document has it."""

from collections.abc import Mapping

from gateway.api.verification import PRESETS, CallRulesBody, GenericHmacBody, VerificationBody
from gateway.openapi.derived import request_of
from gateway.openapi.schema import Schema, array, boolean, closed, integer, number, one_of, or_null, ref, string

_PRESET = one_of(*PRESETS)
_HEADER = string(pattern="^[!#$%&'*+.^_`|~0-9A-Za-z-]{0,100}$")
_PRINTABLE = string(pattern="^[ -~]{0,100}$")
_HMAC: dict[str, Schema] = {
    "header": string("Which header has it.", pattern="^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$", examples=["X-Signature"]),
    "prefix": _PRINTABLE | {"description": "What stands before it.", "examples": ["sha256="]},
    "algorithm": one_of("", "sha256", "sha1", "sha512", description="Empty: sha256."),
    "encoding": one_of("", "hex", "base64", "base64url", description="Empty: hex."),
    "template": _PRINTABLE | {"description": "What is signed. Empty: `{body}`.", "examples": ["{timestamp}.{body}"]},
    "timestamp_header": _HEADER | {"description": "Which header has `{timestamp}`.", "examples": ["X-Timestamp"]},
}
_RULES: dict[str, Schema] = {
    "extra_media_types": array(
        string(
            pattern="^[!#$%&'+.^_`|~0-9A-Za-z-]{1,60}/[!#$%&'+.^_`|~0-9A-Za-z-]{1,60}$",
            examples=["application/cloudevents+json"],
        ),
        "Further ones, never multipart.",
        maxItems=20,
    ),
    "assumed_media_type": string(
        "That of a body that names none: one that is taken, in a known charset. Empty: it is refused.", examples=[""]
    ),
    "validate_body": boolean("Whether a body that is not what its media type says is refused."),
    "lenient_encoding": boolean("Whether bytes that are no text are taken, as base64."),
    "accept_compressed": boolean("Whether gzip and deflate are taken."),
    "refuse_while_paused": boolean("Whether calls get 503 while the task or plan is paused."),
    "rate_per_second": number(
        "Most calls a second and pod of trigger_svc. 0: no limit.", minimum=0, maximum=10_000, examples=[0]
    ),
}

SCHEMAS: Mapping[str, Schema] = {
    "GenericHmacRequest": request_of(GenericHmacBody, _HMAC, required=["header"]),
    "GenericHmac": closed(_HMAC),
    "VerificationRequest": request_of(
        VerificationBody,
        {
            "preset": _PRESET,
            "secrets": array(
                string("Never shown again.", minLength=1, maxLength=1024),
                "One, or two while it is changed. Of an update, none keeps those that are there.",
                maxItems=2,
            ),
            "tolerance_seconds": {
                "type": ["integer", "null"],
                "description": "How far a call's timestamp may be from now. Null or absent: 300.",
                "minimum": 1,
                "maximum": 86_400,
            },
            "generic_hmac": or_null(ref("GenericHmacRequest"), "Of preset `generic_hmac`."),
            "api_key_header": _HEADER | {"description": "Of preset `api_key`. Empty: X-Api-Key."},
            "dedupe_header": _HEADER | {"description": "Which header names a call for good. Empty: the preset's."},
        },
    ),
    "Verification": closed(
        {
            "preset": _PRESET,
            "secret_count": integer(minimum=0, maximum=2, examples=[1]),
            "tolerance_seconds": or_null(integer(minimum=1, maximum=86_400, examples=[300])),
            "generic_hmac": or_null(ref("GenericHmac")),
            "api_key_header": _HEADER | {"examples": [""]},
            "dedupe_header": _HEADER | {"examples": [""]},
        },
        "How calls prove whom they are from.",
    ),
    "CallRulesRequest": request_of(CallRulesBody, _RULES),
    "CallRules": closed(_RULES, "What a URL takes beyond the documented media types."),
}
