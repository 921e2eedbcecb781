"""What a trigger's URL takes beyond the five documented media types; the fields are those of the message CallRules."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRules:
    """Media types are in lower case; `rate_per_second` 0 means no limit. What they may be says call_rule_limits.py."""

    extra_media_types: tuple[str, ...] = ()
    assumed_media_type: str = ""
    validate_body: bool = False
    lenient_encoding: bool = False
    accept_compressed: bool = False
    refuse_while_paused: bool = False
    rate_per_second: float = 0.0
