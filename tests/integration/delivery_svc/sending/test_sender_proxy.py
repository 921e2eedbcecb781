"""By way of a proxy: absolute-form to plain endpoints, a tunnel to TLS ones, and its faults are not the endpoint's."""

import ssl
from collections.abc import Callable

import pytest
import trustme

from delivery_svc.sending.address import AddressPolicy
from delivery_svc.sending.exchange import ErrorClass
from delivery_svc.sending.proxy import Proxy
from delivery_svc.sending.sender import Sender
from delivery_svc.sending.tls import tls_context
from tests.support.receiver import Peer, Receiver, Request
from tests.support.sending import post
from tests.support.tunnel import tunnel_to

MakeSender = Callable[..., Sender]


async def test_a_plain_endpoint_is_asked_for_by_its_whole_url_and_not_resolved_here(make_sender: MakeSender) -> None:
    async with Receiver() as proxy:
        sender = make_sender(proxy=Proxy("127.0.0.1", proxy.port))
        for _ in range(2):
            exchange = await post(sender, "http://inside.invalid/hook?a=b", b"body")
            assert exchange.status_code == 200
        request = await proxy.request(2)
    assert (request.method, request.target, request.body) == ("POST", "http://inside.invalid:80/hook?a=b", b"body")
    assert request.headers["host"] == "inside.invalid"
    assert proxy.connections == 1


async def test_a_tls_endpoint_is_reached_through_a_tunnel_and_verified(make_sender: MakeSender) -> None:
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("hooks.example").configure_cert(server)
    trusting = tls_context()
    authority.configure_trust(trusting)
    async with Receiver(tls=server) as receiver, Receiver(tunnel_to(receiver.port)) as proxy:
        sender = make_sender(proxy=Proxy("127.0.0.1", proxy.port), tls=trusting)
        for _ in range(2):
            assert (await post(sender, "https://hooks.example/x")).status_code == 200
        assert receiver.connections == proxy.connections == 1
        assert (proxy.requests[0].method, proxy.requests[0].target) == ("CONNECT", "hooks.example:443")
        assert "webhook-id" not in proxy.requests[0].headers
        assert receiver.requests[0].target == "/x"
        exchange = await post(sender, "https://other.example/x")
        assert (exchange.error, exchange.phase) == (ErrorClass.TLS, "tls")
        assert len(receiver.requests) == 2
        await sender.close()


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "https://[::ffff:10.0.0.1]/", "http://0x7f.1/"])
async def test_an_address_that_a_url_spells_out_is_still_vetted(make_sender: MakeSender, url: str) -> None:
    async with Receiver() as proxy:
        sender = make_sender(proxy=Proxy("127.0.0.1", proxy.port), policy=AddressPolicy())
        assert (await post(sender, url)).error is ErrorClass.ADDRESS_DENIED
        assert (await post(sender, "http://1.2.3.4.5/")).error is ErrorClass.DNS
        assert proxy.connections == 0


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", ErrorClass.CONNECT),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", ErrorClass.CONNECT),
        (b"HTTP/1.1 407 Who?\r\nContent-Length: 0\r\n\r\n", ErrorClass.INTERNAL),
        (b"HTTP/1.1 200 OK\r\n\r\n\x16\x03\x03", ErrorClass.INTERNAL),
        (b"SSH-2.0-OpenSSH_9.9\r\n", ErrorClass.INTERNAL),
    ],
)
async def test_a_tunnel_that_is_not_made_is_reported(make_sender: MakeSender, answer: bytes, error: ErrorClass) -> None:
    async with Receiver(answer) as proxy:
        exchange = await post(make_sender(proxy=Proxy("127.0.0.1", proxy.port)), "https://hooks.example/")
        assert (exchange.status_code, exchange.error, exchange.phase) == (0, error, "connect")
        assert "proxy" in exchange.detail
        await proxy.open_to(0)


async def test_a_proxy_that_hangs_up_or_is_away_is_no_fault_of_the_endpoint(make_sender: MakeSender) -> None:
    async def hang_up(peer: Peer, request: Request) -> None:
        peer.close()

    async with Receiver(hang_up) as proxy:
        sender = make_sender(proxy=Proxy("127.0.0.1", proxy.port))
        assert (await post(sender, "https://hooks.example/")).error is ErrorClass.INTERNAL
    exchange = await post(sender, "https://hooks.example/")
    assert (exchange.error, exchange.detail) == (ErrorClass.INTERNAL, "The proxy could not be reached.")


async def test_a_proxy_that_stays_silent_is_left_at_the_deadline(make_sender: MakeSender) -> None:
    async def silence(peer: Peer, request: Request) -> None:
        await peer.closed_by_client()

    async with Receiver(silence) as proxy:
        sender = make_sender(proxy=Proxy("127.0.0.1", proxy.port), timeout=0.5)
        exchange = await post(sender, "https://hooks.example/")
        assert (exchange.error, exchange.phase) == (ErrorClass.TIMEOUT, "connect")
        await proxy.open_to(0)
