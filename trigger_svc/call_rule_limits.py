"""What a URL may take beyond the documented media types; every bad field is named at once.

Read from the message CallRules as a JSON object, which is how it is kept.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chassis.errors import BadField, InvalidInput
from trigger_svc import media_type as media_types
from trigger_svc.call_rules import CallRules

MOST_MEDIA_TYPES = 20
MOST_PER_SECOND = 10_000.0
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,127}"
_MEDIA_TYPE = re.compile(f"{_TOKEN}/{_TOKEN}")
_WITH_PARAMETERS = re.compile(
    rf"{_TOKEN}/{_TOKEN}( ?; ?{_TOKEN}=({_TOKEN}|\"[\x20\x21\x23-\x5b\x5d-\x7e]{{0,100}}\")){{0,5}}"
)


def bad_fields(rules: Mapping[str, Any]) -> Iterator[BadField]:
    """Every broken rule, with paths such as trigger.call_rules.extra_media_types[2]."""
    extra = rules.get("extra_media_types", [])
    if len(extra) > MOST_MEDIA_TYPES:
        yield BadField("trigger.call_rules.extra_media_types", f"must be at most {MOST_MEDIA_TYPES}")
    for place, media_type in enumerate(extra[:MOST_MEDIA_TYPES]):
        if not _MEDIA_TYPE.fullmatch(media_type) or "*" in media_type or _is_multipart(media_type):
            yield BadField(
                f"trigger.call_rules.extra_media_types[{place}]",
                'must be such as "application/cloudevents+json", without parameters and not multipart',
            )
    assumed = rules.get("assumed_media_type", "")
    if assumed and not _is_taken(assumed, extra):
        yield BadField(
            "trigger.call_rules.assumed_media_type",
            'must be such as "application/json": one of the five that are taken, or of extra_media_types, in a known charset',
        )
    rate = rules.get("rate_per_second", 0.0)
    if not isinstance(rate, int | float) or not 0 <= rate <= MOST_PER_SECOND:
        yield BadField(
            "trigger.call_rules.rate_per_second", f"must be above 0 and at most {MOST_PER_SECOND:,.0f}, or 0"
        )


def _is_taken(assumed: str, extra: Sequence[str]) -> bool:
    """Whether a call that said this itself would be taken."""
    if not _WITH_PARAMETERS.fullmatch(assumed):
        return False
    try:
        media_types.admit(assumed, b"", CallRules(extra_media_types=tuple(one.lower() for one in extra)))
    except InvalidInput:
        return False
    return True


def _is_multipart(media_type: str) -> bool:
    return media_type.lower().startswith("multipart/")
