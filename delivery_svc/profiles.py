"""Profiles of subscriptions in memory: read when first needed and again when their version moved, never on the hot path.

Every row that leases a delivery brings its subscription's version along, so a change of URL or secret holds from the next
claim or publish on, with no time to live and no message between services.
"""

import json
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from typing import cast

import asyncpg

from chassis.keyring import KeyRing
from chassis.logs import get_logger
from delivery_svc.delivery import Profile, Secret
from delivery_svc.head import custom_lines
from delivery_svc.retry import RetryPolicy
from delivery_svc.sending.client_certificate import ClientCertificate
from delivery_svc.sending.endpoint import Endpoint, parse_endpoint
from delivery_svc.store import subscription

log = get_logger()
MOST_REMEMBERED = 20_000


class Profiles:
    """Remembers up to 20,000 profiles, the longest unused forgotten first. `retry` is the platform's schedule."""

    def __init__(self, pool: asyncpg.Pool, key_ring: KeyRing, retry: RetryPolicy) -> None:
        self._pool = pool
        self._key_ring = key_ring
        self._retry = retry
        self._known: OrderedDict[int, Profile] = OrderedDict()

    def get(self, subscription_id: int, version: int) -> Profile | None:
        """The profile at this version or a newer one, None when it has to be loaded."""
        profile = self._known.get(subscription_id)
        if profile is None or profile.version < version:
            return None
        self._known.move_to_end(subscription_id)
        return profile

    async def load(self, subscription_ids: Iterable[int]) -> None:
        """Reads these from the database; one statement for all."""
        for row in await subscription.load(self._pool, sorted(set(subscription_ids))):
            self._known[row["id"]] = self._profile(row)
            self._known.move_to_end(row["id"])
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)

    def _profile(self, row: asyncpg.Record) -> Profile:
        endpoint = _endpoint(row["client_url"])
        reason = "" if row["sendable"] else "subscription_inactive"
        secrets: tuple[Secret, ...] = ()
        custom: list[list[str]] = []
        try:
            secrets = self._secrets(row)
            custom = self._custom_headers(row)
            endpoint = self._showing(endpoint, row)
        except ValueError as error:
            log.error("secret.unreadable", subscription=row["public_id"], error=str(error))
            reason = reason or "secret_unreadable"
        if endpoint is None:
            reason = reason or "client_url_invalid"
        return Profile(
            subscription_id=row["id"],
            version=row["version"],
            public_id=row["public_id"],
            name=row["name"],
            endpoint=endpoint,
            secrets=secrets,
            custom_head=custom_lines(custom),
            custom_names=" ".join(name for name, _ in custom),
            unsendable=reason,
            retry=self._own_retry(row),
            concurrency=row["concurrency"],
            rate_per_second=row["rate_per_second"],
        )

    def _own_retry(self, row: asyncpg.Record) -> RetryPolicy | None:
        delays, jitter = row["retry_delays"], row["retry_jitter"]
        if delays is None and jitter is None:
            return None
        return replace(
            self._retry,
            delays=self._retry.delays if delays is None else tuple(delays),
            jitter=self._retry.jitter if jitter is None else jitter,
        )

    def _secrets(self, row: asyncpg.Record) -> tuple[Secret, ...]:
        """ValueError when there is none that lasts, or one that the key ring does not open."""
        if None not in row["secret_expiries"]:
            raise ValueError("the subscription has no lasting signing secret")
        name = f"signing_secret:{row['id']}"
        pairs = zip(row["sealed_secrets"], row["secret_expiries"], strict=True)
        return tuple(Secret(self._key_ring.open(sealed, name), expires_us) for sealed, expires_us in pairs)

    def _custom_headers(self, row: asyncpg.Record) -> list[list[str]]:
        """Name and value pairs."""
        if row["sealed_headers"] is None:
            return []
        opened = self._key_ring.open(row["sealed_headers"], f"custom_headers:{row['id']}")
        return cast(list[list[str]], json.loads(opened))

    def _showing(self, endpoint: Endpoint | None, row: asyncpg.Record) -> Endpoint | None:
        """The endpoint with the certificate that it is shown, when there is one and it speaks TLS."""
        if row["sealed_certificate"] is None or endpoint is None or not endpoint.tls:
            return endpoint
        opened = self._key_ring.open(row["sealed_certificate"], f"client_certificate:{row['id']}")
        pair = json.loads(opened)
        client = ClientCertificate(pair["certificate_chain"].encode(), pair["private_key"].encode())
        return replace(endpoint, client=client)


def _endpoint(client_url: str) -> Endpoint | None:
    try:
        return parse_endpoint(client_url)
    except ValueError:
        return None
