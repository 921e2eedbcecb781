"""The reader against a real HTTP server: what it counts is what was answered, and it believes nothing but 200."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from bench import programs
from bench.reader import READER


@dataclass
class Door:
    """Answers every request with `status` after `seconds`, one after the other on each connection."""

    status: str = "200 OK"
    seconds: float = 0.0
    requests: list[bytes] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                if self.seconds:
                    await asyncio.sleep(self.seconds)
                writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        writer.close()


@contextlib.asynccontextmanager
async def listening(door: Door) -> AsyncIterator[str]:
    server = await asyncio.start_server(door.answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


async def test_saturating_it_counts_answers_and_the_cpu_time_of_whom_it_watches() -> None:
    door = Door()
    async with listening(door) as url:
        told = await programs.read(
            [f"{url}/a", f"{url}/b"],
            "secret",
            {"this": os.getpid()},
            seconds=0.5,
            warm_seconds=0.1,
            connections=4,
        )
    assert 0 < told["requests"] <= len(door.requests)
    assert told["rate"] == pytest.approx(told["requests"] / told["seconds"])
    assert told["cpu_us"].keys() == {"this", READER}
    assert min(told["cpu_us"].values()) > 0
    assert told["p50_ms"] <= told["p99_ms"]
    assert {request.split(b" ")[1] for request in door.requests} == {b"/a", b"/b"}
    assert all(b"Authorization: Token secret\r\n" in request for request in door.requests)


async def test_at_a_fixed_rate_an_answer_is_late_by_all_that_its_request_had_to_wait() -> None:
    door = Door(seconds=0.05)
    async with listening(door) as url:
        told = await programs.read([url + "/"], "", {}, seconds=0.5, warm_seconds=0, connections=1, rate=40)
    assert told["requests"] == 20
    assert told["p50_ms"] > 100  # each waits for those before it: 20 a second is what the server gives
    assert told["p99_ms"] > 300


async def test_an_answer_other_than_200_ends_it_with_the_reason() -> None:
    async with listening(Door(status="429 Too Many Requests")) as url:
        with pytest.raises(programs.ProgramError, match="an answer was 429"):
            await programs.read([url + "/"], "", {}, seconds=5, warm_seconds=0, connections=2)


async def test_a_server_that_goes_away_ends_it_with_the_reason() -> None:
    async with listening(Door()) as url:
        pass
    with pytest.raises(programs.ProgramError, match="reader: "):
        await programs.read([url + "/"], "", {}, seconds=5, warm_seconds=0, connections=2)
