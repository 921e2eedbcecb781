"""A connection goes to an address that the policy has seen and allowed, and to no other."""

import asyncio
import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest

from delivery_svc.sending.address import Address, AddressPolicy
from delivery_svc.sending.exchange import ErrorClass
from delivery_svc.sending.resolver import ResolutionError, Resolver
from delivery_svc.sending.sender import Sender
from tests.support.receiver import Peer, Receiver, Request
from tests.support.require import missing
from tests.support.sending import post

MakeSender = Callable[..., Sender]


class FixedResolver(Resolver):
    """Answers what a name server might, one answer after the other; the last one stays."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        super().__init__()
        self._answers = list(answers)

    async def resolve(self, host: str) -> tuple[Address, ...]:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return tuple(ip_address(text) for text in answer)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "017700000001",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[::]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "localhost",
        "\uff11\uff12\uff17.0.0.1",
        "\u2460\u2461\u2466.0.0.1",
    ],
)
async def test_loopback_in_disguise_is_never_connected_to(make_sender: MakeSender, host: str) -> None:
    sender = make_sender(policy=AddressPolicy())
    async with Receiver(host="0.0.0.0") as receiver:
        exchange = await post(sender, f"http://{host}:{receiver.port}/")
        assert (exchange.status_code, exchange.error) == (0, ErrorClass.ADDRESS_DENIED)
        assert "127.0.0.1" not in exchange.detail
        await asyncio.sleep(0)
        assert receiver.connections == 0


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::ffff:127.0.0.1]"])
async def test_an_odd_spelling_of_an_allowed_address_is_the_same_address(sender: Sender, host: str) -> None:
    async with Receiver() as receiver:
        exchange = await post(sender, f"http://{host}:{receiver.port}/")
        assert exchange.status_code == 200
        assert (await receiver.request(1)).headers["host"].endswith(f":{receiver.port}")


async def test_a_number_that_is_no_address_leads_nowhere(sender: Sender) -> None:
    for host in ("1.2.3.4.5", "256.256.256.256", "0x1ffffffff", "08.8.8.8", "foo.0x7f"):
        assert (await post(sender, f"http://{host}/")).error is ErrorClass.DNS


async def test_a_name_is_connected_to_at_the_address_that_was_vetted(make_sender: MakeSender) -> None:
    """What the name server would answer a moment later changes nothing: nobody asks it again."""
    resolver = FixedResolver(("127.0.0.2",), ("127.0.0.1",))
    sender = make_sender(policy=AddressPolicy(["127.0.0.2/32"]), resolver=resolver)
    async with Receiver(host="127.0.0.2") as vetted, Receiver(port=vetted.port) as elsewhere:
        exchange = await post(sender, f"http://rebinds.example:{vetted.port}/")
        assert exchange.status_code == 200
        assert (await vetted.request(1)).headers["host"] == f"rebinds.example:{vetted.port}"
        assert elsewhere.connections == 0


async def test_a_name_that_turns_to_a_denied_address_is_refused_at_the_next_connect(make_sender: MakeSender) -> None:
    resolver = FixedResolver(("127.0.0.2",), ("127.0.0.1",))
    sender = make_sender(policy=AddressPolicy(["127.0.0.2/32"]), resolver=resolver)
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    # In this order: on 127.0.0.1 a client of somebody else may have the port.
    async with Receiver() as elsewhere, Receiver(closing, host="127.0.0.2", port=elsewhere.port) as vetted:
        url = f"http://rebinds.example:{vetted.port}/"
        assert (await post(sender, url)).status_code == 200
        assert (await post(sender, url)).error is ErrorClass.ADDRESS_DENIED
        assert elsewhere.connections == 0


async def test_a_retry_vets_what_the_name_leads_to_by_then(make_sender: MakeSender) -> None:
    async def close_unanswered(peer: Peer, request: Request) -> None:
        peer.close()

    resolver = FixedResolver(("127.0.0.2",), ("127.0.0.1",))
    sender = make_sender(policy=AddressPolicy(["127.0.0.2/32"]), resolver=resolver)
    async with (
        Receiver(200, close_unanswered, host="127.0.0.2") as vetted,
        Receiver(port=vetted.port) as elsewhere,
    ):
        url = f"http://rebinds.example:{vetted.port}/"
        assert (await post(sender, url)).status_code == 200
        exchange = await post(sender, url)
        assert (exchange.error, exchange.phase) == (ErrorClass.ADDRESS_DENIED, "resolve")
        assert elsewhere.connections == 0


async def test_an_answer_that_changes_in_the_name_server_changes_no_connect_under_way(
    make_sender: MakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real resolver, over a name server that answers differently every time: one question per connect, no more."""
    asked: list[bytes] = []

    def rebind(host: bytes, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        ip = "127.0.0.2" if len(asked) % 2 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 0))]

    monkeypatch.setattr("delivery_svc.sending.resolver.socket.getaddrinfo", rebind)
    resolver = Resolver(keep_seconds=0.0)
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    sender = make_sender(policy=AddressPolicy(["127.0.0.2/32"]), resolver=resolver)
    # In this order: on 127.0.0.1 a client of somebody else may have the port.
    async with Receiver() as elsewhere, Receiver(closing, host="127.0.0.2", port=elsewhere.port) as vetted:
        url = f"http://rebinds.example:{vetted.port}/"
        errors = [(await post(sender, url)).error for _ in range(6)]
        assert errors == [ErrorClass.NONE, ErrorClass.ADDRESS_DENIED] * 3
        assert asked == [b"rebinds.example"] * 6
        assert elsewhere.connections == 0
    resolver.close()


