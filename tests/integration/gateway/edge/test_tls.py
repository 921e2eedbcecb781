"""HTTPS by the gateway itself: versions, handshakes that never end, renewal without a restart."""

import asyncio
import os
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from chassis.settings import SettingsError
from gateway.edge.certificate import Certificate
from tests.support.gateway import gateway, gauge, refused, until
from tests.support.wire import HEALTHZ, request, wire

HSTS = "strict-transport-security"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def client(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def files(authority: trustme.CA, tmp_path: Path) -> dict[str, Any]:
    """Settings that name a certificate for localhost and its key."""
    write(authority, tmp_path)
    return {"gateway_tls_cert": tmp_path / "tls.crt", "gateway_tls_key": tmp_path / "tls.key"}


def write(authority: trustme.CA, folder: Path, key_type: trustme.KeyType = trustme.KeyType.ECDSA) -> None:
    """As cert-manager does: the new pair takes the place of the old one at once, file by file."""
    made = authority.issue_cert("localhost", key_type=key_type)
    for name, pem in (("tls.key", made.private_key_pem), ("tls.crt", made.cert_chain_pems[0])):
        pem.write_to_path(folder / f"{name}.new")
        os.replace(folder / f"{name}.new", folder / name)


async def serial_of(port: int, client: ssl.SSLContext) -> Any:
    async with wire(port, tls=client) as line:
        assert (await line.ask(HEALTHZ)).body == b"alive\n"
        return line.writer.get_extra_info("peercert")["serialNumber"]


async def test_requests_are_served_over_tls_and_the_answers_say_to_stay_there(
    files: dict[str, Any], client: ssl.SSLContext
) -> None:
    async with gateway(**files) as call, wire(call.port, tls=client) as line:
        answers = [
            await line.ask(HEALTHZ),
            await line.ask(request("GET", "/nowhere")),
            await line.ask(b"garbage\r\n\r\n"),
        ]
        assert [answer.status for answer in answers] == [200, 404, 400]
        assert [answer.headers[HSTS] for answer in answers] == ["max-age=31536000"] * 3
        assert gauge("certificate_expiry_seconds") > 0


async def test_without_tls_nobody_is_told_to_use_it() -> None:
    async with gateway() as call, wire(call.port) as line:
        assert HSTS not in (await line.ask(HEALTHZ)).headers


async def test_tls_1_1_is_too_old(files: dict[str, Any], client: ssl.SSLContext) -> None:
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        client.minimum_version = client.maximum_version = ssl.TLSVersion.TLSv1_1
    client.set_ciphers("DEFAULT:@SECLEVEL=0")
    async with gateway(**files) as call:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            async with wire(call.port, tls=client):
                pass


@pytest.mark.parametrize("sent", [b"", HEALTHZ, bytes(100), b"\x16\x03\x01\x02\x00\x01"])
async def test_what_never_becomes_tls_ends_and_gives_its_place_back(files: dict[str, Any], sent: bytes) -> None:
    before = refused("tls_handshake")
    async with gateway(gateway_head_seconds=0.5, gateway_connections=1, **files) as call:
        async with wire(call.port) as line:
            line.send(sent)
            assert b"HTTP" not in await line.rest(5)
        await until(lambda: gauge("connections") == 0)
        assert refused("tls_handshake") == before + 1


async def test_handshakes_under_way_count_as_connections(files: dict[str, Any], client: ssl.SSLContext) -> None:
    async with gateway(gateway_connections_per_address=1, **files) as call:
        with socket.create_connection(("127.0.0.1", call.port)):
            await until(lambda: gauge("connections") == 1)
            with pytest.raises((ssl.SSLError, ConnectionError)):
                async with wire(call.port, tls=client):
                    pass
        await until(lambda: gauge("connections") == 0)
        await serial_of(call.port, client)


async def test_large_bodies_pass_both_ways(files: dict[str, Any], client: ssl.SSLContext) -> None:
    async with gateway(**files) as call, wire(call.port, tls=client) as line:
        body = b"x" * 3_000_000
        line.send(request("POST", "/api/v1/accounts/1/events", f"Content-Length: {len(body)}", body=body))
        assert (await line.answer()).status == 401
        assert (await line.ask(HEALTHZ)).status == 200


@pytest.fixture
def renewed(files: dict[str, Any]) -> Certificate:
    return Certificate(files["gateway_tls_cert"], files["gateway_tls_key"])


async def test_a_renewed_certificate_is_shown_to_new_connections_and_old_ones_go_on(
    files: dict[str, Any], client: ssl.SSLContext, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.server.CERTIFICATE_SECONDS", 0.1)
    async with gateway(**files) as call, wire(call.port, tls=client) as old:
        first = await serial_of(call.port, client)
        for key_type in (trustme.KeyType.ECDSA, trustme.KeyType.RSA):
            write(authority, files["gateway_tls_cert"].parent, key_type)
            async with asyncio.timeout(10):
                while (second := await serial_of(call.port, client)) == first:  # noqa: ASYNC110 - another room's clock
                    await asyncio.sleep(0.05)
            first = second
        assert (await old.ask(HEALTHZ)).status == 200


async def test_a_renewal_that_cannot_be_used_leaves_the_old_certificate_until_one_can(
    renewed: Certificate, files: dict[str, Any], authority: trustme.CA
) -> None:
    cert, context = files["gateway_tls_cert"], renewed.context
    for broken in (b"nonsense", authority.issue_cert("localhost").cert_chain_pems[0].bytes(), b""):
        cert.write_bytes(broken)
        await renewed.renew()
        assert renewed.context is context
    cert.unlink()
    await renewed.renew()
    assert renewed.context is context
    write(authority, cert.parent)
    await renewed.renew()
    assert renewed.context is not context


async def test_files_that_did_not_change_are_not_read_again(renewed: Certificate) -> None:
    context = renewed.context
    await renewed.renew()
    assert renewed.context is context


def test_files_that_cannot_be_used_are_one_clear_line(
    files: dict[str, Any], authority: trustme.CA, tmp_path: Path
) -> None:
    cert, key = files["gateway_tls_cert"], files["gateway_tls_key"]
    other = tmp_path / "other.key"
    authority.issue_cert("localhost").private_key_pem.write_to_path(other)
    both = "RUNHOOK_GATEWAY_TLS_CERT, RUNHOOK_GATEWAY_TLS_KEY: are not a PEM certificate and its key: "
    for pair, line in (
        ((tmp_path / "no", key), f"RUNHOOK_GATEWAY_TLS_CERT: cannot read {tmp_path}/no: No such file or directory"),
        ((cert, tmp_path / "no"), f"RUNHOOK_GATEWAY_TLS_KEY: cannot read {tmp_path}/no: No such file or directory"),
        ((cert, tmp_path), f"RUNHOOK_GATEWAY_TLS_KEY: cannot read {tmp_path}: Is a directory"),
        ((key, key), both),
        ((cert, cert), both),
        ((cert, other), both),
    ):
        with pytest.raises(SettingsError) as caught:
            Certificate(*pair)
        [problem] = caught.value.problems
        assert problem.startswith(line)
        assert "PRIVATE" not in problem
