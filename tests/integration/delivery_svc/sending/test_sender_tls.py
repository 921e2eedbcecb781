"""TLS: certificate and name are verified, and an endpoint that fails at it is told apart from one that is away."""

import asyncio
import os
import ssl
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from delivery_svc.sending.address import Address
from delivery_svc.sending.exchange import ErrorClass
from delivery_svc.sending.resolver import Resolver
from delivery_svc.sending.sender import Sender
from delivery_svc.sending.tls import tls_context
from tests.support.receiver import Peer, Receiver, Request
from tests.support.sending import post

MakeSender = Callable[..., Sender]


class Loopback(Resolver):
    """Every name is this machine."""

    async def resolve(self, host: str) -> tuple[Address, ...]:
        return (ip_address("127.0.0.1"),)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusting(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    file: Path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return tls_context(str(file))


def server_context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context


def self_signed(name: str) -> tuple[bytes, bytes]:
    """A certificate that its own key signed, and that key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(serialization.Encoding.PEM), pem


async def test_an_endpoint_is_verified_by_its_name_and_its_connection_kept(
    make_sender: MakeSender, authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    asked_for: list[str | None] = []
    server = server_context(authority, "hooks.example")
    server.sni_callback = lambda _, name, __: asked_for.append(name)
    sender = make_sender(tls=trusting, resolver=Loopback())
    async with Receiver(tls=server) as receiver:
        for _ in range(3):
            assert (await post(sender, f"https://hooks.example:{receiver.port}/")).status_code == 200
        assert receiver.connections == 1
        assert receiver.requests[0].headers["host"] == f"hooks.example:{receiver.port}"
    assert asked_for == ["hooks.example"]


async def test_a_trailing_dot_and_capitals_do_not_disturb_the_name(
    make_sender: MakeSender, authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    sender = make_sender(tls=trusting, resolver=Loopback())
    async with Receiver(tls=server_context(authority, "hooks.example")) as receiver:
        assert (await post(sender, f"https://HOOKS.Example.:{receiver.port}/")).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433"])
async def test_an_address_is_verified_as_an_address(
    make_sender: MakeSender, authority: trustme.CA, trusting: ssl.SSLContext, host: str
) -> None:
    sender = make_sender(tls=trusting)
    async with Receiver(tls=server_context(authority, "127.0.0.1")) as receiver:
        assert (await post(sender, f"https://{host}:{receiver.port}/")).status_code == 200
    async with Receiver(tls=server_context(authority, "hooks.example")) as receiver:
        assert (await post(sender, f"https://{host}:{receiver.port}/")).error is ErrorClass.TLS


async def test_a_certificate_for_another_name_is_refused(
    make_sender: MakeSender, authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    sender = make_sender(tls=trusting, resolver=Loopback())
    async with Receiver(tls=server_context(authority, "other.example")) as receiver:
        exchange = await post(sender, f"https://hooks.example:{receiver.port}/")
        assert (exchange.status_code, exchange.error) == (0, ErrorClass.TLS)
        assert "certificate" in exchange.detail
        assert len(exchange.detail) <= 200
        assert not receiver.requests
    assert sender.open_connections == 0


async def test_an_unknown_authority_is_refused(make_sender: MakeSender, authority: trustme.CA) -> None:
    sender = make_sender(resolver=Loopback())
    async with Receiver(tls=server_context(authority, "hooks.example")) as receiver:
        exchange = await post(sender, f"https://hooks.example:{receiver.port}/")
        assert exchange.error is ErrorClass.TLS
        assert not receiver.requests


async def test_a_certificate_that_has_expired_is_refused(
    make_sender: MakeSender, authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    authority.issue_cert("hooks.example", not_before=yesterday - timedelta(days=9), not_after=yesterday).configure_cert(
        server
    )
    sender = make_sender(tls=trusting, resolver=Loopback())
    async with Receiver(tls=server) as receiver:
        exchange = await post(sender, f"https://hooks.example:{receiver.port}/")
        assert (exchange.error, exchange.phase) == (ErrorClass.TLS, "tls")
        assert "expired" in exchange.detail
        assert not receiver.requests


async def test_a_certificate_that_vouches_for_itself_is_refused_unless_it_is_in_the_ca_file(
    make_sender: MakeSender, tmp_path: Path
) -> None:
    certificate, key = self_signed("hooks.example")
    file = tmp_path / "own.pem"
    file.write_bytes(certificate + key)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(file)
    async with Receiver(tls=server) as receiver:
        url = f"https://hooks.example:{receiver.port}/"
        exchange = await post(make_sender(resolver=Loopback()), url)
        assert (exchange.error, exchange.phase) == (ErrorClass.TLS, "tls")
        assert "self-signed" in exchange.detail
        assert not receiver.requests
        exchange = await post(make_sender(tls=tls_context(str(file)), resolver=Loopback()), url)
        assert exchange.status_code == 200
        assert exchange.tls_seconds is not None
        assert 0 < exchange.tls_seconds < exchange.duration


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
async def test_tls_1_1_is_not_spoken(make_sender: MakeSender, authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    server = server_context(authority, "hooks.example")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        server.minimum_version = ssl.TLSVersion.TLSv1
        server.maximum_version = ssl.TLSVersion.TLSv1_1
    server.set_ciphers("ALL:@SECLEVEL=0")
    sender = make_sender(tls=trusting, resolver=Loopback())
    async with Receiver(tls=server) as receiver:
        assert (await post(sender, f"https://hooks.example:{receiver.port}/")).error is ErrorClass.TLS
        assert not receiver.requests


async def test_tls_1_2_is_spoken(make_sender: MakeSender, authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    server = server_context(authority, "hooks.example")
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    sender = make_sender(tls=trusting, resolver=Loopback())
    async with Receiver(tls=server) as receiver:
        assert (await post(sender, f"https://hooks.example:{receiver.port}/")).status_code == 200


async def test_a_plain_endpoint_behind_https_is_a_tls_error(make_sender: MakeSender) -> None:
    async def greet_in_plain(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with Receiver(greeting=greet_in_plain) as receiver:
        exchange = await post(make_sender(), f"https://127.0.0.1:{receiver.port}/")
    assert exchange.error is ErrorClass.TLS


@pytest.mark.parametrize("way", ["close", "reset"])
async def test_an_endpoint_that_hangs_up_in_the_handshake_is_a_tls_error(make_sender: MakeSender, way: str) -> None:
    async def hang_up(peer: Peer) -> None:
        await peer.read(100)
        getattr(peer, way)()

    async with Receiver(greeting=hang_up) as receiver:
        exchange = await post(make_sender(), f"https://127.0.0.1:{receiver.port}/")
    assert exchange.error is ErrorClass.TLS


@pytest.mark.parametrize("way", ["close", "abort"])
async def test_a_body_of_no_stated_length_ends_with_the_tls_connection(
    make_sender: MakeSender, authority: trustme.CA, trusting: ssl.SSLContext, way: str
) -> None:
    """`abort` closes without the close_notify that TLS asks for, as many servers do."""

    async def until_the_end(peer: Peer, request: Request) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        getattr(peer, way)()

    sender = make_sender(tls=trusting, resolver=Loopback())
    async with Receiver(until_the_end, tls=server_context(authority, "hooks.example")) as receiver:
        exchange = await post(sender, f"https://hooks.example:{receiver.port}/")
    assert (exchange.status_code, exchange.body) == (200, b"hello")


async def test_a_stale_tls_connection_costs_one_retry(
    make_sender: MakeSender, authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    async def close_unanswered(peer: Peer, request: Request) -> None:
        peer.close()

    sender = make_sender(tls=trusting, resolver=Loopback())
    server = server_context(authority, "hooks.example")
    async with Receiver(200, close_unanswered, 202, tls=server) as receiver:
        url = f"https://hooks.example:{receiver.port}/"
        assert (await post(sender, url)).status_code == 200
        assert (await post(sender, url)).status_code == 202
        assert receiver.connections == 2


async def test_failed_handshakes_leave_no_socket_behind(make_sender: MakeSender, authority: trustme.CA) -> None:
    sender = make_sender(resolver=Loopback())
    async with Receiver(tls=server_context(authority, "hooks.example")) as receiver:
        url = f"https://hooks.example:{receiver.port}/"
        await post(sender, url)
        await receiver.open_to(0)
        before = len(os.listdir("/proc/self/fd"))
        await asyncio.gather(*(post(sender, url) for _ in range(20)))
        await receiver.open_to(0)
        await asyncio.sleep(0.05)
        assert len(os.listdir("/proc/self/fd")) <= before + 2
