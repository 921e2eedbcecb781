"""What may be agreed on with a sender; every bad field is named at once.

Read from the message Verification as a JSON object, which is how it is kept: secrets are never in it. What is agreed on is
carried out in verification/.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chassis.errors import BadField

PRESETS = (
    *("none", "github", "stripe", "slack", "standard_webhooks", "generic_hmac", "basic", "api_key", "salesforce"),
)
UNSIGNED = ("none", "salesforce")
ALGORITHMS = ("", "sha256", "sha1", "sha512")
ENCODINGS = ("", "hex", "base64", "base64url")
MOST_SECRETS = 2
LONGEST_SECRET = 1_024
LONGEST_TOLERANCE = 86_400
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_PRINTABLE = re.compile(r"[\x20-\x7e]{0,100}")
_PLACE = re.compile(r"\{[^{}]*\}")
_PREFIX = "VERIFICATION_PRESET_"


def preset_of(verification: Mapping[str, Any]) -> str:
    """Whose way it is, in lower case; "none" when it is not said, "unknown" for a number without a name."""
    value = verification.get("preset", f"{_PREFIX}NONE")
    preset = str(value).removeprefix(_PREFIX).lower()
    return "none" if preset == "unspecified" else preset if preset in PRESETS else "unknown"


def needs_secret(verification: Mapping[str, Any]) -> bool:
    """Whether a call proves itself with something that was agreed on."""
    return preset_of(verification) not in UNSIGNED


def bad_fields(verification: Mapping[str, Any]) -> Iterator[BadField]:
    """Every broken rule but those of secrets, with paths such as trigger.verification.tolerance."""
    preset = preset_of(verification)
    if preset == "unknown":
        yield BadField("trigger.verification.preset", "must be one of the presets")
    if "tolerance" in verification:
        seconds = float(str(verification["tolerance"]).rstrip("s"))
        if not 1 <= seconds <= LONGEST_TOLERANCE:
            yield BadField("trigger.verification.tolerance", "must be 1 second to a day")
    hmac = verification.get("generic_hmac")
    if preset == "generic_hmac":
        yield from _bad_hmac(hmac or {})
    elif hmac is not None:
        yield BadField("trigger.verification.generic_hmac", "is of GENERIC_HMAC alone: leave it out")
    if "api_key_header" in verification and preset != "api_key":
        yield BadField("trigger.verification.api_key_header", "is of API_KEY alone: leave it out")
    for name in ("api_key_header", "dedupe_header"):
        if name in verification and not _HEADER.fullmatch(verification[name]):
            yield BadField(f"trigger.verification.{name}", "must be the name of a header, at most 100 characters")


def bad_secrets(verification: Mapping[str, Any], secrets: Sequence[str]) -> Iterator[BadField]:
    """Every broken rule of the secrets, with paths such as trigger.verification.secrets[1]; none is told."""
    path = "trigger.verification.secrets"
    if not needs_secret(verification):
        if secrets:
            yield BadField(path, "must be empty: nothing is signed")
        return
    if not 1 <= len(secrets) <= MOST_SECRETS:
        yield BadField(path, "must be one, or two while it is changed")
    for place, secret in enumerate(secrets[:MOST_SECRETS]):
        wrong = _wrong_secret(preset_of(verification), secret)
        if wrong:
            yield BadField(f"{path}[{place}]", wrong)


def _bad_hmac(hmac: Mapping[str, Any]) -> Iterator[BadField]:
    path = "trigger.verification.generic_hmac"
    if not _HEADER.fullmatch(hmac.get("header", "")):
        yield BadField(f"{path}.header", "must be the name of a header, at most 100 characters")
    if not _PRINTABLE.fullmatch(hmac.get("prefix", "")):
        yield BadField(f"{path}.prefix", "must be at most 100 printable ASCII characters")
    if hmac.get("algorithm", "") not in ALGORITHMS:
        yield BadField(f"{path}.algorithm", "must be sha256, sha1 or sha512")
    if hmac.get("encoding", "") not in ENCODINGS:
        yield BadField(f"{path}.encoding", "must be hex, base64 or base64url")
    template = hmac.get("template", "") or "{body}"
    places = _PLACE.findall(template)
    if not _PRINTABLE.fullmatch(template) or places.count("{body}") != 1 or set(places) - {"{body}", "{timestamp}"}:
        yield BadField(
            f"{path}.template", 'must have "{body}" once, and no other place but "{timestamp}", in printable ASCII'
        )
    header = hmac.get("timestamp_header", "")
    if ("{timestamp}" in places or header) and not _HEADER.fullmatch(header):
        yield BadField(f"{path}.timestamp_header", "must be the name of a header: the template has a timestamp")


def _wrong_secret(preset: str, secret: str) -> str:
    if not 1 <= len(secret) <= LONGEST_SECRET:
        return f"must be 1 to {LONGEST_SECRET:,} characters"
    if "\x00" in secret or not secret.isprintable():
        return "must be printable characters"
    if preset == "basic" and ":" not in secret:
        return 'must be "name:password"'
    if preset == "api_key" and (not secret.isascii() or secret.strip() != secret):
        return "must be what fits a header: ASCII without a space at its ends"
    if preset == "standard_webhooks" and not _is_standard(secret):
        return 'must be "whsec_" and base64 of 24 to 64 bytes, or "whpk_" and base64 of a public key of 32'
    return ""


def _is_standard(secret: str) -> bool:
    prefix, _, encoded = secret.partition("_")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return 24 <= len(key) <= 64 if prefix == "whsec" else prefix == "whpk" and len(key) == 32
