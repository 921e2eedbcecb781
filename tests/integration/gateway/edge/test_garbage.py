"""Random bytes, and requests with random bytes changed: the gateway answers sense, or ends the connection, and lives."""

import asyncio
import random

from tests.support.gateway import gateway, gauge, until
from tests.support.wire import HEALTHZ, request, wire

SEED = 20261123
ROUNDS = 300
WELL_FORMED = [
    HEALTHZ,
    request("POST", "/api/v1/accounts/1/events", "Authorization: Bearer t", "Content-Length: 2", body=b"{}"),
    request("POST", f"/t/{'x' * 43}", "Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n"),
    request("GET", "/healthz", "Expect: 100-continue", "Connection: Upgrade", "Upgrade: h2c"),
]
STATUSES = {100, 200, 204, 400, 401, 404, 405, 408, 413, 414, 415, 417, 429, 431, 501, 503}


def garbage(draw: random.Random) -> bytes:
    """Noise, or what was once a request or two."""
    if draw.random() < 0.2:
        return draw.randbytes(draw.randrange(1, 2000))
    data = bytearray(b"".join(draw.choices(WELL_FORMED, k=draw.randrange(1, 4))))
    for _ in range(draw.randrange(1, 6)):
        at = draw.randrange(len(data))
        match draw.randrange(4):
            case 0:
                data[at] = draw.randrange(256)
            case 1:
                del data[at : at + draw.randrange(1, 20)]
            case 2:
                data[at:at] = draw.choice([b"\r\n", b"\0", b"\n", b" ", b"\r\n\r\n", b"Transfer-Encoding: chunked\r\n"])
            case _:
                data[at:at] = draw.randbytes(draw.randrange(1, 9))
    return bytes(data) or b"x"


async def test_whatever_comes_the_gateway_answers_sense_and_lives() -> None:
    draw = random.Random(SEED)
    async with gateway(gateway_token_rate=0, gateway_failure_rate=0) as call:

        async def throw(data: bytes) -> None:
            async with wire(call.port) as line:
                line.send(data)
                line.writer.write_eof()
                came = await line.rest(20)
                assert not came or int(came.split(b" ", 2)[1]) in STATUSES, (data, came)
                assert b"Traceback" not in came

        for _ in range(ROUNDS // 20):
            await asyncio.gather(*(throw(garbage(draw)) for _ in range(20)))
        await until(lambda: gauge("connections") == gauge("body_bytes") == 0)
        assert (await call("GET", "/healthz")).body == b"alive\n"
