"""mTLS: an endpoint that asks who calls is shown the certificate that belongs to the delivery, and never another one."""

import asyncio
import os
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from delivery_svc.sending import client_certificate
from delivery_svc.sending.client_certificate import ClientCertificate
from delivery_svc.sending.exchange import ErrorClass
from delivery_svc.sending.proxy import Proxy
from delivery_svc.sending.sender import Sender
from delivery_svc.sending.tls import tls_context
from tests.support.receiver import Peer, Receiver, Request, Script
from tests.support.sending import post, start_post
from tests.support.tunnel import tunnel_to

MakeSender = Callable[..., Sender]


class House:
    """An authority that issues all certificates here, and a sender's trust in it."""

    def __init__(self, file: Path) -> None:
        self.authority = trustme.CA()
        self.authority.cert_pem.write_to_path(str(file))
        self.made = 0
        self._file = str(file)

    def trusting(self) -> ssl.SSLContext:
        """A new context, as the sender makes one."""
        self.made += 1
        return tls_context(self._file)

    def client(
        self,
        name: str,
        authority: trustme.CA | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> ClientCertificate:
        """A client's certificate of that name."""
        issued = (authority or self.authority).issue_cert(name, not_before=since, not_after=until)
        chain = b"".join(pem.bytes() for pem in issued.cert_chain_pems)
        return ClientCertificate(chain, issued.private_key_pem.bytes())

    def server(self, *, demands: bool = True) -> ssl.SSLContext:
        """A server at 127.0.0.1 that asks for a certificate."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority.issue_cert("127.0.0.1").configure_cert(context)
        self.authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED if demands else ssl.CERT_OPTIONAL
        return context


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("authority") / "ca.pem")


@pytest.fixture
async def sender(make_sender: MakeSender, house: House) -> Sender:
    return make_sender(tls=house.trusting(), fresh_tls=house.trusting)


def noting(names: list[str | None]) -> Script:
    """Answers 200 and notes whose certificate was shown."""

    async def script(peer: Peer, request: Request) -> None:
        names.append(peer.client_name)
        await peer.answer(200)

    return script


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_right_certificate_is_taken_and_its_context_made_once(
    sender: Sender, house: House, version: ssl.TLSVersion
) -> None:
    names: list[str | None] = []
    server = house.server()
    server.maximum_version = version
    one = house.client("one.example")
    made = house.made
    async with Receiver(noting(names), tls=server) as receiver:
        posts = [start_post(sender, receiver.url, client=one) for _ in range(8)]
        posts += [start_post(sender, receiver.url, client=ClientCertificate(one.chain, one.key))]
        assert {(await one).status_code for one in posts} == {200}
        await receiver.hang_up()
        assert (await post(sender, receiver.url, client=one)).status_code == 200
    assert names == ["one.example"] * 10
    assert house.made - made == 1


@contextmanager
def refusing(context: ssl.SSLContext) -> Iterator[str]:
    """Where a server listens that says why it refuses a handshake, which asyncio's does not."""

    def serve() -> None:
        with suppress(OSError):
            taken, _ = listening.accept()
            with taken:
                taken.settimeout(10)
                with suppress(ssl.SSLError):
                    context.wrap_socket(taken.dup(), server_side=True, suppress_ragged_eofs=False)
                taken.shutdown(socket.SHUT_WR)
                while taken.recv(4096):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"https://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("shown", ["a stranger's", "none"])
async def test_the_wrong_certificate_or_none_is_a_tls_error_that_says_so(
    sender: Sender, house: House, version: ssl.TLSVersion, shown: str
) -> None:
    server = house.server()
    server.maximum_version = version
    client = None if shown == "none" else house.client("one.example", trustme.CA())
    with refusing(server) as url:
        exchange = await post(sender, url, client=client)
    assert (exchange.status_code, exchange.error) == (0, ErrorClass.TLS)
    assert exchange.detail.startswith("The TLS handshake failed: ")
    assert "alert" in exchange.detail


@pytest.mark.parametrize("shown", ["a stranger's", "none"])
async def test_the_wrong_certificate_or_none_delivers_nothing(sender: Sender, house: House, shown: str) -> None:
    client = None if shown == "none" else house.client("one.example", trustme.CA())
    async with Receiver(tls=house.server()) as receiver:
        exchange = await post(sender, receiver.url, client=client)
        assert (exchange.status_code, receiver.requests) == (0, [])


async def test_two_certificates_at_one_endpoint_never_share_a_connection(sender: Sender, house: House) -> None:
    names: list[str | None] = []
    one, two = house.client("one.example"), house.client("two.example")
    async with Receiver(noting(names), tls=house.server(demands=False)) as receiver:
        for client in (one, two, None) * 3:
            assert (await post(sender, receiver.url, client=client)).status_code == 200
        assert receiver.connections == 3
        assert sender.idle_connections == 3
    assert names == ["one.example", "two.example", None] * 3


async def test_a_certificate_is_shown_through_a_proxy_and_not_to_it(make_sender: MakeSender, house: House) -> None:
    names: list[str | None] = []
    async with (
        Receiver(noting(names), tls=house.server()) as receiver,
        Receiver(tunnel_to(receiver.port)) as proxy,
    ):
        sender = make_sender(tls=house.trusting(), fresh_tls=house.trusting, proxy=Proxy("127.0.0.1", proxy.port))
        for name in ("one.example", "two.example"):
            assert (await post(sender, receiver.url, client=house.client(name))).status_code == 200
        assert [request.method for request in proxy.requests] == ["CONNECT", "CONNECT"]
        await sender.close()
    assert names == ["one.example", "two.example"]


async def test_who_has_a_certificate_verifies_the_endpoint_all_the_same(sender: Sender, house: House) -> None:
    stranger = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    stranger.issue_cert("127.0.0.1").configure_cert(server)
    misnamed = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    house.authority.issue_cert("other.example").configure_cert(misnamed)
    for context in (server, misnamed):
        async with Receiver(tls=context) as receiver:
            exchange = await post(sender, receiver.url, client=house.client("one.example"))
            assert exchange.error is ErrorClass.TLS
            assert "could not be verified" in exchange.detail
            assert not receiver.requests


async def test_a_certificate_that_has_expired_says_since_when_and_nobody_is_called(
    sender: Sender, house: House
) -> None:
    end = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)
    client = house.client("one.example", since=end - timedelta(days=9), until=end)
    async with Receiver(tls=house.server()) as receiver:
        exchange = await post(sender, receiver.url, client=client)
        assert (exchange.error, exchange.phase) == (ErrorClass.TLS, "tls")
        assert exchange.detail == (
            "The client certificate expired at 2026-01-31 12:30 UTC: give the subscription a new one."
        )
        assert receiver.connections == 0


