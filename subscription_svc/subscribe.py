"""Makes a subscription and its signing secret. Invariant: no account exceeds its limit, however many ask at once."""

from dataclasses import dataclass

import asyncpg

from chassis.errors import InvalidInput, NotFound, ResourceExhausted
from chassis.ids import ksuid
from chassis.keyring import KeyRing
from chassis.logs import get_logger
from subscription_svc import metrics
from subscription_svc.secret import new_secret, row_name
from subscription_svc.store import Connection, account, interest, signing_secret
from subscription_svc.store import subscription as store
from subscription_svc.subscription import Configuration, Subscription, broken_rules, event_types_of, interests

log = get_logger()
#: As the table has it for what is new.
FIRST_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """Makes subscriptions: in which database, sealed by which key ring, at most how many an account; whose may want more."""

    pool: asyncpg.Pool
    key_ring: KeyRing
    most_per_account: int
    operator_account_id: int | None

    async def subscribe(self, account_id: int, wish: Configuration) -> tuple[Subscription, str]:
        """The new subscription and its secret, which nobody can read again.

        InvalidInput names every bad field; NotFound when there is no such account; ResourceExhausted at its limit.
        """
        if bad := broken_rules(wish, event_types_of(account_id, self.operator_account_id)):
            raise InvalidInput(bad)
        async with self.pool.acquire() as connection, connection.transaction():
            made, secret = await self._insert(connection, account_id, wish)
        metrics.CREATED.inc()
        log.info("subscription.created", account=account_id, subscription=made.public_id)
        return made, secret

    async def _insert(self, connection: Connection, account_id: int, wish: Configuration) -> tuple[Subscription, str]:
        owner = await account.lock(connection, account_id)
        if owner is None:
            raise NotFound("ACCOUNT_NOT_FOUND", "there is no such account")
        if await store.count(connection, account_id) >= self.most_per_account:
            message = f"the account has its {self.most_per_account:,} subscriptions: delete one first"
            raise ResourceExhausted("SUBSCRIPTION_LIMIT", message)
        public_id = "wsu_" + ksuid(int(owner.now.timestamp()))
        subscription_id = await store.insert(
            connection, public_id=public_id, account_id=account_id, wish=wish, now=owner.now
        )
        secret = new_secret()
        sealed = self.key_ring.seal(secret.encode(), row_name(subscription_id))
        await signing_secret.insert(connection, subscription_id, sealed)
        await interest.insert(connection, account_id, subscription_id, interests(wish))
        made = Subscription(
            id=subscription_id,
            public_id=public_id,
            account_id=account_id,
            account_identifier=owner.public_id,
            configuration=wish,
            deactivate_reason=None,
            created_at=owner.now,
            updated_at=owner.now,
            version=FIRST_VERSION,
            last_status_code=0,
            last_attempt_at=None,
        )
        return made, secret
