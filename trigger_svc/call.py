"""A call and what it is answered with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trigger_svc.verification.verdict import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One inbound request: the end of its URL, its Content-Type to the letter (empty for none), its body as it came.

    `headers` by lower-case name, repeated ones joined by commas.
    """

    token: str = field(repr=False)
    media_type: str
    body: bytes = field(repr=False)
    headers: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call that is not refused gets: its id (of a repeated one, the first's; of a handshake, none)."""

    call_id: str
    duplicate: bool = False
    reply: Reply | None = None  # in place of 204
