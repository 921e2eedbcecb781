"""Lookups in threads of their own: shared, bounded, remembered for a moment."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest

from delivery_svc.sending.resolver import ResolutionError, Resolver

PUBLIC = (ip_address("93.184.216.34"), ip_address("2606:2800:21f::1"))


class NameServer:
    """Stands in for the system's resolver: counts questions, and hangs where it is told to."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.hanging: set[bytes] = set()
        self.release = threading.Event()

    def getaddrinfo(self, host: bytes, port: None, **kwargs: Any) -> list[Any]:
        self.asked.append(host)
        if host in self.hanging:
            self.release.wait(20)
        if host == b"nowhere.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (str(ip), 0)) for ip in (PUBLIC[0], *PUBLIC)]


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    server = NameServer()
    monkeypatch.setattr("delivery_svc.sending.resolver.socket.getaddrinfo", server.getaddrinfo)
    yield server
    server.release.set()


async def test_the_systems_resolver_answers() -> None:
    resolver = Resolver()
    assert ip_address("127.0.0.1") in await resolver.resolve("localhost")
    resolver.close()


async def test_an_address_is_its_own_answer_and_nobody_is_asked(name_server: NameServer) -> None:
    resolver = Resolver()
    assert await resolver.resolve("0x7f.1") == (ip_address("127.0.0.1"),)
    with pytest.raises(ResolutionError):
        await resolver.resolve("1.2.3.4.5")
    assert not name_server.asked
    resolver.close()


async def test_addresses_keep_their_order_and_come_once(name_server: NameServer) -> None:
    resolver = Resolver()
    assert await resolver.resolve("a.example") == PUBLIC
    resolver.close()


async def test_an_answer_is_remembered_for_a_while_and_then_asked_again(name_server: NameServer) -> None:
    resolver = Resolver(keep_seconds=0.2)
    for _ in range(3):
        await resolver.resolve("a.example")
    assert len(name_server.asked) == 1
    await asyncio.sleep(0.25)
    await resolver.resolve("a.example")
    assert len(name_server.asked) == 2
    resolver.close()


async def test_memory_is_bounded(name_server: NameServer) -> None:
    resolver = Resolver(keep_hosts=2)
    for host in ("a.example", "b.example", "c.example", "b.example", "c.example", "a.example"):
        await resolver.resolve(host)
    assert name_server.asked == [b"a.example", b"b.example", b"c.example", b"a.example"]
    resolver.close()


async def test_a_failure_is_not_remembered(name_server: NameServer) -> None:
    resolver = Resolver()
    for _ in range(2):
        with pytest.raises(ResolutionError, match="could not be resolved"):
            await resolver.resolve("nowhere.example")
    assert len(name_server.asked) == 2
    resolver.close()


async def test_many_who_ask_for_one_host_cost_one_question(name_server: NameServer) -> None:
    resolver = Resolver()
    answers = await asyncio.gather(*(resolver.resolve("a.example") for _ in range(50)))
    assert answers == [PUBLIC] * 50
    assert len(name_server.asked) == 1
    resolver.close()


async def test_a_host_that_hangs_holds_one_thread_and_no_other_host(name_server: NameServer) -> None:
    name_server.hanging.add(b"hangs.example")
    resolver = Resolver(threads=2)
    for _ in range(5):  # given up and asked for again, as retries do
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(resolver.resolve("hangs.example"), 0.02)
        assert await resolver.resolve("a.example") == PUBLIC
    assert name_server.asked.count(b"hangs.example") == 1
    name_server.release.set()
    assert await resolver.resolve("hangs.example") == PUBLIC
    resolver.close()


async def test_who_gives_up_does_not_take_the_answer_from_the_others(name_server: NameServer) -> None:
    name_server.hanging.add(b"slow.example")
    resolver = Resolver()
    patient = asyncio.ensure_future(resolver.resolve("slow.example"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(resolver.resolve("slow.example"), 0.02)
    name_server.release.set()
    assert await patient == PUBLIC
    resolver.close()


async def test_a_question_that_nobody_waits_for_any_more_is_not_asked(name_server: NameServer) -> None:
    name_server.hanging.add(b"hangs.example")
    resolver = Resolver(threads=1)
    first = asyncio.ensure_future(resolver.resolve("hangs.example"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(resolver.resolve("a.example"), 0.05)
    name_server.release.set()
    await first
    assert await resolver.resolve("b.example") == PUBLIC
    assert name_server.asked == [b"hangs.example", b"b.example"]
    resolver.close()
