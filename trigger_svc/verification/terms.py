"""What a trigger's owner agreed on with the sender."""

from dataclasses import dataclass, field

TOLERANCE_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GenericHmac:
    """A signature of no named sender; the fields are those of the message GenericHmac, its defaults filled in."""

    header: str
    prefix: bytes = b""
    algorithm: str = "sha256"
    encoding: str = "hex"
    template: str = "{body}"
    timestamp_header: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`preset` names a room of this package, or "none"; header names are in lower case; one or two secrets live."""

    preset: str = "none"
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    tolerance_seconds: float = TOLERANCE_SECONDS
    generic_hmac: GenericHmac | None = None
    api_key_header: str = "x-api-key"
    dedupe_header: str = ""
