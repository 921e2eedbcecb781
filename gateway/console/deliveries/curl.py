"""A delivery as commands that can be pasted into a shell: the same body, signed by whoever knows the secret. No I/O."""

import shlex
from collections.abc import Sequence

from runhook.delivery.v1.delivery_pb2 import Header

#: What curl writes itself, what is made of the secret, and what holds for the one attempt alone.
_OMITTED = frozenset(
    {"host", "content-length", "authorization", "connection", "webhook-signature", "webhook-timestamp", "traceparent"}
)
_MASKED = "***"


def commands(url: str, headers: Sequence[Header], body: bytes) -> str:
    """Lines for a POSIX shell; `$SIGNING_SECRET` and the values of secret headers are left to whoever runs them."""
    shown = [
        f"-H {shlex.quote(f'{one.name}: {one.value}')}"
        for one in headers
        if one.name.lower() not in _OMITTED and one.value != _MASKED
    ]
    hidden = [one.name for one in headers if one.value == _MASKED and one.name.lower() not in _OMITTED]
    lines = [
        f"BODY={shlex.quote(body.decode('utf-8', 'replace'))}",
        """SIGNATURE=$(printf %s "$BODY" | openssl dgst -sha256 -hmac "$SIGNING_SECRET" | sed 's/.* //')""",
        *(f"# The header {name} has a secret value: add -H {shlex.quote(name + ': ...')}" for name in hidden),
        " \\\n  ".join(
            [
                f"curl -sS -i {shlex.quote(url)}",
                '-H "Authorization: $SIGNATURE"',
                *shown,
                '--data-binary "$BODY"',
            ]
        ),
    ]
    return "\n".join(lines)
