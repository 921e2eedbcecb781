"""Table subscription.interest: the fan-out's lookup. Written in the transaction that changes the subscription."""

from collections.abc import Sequence

from subscription_svc.store import Connection

INSERT_INTERESTS = """
insert into subscription.interest (account_id, event_type, job_id, subscription_id)
select $1, wanted.event_type, wanted.job_id, $2
  from unnest($3::text[], $4::bigint[]) as wanted (event_type, job_id)
"""

DELETE_OF_SUBSCRIPTION = "delete from subscription.interest where subscription_id = $1"


async def insert(
    connection: Connection, account_id: int, subscription_id: int, wanted: Sequence[tuple[str, int]]
) -> None:
    """Adds (event type, job id) pairs, each of them new."""
    if wanted:
        event_types, job_ids = zip(*wanted, strict=True)
        await connection.execute(INSERT_INTERESTS, account_id, subscription_id, event_types, job_ids)


async def delete_of(connection: Connection, subscription_id: int) -> None:
    """Takes a subscription out of the fan-out."""
    await connection.execute(DELETE_OF_SUBSCRIPTION, subscription_id)
