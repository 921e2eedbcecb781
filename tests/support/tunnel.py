"""A proxy for tests: takes a CONNECT and leads it on."""

import asyncio
from contextlib import suppress

from tests.support.receiver import Peer, Request, Script


def tunnel_to(port: int) -> Script:
    """A proxy that leads every CONNECT to this port of loopback, whatever name it was given."""

    async def script(peer: Peer, request: Request) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")

        async def back() -> None:
            with suppress(OSError):
                while data := await reader.read(65536):
                    await peer.send(data)

        backward = asyncio.create_task(back())
        try:
            while data := await peer.read(65536):
                writer.write(data)
        finally:
            backward.cancel()
            writer.close()

    return script
