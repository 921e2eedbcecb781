"""Client certificates on their way out: each subscription shows its own, from the next delivery on after a change."""

import json
import ssl
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import trustme

from tests.support.delivery import KEY_RING, DeliveryService, add_subscription, an_event, delivery_service
from tests.support.postgres import Database
from tests.support.receiver import Peer, Receiver, Request

SET = """
insert into subscription.secret_setting (subscription_id, kind, sealed) values ($1, 'client_certificate', $2)
on conflict (subscription_id, kind) do update set sealed = excluded.sealed
"""


class Bank(Receiver):
    """A receiver that demands a certificate, and notes whose it was shown at each request."""

    def __init__(self, authority: trustme.CA) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        self.names: list[str | None] = []

        async def note(peer: Peer, request: Request) -> None:
            self.names.append(peer.client_name)
            await peer.answer(200)

        super().__init__(note, tls=context)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trust(authority: trustme.CA, tmp_path: Path) -> dict[str, Any]:
    """Settings of a delivery_svc that trusts the authority."""
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return {"delivery_ca_file": str(file), "delivery_retry_delays_seconds": ""}


async def _show(
    database: Database, key: int, certificate: trustme.LeafCert, *, name: str = "client_certificate"
) -> None:
    pair = {
        "certificate_chain": "".join(pem.bytes().decode() for pem in certificate.cert_chain_pems),
        "private_key": certificate.private_key_pem.bytes().decode(),
    }
    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute(SET, key, KEY_RING.seal(json.dumps(pair).encode(), f"{name}:{key}"))
        await connection.execute("update subscription.subscription set version = version + 1 where id = $1", key)
    finally:
        await connection.close()


async def _attempt(service: DeliveryService) -> asyncpg.Record:
    await service.drained()
    [row] = await service.pool.fetch(
        "select t.error, t.phase, t.detail, d.state, d.reason from delivery.delivery d"
        " left join delivery.attempt t on t.delivery_id = d.id"
    )
    return row


async def test_two_subscriptions_at_one_host_show_each_its_own(
    database: Database, authority: trustme.CA, trust: dict[str, Any]
) -> None:
    async with Bank(authority) as bank, delivery_service(database, **trust) as service:
        for name in ("one.example", "two.example"):
            key, _ = await add_subscription(database, bank.url, name=name)
            await _show(database, key, authority.issue_cert(name))
        for run_id in range(1, 6):
            await service.publish(an_event(run_id=run_id))
            await service.drained()
        shown = {
            (request.body.split(b'"webhookName":"')[1][:3], name)
            for request, name in zip(bank.requests, bank.names, strict=True)
        }
        connections = bank.connections
    assert shown == {(b"one", "one.example"), (b"two", "two.example")}
    assert (len(bank.requests), connections) == (10, 2)


async def test_a_new_certificate_holds_from_the_next_delivery_on(
    database: Database, authority: trustme.CA, trust: dict[str, Any]
) -> None:
    async with Bank(authority) as bank, delivery_service(database, **trust) as service:
        key, _ = await add_subscription(database, bank.url)
        for name in ("old.example", "new.example"):
            await _show(database, key, authority.issue_cert(name))
            await service.publish(an_event())
            await service.drained()
    assert bank.names == ["old.example", "new.example"]


async def test_without_one_nothing_is_delivered_where_one_is_demanded(
    database: Database, authority: trustme.CA, trust: dict[str, Any]
) -> None:
    async with Bank(authority) as bank, delivery_service(database, **trust) as service:
        await add_subscription(database, bank.url)
        await service.publish(an_event())
        row = await _attempt(service)
    assert (row["state"], row["error"] in ("tls", "reset"), bank.names) == ("FAILED", True, [])


async def test_a_pair_that_is_none_is_told_in_the_attempt(
    database: Database, authority: trustme.CA, trust: dict[str, Any]
) -> None:
    mixed = trustme.CA().issue_cert("one.example")
    mixed.cert_chain_pems[:] = authority.issue_cert("one.example").cert_chain_pems
    async with Bank(authority) as bank, delivery_service(database, **trust) as service:
        key, _ = await add_subscription(database, bank.url)
        await _show(database, key, mixed)
        await service.publish(an_event())
        row = await _attempt(service)
        connections = bank.connections
    assert (row["state"], row["error"], row["phase"], connections) == ("FAILED", "tls", "tls", 0)
    assert (
        row["detail"] == "The client certificate or its private key cannot be read: give the subscription both again."
    )


async def test_one_that_no_key_opens_cancels_the_delivery_and_says_why(
    database: Database, authority: trustme.CA, trust: dict[str, Any]
) -> None:
    async with Bank(authority) as bank, delivery_service(database, **trust) as service:
        key, _ = await add_subscription(database, bank.url)
        await _show(database, key, authority.issue_cert("one.example"), name="another row")
        await service.publish(an_event())
        row = await _attempt(service)
    assert (row["state"], row["reason"], bank.names) == ("CANCELLED", "secret_unreadable", [])


async def test_a_plain_endpoint_is_delivered_to_as_ever(
    database: Database, authority: trustme.CA, trust: dict[str, Any]
) -> None:
    async with Receiver() as receiver, delivery_service(database, **trust) as service:
        key, _ = await add_subscription(database, receiver.url)
        await _show(database, key, authority.issue_cert("one.example"))
        await service.publish(an_event())
        await receiver.request(1)
