"""The edge of the gateway as a process: settings that cannot be, certificates, a stop that its clients notice in time."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from tests.support.processes import process
from tests.support.service_process import free_port
from tests.support.wire import HEALTHZ, request, wire


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def pair(authority: trustme.CA, tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for localhost and its key."""
    made = authority.issue_cert("localhost")
    made.cert_chain_pems[0].write_to_path(tmp_path / "tls.crt")
    made.private_key_pem.write_to_path(tmp_path / "tls.key")
    return tmp_path / "tls.crt", tmp_path / "tls.key"


async def test_settings_that_cannot_be_are_one_clear_line(pair: tuple[Path, Path]) -> None:
    cert, key = pair
    bad: list[tuple[dict[str, object], str]] = [
        ({"GATEWAY_TLS_CERT": cert}, "RUNHOOK_GATEWAY_TLS_KEY: belong together: set both or neither"),
        ({"GATEWAY_TLS_CERT": cert, "GATEWAY_TLS_KEY": cert}, "are not a PEM certificate and its key"),
        (
            {"GATEWAY_TLS_CERT": f"{cert}x", "GATEWAY_TLS_KEY": key},
            f"RUNHOOK_GATEWAY_TLS_CERT: cannot read {cert}x: No ",
        ),
        ({"TRUSTED_PROXIES": "10.0.0.0/8, here"}, "RUNHOOK_TRUSTED_PROXIES: must be networks such as 10.0.0.0/8"),
    ]
    for settings, line in bad:
        async with process("gateway", {"GATEWAY_ADDRESS": "127.0.0.1:0"} | settings) as started:
            errors = await started.errors()
            assert (errors.count("\n"), started.process.returncode) == (1, 2)
            assert line in errors


async def readiness(address: str) -> int:
    host, _, port = address.rpartition(":")
    async with wire(int(port)) as probe:
        return (await probe.ask(request("GET", "/healthz", "Connection: close", host=host))).status


async def test_a_gateway_over_tls_is_no_longer_ready_before_its_door_closes(
    pair: tuple[Path, Path], authority: trustme.CA
) -> None:
    port, client = free_port(), ssl.create_default_context()
    authority.configure_trust(client)
    settings = {"GATEWAY_ADDRESS": f"127.0.0.1:{port}", "GATEWAY_TLS_CERT": pair[0], "GATEWAY_TLS_KEY": pair[1]}
    async with process("gateway", settings | {"GRACE_SECONDS": 5}) as started:
        await started.ready()
        async with wire(port, tls=client) as line:
            assert (await line.ask(HEALTHZ)).status == 200
            stopping = asyncio.create_task(started.stop())
            while await readiness(started.metrics) == 200:
                pass
            while "connection" not in (answer := await line.ask(HEALTHZ)).headers:
                assert answer.status == 200
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            assert await stopping == 0
