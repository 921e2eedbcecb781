"""gRPC over mutual TLS: who is let in, whom a channel believes, and papers that are renewed under both."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from chassis import identity
from chassis.channel import open_channel
from chassis.grpc_server import READINESS
from chassis.identity import Identity
from tests.support.papers import issue
from tests.support.service_process import free_port
from tests.support.things import SERVICE, Things, door, method

Papers = dict[str, Path]
Issue = Callable[..., Papers]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def papers(authority: trustme.CA, tmp_path: Path) -> Issue:
    """Issues papers for names into a folder, by the common authority unless told otherwise."""

    def of(folder: str, *names: str, by: trustme.CA = authority, trusts: bytes = b"") -> Papers:
        return issue(by, tmp_path / folder, *names, trusts=trusts)

    return of


@pytest.fixture(autouse=True)
def _look_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "LOOK_SECONDS", 0.0)


def who(papers: Papers) -> Identity:
    return Identity(*papers.values())


async def refused(channel: grpc.aio.Channel) -> bool:
    """Whether nobody answers over this channel."""
    async with channel:
        try:
            await method(channel)(timeout=5)
        except grpc.aio.AioRpcError as error:
            return error.code() is grpc.StatusCode.UNAVAILABLE
    return False


async def test_both_sides_prove_themselves(papers: Issue) -> None:
    client = who(papers("client", "gateway"))
    async with (
        door(Things(), papers=papers("server", "localhost")) as (port, _),
        open_channel(f"localhost:{port}", client) as channel,
    ):
        assert await method(channel)(timeout=5) == b"1"


async def test_streams_go_over_it_too(papers: Issue) -> None:
    client = who(papers("client", "gateway"))
    async with (
        door(Things(), papers=papers("server", "localhost")) as (port, _),
        open_channel(f"localhost:{port}", client) as channel,
    ):
        health: Any = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest(service=READINESS), timeout=5)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        watch.cancel()
        asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
        over: Any = channel
        reflection: Any = reflection_pb2_grpc.ServerReflectionStub(over)
        [answer] = [one async for one in reflection.ServerReflectionInfo(asked, timeout=5)]
        assert SERVICE in {service.name for service in answer.list_services_response.service}


async def test_who_has_no_certificate_of_the_authority_is_not_let_in(authority: trustme.CA, papers: Issue) -> None:
    stranger = who(papers("stranger", "gateway", by=trustme.CA(), trusts=authority.cert_pem.bytes()))
    only_roots = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    things = Things()
    async with door(things, papers=papers("server", "localhost")) as (port, _):
        assert await refused(open_channel(f"localhost:{port}"))
        assert await refused(grpc.aio.secure_channel(f"localhost:{port}", only_roots))
        assert await refused(open_channel(f"localhost:{port}", stranger))
    assert things.calls == 0


async def test_a_server_is_believed_only_under_its_own_name_and_by_its_own_authority(papers: Issue) -> None:
    client, things = who(papers("client", "gateway")), Things()
    async with door(things, papers=papers("another", "trigger-svc")) as (port, _):
        assert await refused(open_channel(f"localhost:{port}", client))
    async with door(things, papers=papers("false", "localhost", by=trustme.CA())) as (port, _):
        assert await refused(open_channel(f"localhost:{port}", client))
    async with door(things) as (port, _):
        assert await refused(open_channel(f"localhost:{port}", client))
    assert things.calls == 0


async def test_the_next_client_meets_a_servers_renewed_certificate(papers: Issue) -> None:
    async with door(Things(), papers=papers("server", "localhost")) as (port, _):
        first = await asyncio.to_thread(shown, port)
        assert await asyncio.to_thread(shown, port) == first
        papers("server", "localhost")
        assert await asyncio.to_thread(shown, port) != first
        async with open_channel(f"localhost:{port}", who(papers("client", "gateway"))) as channel:
            assert await method(channel)(timeout=5) == b"1"


def shown(port: int) -> str:
    """The certificate that a server shows."""
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=5)


async def test_an_authority_is_changed_under_a_channel_in_use_and_no_call_is_cut(
    authority: trustme.CA, papers: Issue
) -> None:
    """Both sides trust both, then the client gets a certificate of the new one, then the server trusts the new one alone."""
    new, things = trustme.CA(), Things()
    both = authority.cert_pem.bytes() + new.cert_pem.bytes()
    server = papers("server", "localhost", trusts=both)
    client, late = papers("client", "gateway"), who(papers("late", "gateway"))
    async with door(things, papers=server) as (port, _), open_channel(f"localhost:{port}", who(client)) as channel:
        get = method(channel)
        things.open.clear()
        under_way = asyncio.ensure_future(get(timeout=20))
        await things.taken.wait()
        papers("client", "gateway", by=new, trusts=both)
        server["TLS_CA_FILE"].write_bytes(new.cert_pem.bytes())
        assert await refused(open_channel(f"localhost:{port}", late))
        later = asyncio.ensure_future(get(timeout=20))
        things.taken.clear()
        await things.taken.wait()
        things.open.set()
        assert {await under_way, await later} == {b"2"}


async def test_a_stream_goes_on_over_the_channel_that_it_began_on(papers: Issue) -> None:
    client = papers("client", "gateway")
    async with (
        door(Things(), papers=papers("server", "localhost")) as (port, _),
        open_channel(f"localhost:{port}", who(client)) as channel,
    ):
        health: Any = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest(service=READINESS), timeout=20)
        await watch.read()
        next_word = asyncio.ensure_future(watch.read())
        papers("client", "gateway")
        assert await method(channel)(timeout=5) == b"1"
        await asyncio.wait([next_word], timeout=0.3)
        assert (next_word.done(), watch.done()) == (False, False)
        watch.cancel()
        next_word.cancel()


async def test_probes_ask_in_the_clear_at_an_address_of_their_own(papers: Issue) -> None:
    health = f"127.0.0.1:{free_port()}"
    async with door(Things(), health=health, papers=papers("server", "localhost")), open_channel(health) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        for name in ("", READINESS):
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await method(channel)(timeout=5)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