async def test_denied_addresses_of_a_name_are_skipped(make_sender: MakeSender) -> None:
    resolver = FixedResolver(("127.0.0.3", "::1", "127.0.0.2"))
    sender = make_sender(policy=AddressPolicy(["127.0.0.2/32"]), resolver=resolver)
    async with Receiver(host="127.0.0.2") as allowed, Receiver(host="127.0.0.3", port=allowed.port) as denied:
        assert (await post(sender, f"http://mixed.example:{allowed.port}/")).status_code == 200
        assert denied.connections == 0


async def test_the_next_address_is_tried_when_one_refuses(make_sender: MakeSender) -> None:
    sender = make_sender(resolver=FixedResolver(("127.0.0.3", "127.0.0.1")))
    async with Receiver() as receiver:
        assert (await post(sender, f"http://two.example:{receiver.port}/")).status_code == 200


async def test_the_next_address_is_tried_when_one_stays_silent(make_sender: MakeSender) -> None:
    sender = make_sender(resolver=FixedResolver(("127.0.0.3", "127.0.0.1")), timeout=4.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.3", 0))
        silent.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for sock in fillers:
            sock.setblocking(False)
            sock.connect_ex(silent.getsockname())
        async with Receiver(port=silent.getsockname()[1]) as receiver:
            exchange = await post(sender, f"http://two.example:{receiver.port}/")
        for sock in fillers:
            sock.close()
    assert exchange.status_code == 200
    assert 1.0 <= exchange.duration < 3.0


async def test_a_closed_port_is_a_connect_error(sender: Sender) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        exchange = await post(sender, f"http://127.0.0.1:{unused.getsockname()[1]}/")
    assert (exchange.status_code, exchange.error) == (0, ErrorClass.CONNECT)
    assert exchange.detail == "The endpoint refused the connection."


async def test_a_name_that_does_not_resolve_is_a_dns_error(make_sender: MakeSender) -> None:
    class NoSuchName(Resolver):
        async def resolve(self, host: str) -> tuple[Address, ...]:
            raise ResolutionError("The host name could not be resolved.")

    exchange = await post(make_sender(resolver=NoSuchName()), "http://nowhere.example/")
    assert (exchange.error, exchange.detail) == (ErrorClass.DNS, "The host name could not be resolved.")


async def test_a_fault_of_our_own_is_reported_as_such(make_sender: MakeSender) -> None:
    class BrokenResolver(Resolver):
        async def resolve(self, host: str) -> tuple[Address, ...]:
            raise RuntimeError("secret details")

    sender = make_sender(resolver=BrokenResolver())
    seen: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context["exception"]))
    exchange = await post(sender, "http://any.example/")
    assert exchange.error is ErrorClass.INTERNAL
    assert "secret" not in exchange.detail
    assert len(seen) == 1


async def test_ipv6_endpoints_are_reached(sender: Sender) -> None:
    if not _has_ipv6():
        missing("IPv6 loopback")
    async with Receiver(host="::1") as receiver:
        assert (await post(sender, receiver.url)).status_code == 200
        assert (await receiver.request(1)).headers["host"] == f"[::1]:{receiver.port}"


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True
