"""Answers a request whose body is not read to its end, so that the client sees the answer and not a reset connection.

A socket that is closed while bytes are on their way to it resets the connection, and the client loses an answer that it
has not read yet. So the answer goes out, then what still comes is thrown away for a moment, then the connection ends.
"""

import asyncio
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

LONGEST_SECONDS = 2.0
MOST_BYTES = 16 * 1024 * 1024


async def send_and_linger(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Sends the answer, throws away what the client still sends (bounded in time and bytes), ends the exchange."""
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    if not any(name == b"expect" for name, _ in scope["headers"]):  # who asked first sends nothing after a refusal
        with suppress(TimeoutError):
            await asyncio.wait_for(_discard(receive), LONGEST_SECONDS)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _discard(receive: Receive) -> None:
    left = MOST_BYTES
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
