"""An answer that goes out as a service brings it: memory holds one piece of it, however long it is.

Invariant: its status is known before its first byte goes out; an answer that breaks off later is cut off, so that nobody takes
it for whole.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send


class Streamed(Response):
    """A good answer in pieces. `disposition` is inline or attachment; `name` is what it is saved as, of A-Z a-z 0-9 . _ -."""

    def __init__(self, pieces: AsyncGenerator[bytes, None], *, media_type: str, disposition: str, name: str) -> None:
        self.status_code = 200
        self.background = None
        self._pieces = pieces
        self.init_headers({"content-type": media_type, "content-disposition": f'{disposition}; filename="{name}"'})
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._pieces) as pieces:
            if scope["method"] != "HEAD":
                async for piece in pieces:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
