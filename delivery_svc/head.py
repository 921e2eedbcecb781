"""The head of a delivery's request: what is sent, and what of it may be shown.

Invariant: a secret (signature or custom header) is in the bytes that go to the endpoint, and nowhere else.
"""

from collections.abc import Sequence

from delivery_svc.signing import authorization, standard_signature

USER_AGENT = "Runhook/0.1"
MASK = "***"
_HEAD = (
    f"Content-Type: application/json\r\nUser-Agent: {USER_AGENT}\r\nAccept: */*\r\nAuthorization: %s\r\n"
    "webhook-id: %s\r\nwebhook-timestamp: %d\r\nwebhook-signature: %s\r\n"
)


def render_head(
    secrets: Sequence[bytes], event_id: str, began_us: int, body: bytes, custom: bytes, traceparent: str | None = None
) -> bytes:
    """Whole lines for the sender. `secrets` are those that live, the oldest first; `custom` are whole lines too."""
    seconds = began_us // 1_000_000
    signature = standard_signature(secrets, event_id, seconds, body)
    head = (_HEAD % (authorization(secrets[0], body), event_id, seconds, signature)).encode() + custom
    return head if traceparent is None else b"%btraceparent: %b\r\n" % (head, traceparent.encode())


def shown_head(event_id: str, began_us: int, body_size: int, custom_names: str = "") -> list[tuple[str, str]]:
    """Names and values of an attempt's head for people. `custom_names` are the names of custom headers, a blank between."""
    return [
        ("Content-Type", "application/json"),
        ("User-Agent", USER_AGENT),
        ("Accept", "*/*"),
        ("Authorization", MASK),
        ("webhook-id", event_id),
        ("webhook-timestamp", str(began_us // 1_000_000)),
        ("webhook-signature", MASK),
        *((name, MASK) for name in custom_names.split()),
        ("Content-Length", str(body_size)),
    ]


def custom_lines(headers: Sequence[Sequence[str]]) -> bytes:
    """Name and value pairs as lines. Who stored them saw to it that none ends a line or names a header of ours."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("ascii")