@pytest.mark.parametrize("fault", ["another key", "no certificate", "no key", "a locked key", "nothing"])
async def test_a_pair_that_cannot_be_read_says_what_to_do_and_nothing_of_the_key(
    sender: Sender, house: House, fault: str
) -> None:
    good = house.client("one.example")
    key = serialization.load_pem_private_key(good.key, None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    client = {
        "another key": ClientCertificate(good.chain, house.client("two.example").key),
        "no certificate": ClientCertificate(b"-----BEGIN CERTIFICATE-----\nodd\n-----END CERTIFICATE-----\n", good.key),
        "no key": ClientCertificate(good.chain, b""),
        "a locked key": ClientCertificate(good.chain, locked),
        "nothing": ClientCertificate(b"", b""),
    }[fault]
    async with Receiver(tls=house.server(demands=False)) as receiver:
        for _ in range(2):
            exchange = await post(sender, receiver.url, client=client)
            assert (exchange.error, exchange.phase) == (ErrorClass.TLS, "tls")
            assert exchange.detail == (
                "The client certificate or its private key cannot be read: give the subscription both again."
            )
        assert receiver.connections == 0


async def test_no_file_is_left_of_a_key_and_no_descriptor(
    sender: Sender, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    clients = [house.client(name) for name in ("one.example", "two.example")]
    assert "PRIVATE" not in repr(clients[0])
    async with Receiver(tls=house.server()) as receiver:
        before = set(os.listdir("/proc/self/fd"))
        assert (await post(sender, receiver.url, client=clients[0])).status_code == 200
        monkeypatch.delattr(os, "memfd_create", raising=False)  # as on other systems than Linux
        assert (await post(sender, receiver.url, client=clients[1])).status_code == 200
        links = [
            os.readlink(f"/proc/self/fd/{one}")
            for one in set(os.listdir("/proc/self/fd")) - before - {"0"}
            if os.path.islink(f"/proc/self/fd/{one}")
        ]
    assert not [link for link in links if not link.startswith(("socket:", "anon_inode:", "pipe:"))]
    assert list(tmp_path.iterdir()) == []


async def test_contexts_are_bounded_and_what_was_forgotten_is_made_again(
    sender: Sender, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_certificate, "MOST_CONTEXTS", 2)
    names: list[str | None] = []
    clients = {name: house.client(name) for name in ("a.example", "b.example", "c.example")}
    made = house.made
    async with Receiver(noting(names), tls=house.server()) as receiver:
        for name in ("a.example", "b.example", "a.example", "c.example", "a.example", "b.example"):
            assert (await post(sender, receiver.url, client=clients[name])).status_code == 200
            await receiver.hang_up()
    assert names == ["a.example", "b.example", "a.example", "c.example", "a.example", "b.example"]
    assert house.made - made == 4


async def test_a_post_that_gives_up_while_its_context_is_made_leaves_it_to_the_others(
    make_sender: MakeSender, house: House
) -> None:
    begun, go = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slowly() -> ssl.SSLContext:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(go.wait(), loop).result(10)
        return house.trusting()

    sender = make_sender(tls=house.trusting(), fresh_tls=slowly, timeout=0.3)
    client = house.client("one.example")
    async with Receiver(tls=house.server()) as receiver:
        first = await post(sender, receiver.url, client=client)
        second = start_post(sender, receiver.url, client=client)
        await begun.wait()
        go.set()
        assert (await second).status_code == 200
    assert first.error is ErrorClass.TIMEOUT
