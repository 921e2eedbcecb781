"""Profiles of subscriptions in memory: read when first needed and again when their version moved, never on the hot path.

Every row that leases a delivery brings its subscription's version along, so a change of URL or secret holds from the next
claim or publish on, with no time to live and no message between services.
"""

import json
from collections import OrderedDict
from collections.abc import Iterable
from typing import cast

import asyncpg

from chassis.keyring import KeyRing
from chassis.logs import get_logger
from delivery_svc.delivery import Profile, Secret
from delivery_svc.head import custom_lines
from delivery_svc.sending.endpoint import Endpoint, parse_endpoint
from delivery_svc.store import subscription

log = get_logger()
MOST_REMEMBERED = 20_000


class Profiles:
    """Remembers up to 20,000 profiles, the longest unused forgotten first."""

    def __init__(self, pool: asyncpg.Pool, key_ring: KeyRing) -> None:
        self._pool = pool
        self._key_ring = key_ring
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


def _endpoint(client_url: str) -> Endpoint | None:
    try:
        return parse_endpoint(client_url)
    except ValueError:
        return None
