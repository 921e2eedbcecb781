"""Table subscription.signing_secret. Only sealed secrets enter it."""

from subscription_svc.store import Connection

INSERT_SECRET = """
insert into subscription.signing_secret (subscription_id, sealed)
values ($1, $2)
"""

DELETE_OF_SUBSCRIPTION = "delete from subscription.signing_secret where subscription_id = $1"


async def insert(connection: Connection, subscription_id: int, sealed: bytes) -> None:
    """Adds a secret that lives until another takes its place."""
    await connection.execute(INSERT_SECRET, subscription_id, sealed)


async def delete_of(connection: Connection, subscription_id: int) -> None:
    """Forgets a subscription's secrets."""
    await connection.execute(DELETE_OF_SUBSCRIPTION, subscription_id)
