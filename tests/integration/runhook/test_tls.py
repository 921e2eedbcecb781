"""TLS between a client and a server: roots of one's own, client certificates, and what is refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
import trustme
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1._async import HealthServicer

from runhook import Client, RetryPolicy, Tls, errors

QUICK = RetryPolicy(first_delay=0.05, longest_delay=0.1)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Whoever signs the certificates of this test."""
    return trustme.CA()


@asynccontextmanager
async def tls_server(authority: trustme.CA, *, asks_for_client: bool = False) -> AsyncIterator[str]:
    """A real server that speaks TLS, under the name localhost."""
    certificate = authority.issue_cert("localhost")
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    credentials = grpc.ssl_server_credentials(
        [(certificate.private_key_pem.bytes(), chain)],
        root_certificates=authority.cert_pem.bytes() if asks_for_client else None,
        require_client_auth=asks_for_client,
    )
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(HealthServicer(), server)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield f"localhost:{port}"
    finally:
        await server.stop(None)


async def code_of_a_call(target: str, **options: Any) -> str:
    """What a call ends with: UNIMPLEMENTED once it has reached the server."""
    async with Client(target, token="t", retry=QUICK, **options) as client:
        with pytest.raises(errors.RunhookError) as caught:
            await client.within(2).subscriptions.get(1, "wsu_1")
        return caught.value.code


async def test_a_server_is_known_by_roots_of_ones_own(authority: trustme.CA) -> None:
    async with tls_server(authority) as target:
        trusting = Tls(root_certificates=authority.cert_pem.bytes())
        assert await code_of_a_call(target, tls=trusting) == "UNIMPLEMENTED"


async def test_a_server_that_nobody_vouches_for_is_refused(authority: trustme.CA) -> None:
    async with tls_server(authority) as target:
        assert await code_of_a_call(target, tls=Tls()) == "UNAVAILABLE"
        assert await code_of_a_call(target) == "UNAVAILABLE"


async def test_a_client_proves_itself_with_its_certificate(authority: trustme.CA) -> None:
    own = authority.issue_cert("publisher")
    roots = authority.cert_pem.bytes()
    certificate = b"".join(blob.bytes() for blob in own.cert_chain_pems)
    async with tls_server(authority, asks_for_client=True) as target:
        proven = Tls(root_certificates=roots, client_certificate=certificate, client_key=own.private_key_pem.bytes())
        assert await code_of_a_call(target, tls=proven) == "UNIMPLEMENTED"
        assert await code_of_a_call(target, tls=Tls(root_certificates=roots)) == "UNAVAILABLE"
