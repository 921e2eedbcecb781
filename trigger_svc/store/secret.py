"""What is kept sealed for a trigger: the tokens of its URL, the secrets of its verification."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from asyncpg.pool import PoolConnectionProxy

LIST_TOKENS = """
select sealed, expires_at from trigger.token
 where trigger_id = $1 and (expires_at is null or expires_at > clock_timestamp())
 order by expires_at nulls first
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """A token that answers. `expires_at` is None for the one that lives on."""

    sealed: bytes = field(repr=False)
    expires_at: datetime | None


async def tokens(connection: PoolConnectionProxy, trigger_id: int) -> list[StoredToken]:
    """The tokens that lead to a trigger, the one that lives on first."""
    return [StoredToken(**row) for row in await connection.fetch(LIST_TOKENS, trigger_id)]


INSERT_TOKEN = "insert into trigger.token (token_hash, trigger_id, sealed) values ($1, $2, $3)"


async def insert_token(connection: PoolConnectionProxy, token_hash: bytes, trigger_id: int, sealed: bytes) -> None:
    """Makes a token lead to a trigger."""
    await connection.execute(INSERT_TOKEN, token_hash, trigger_id, sealed)


DELETE_OLD_TOKENS = "delete from trigger.token where trigger_id = $1 and ($2 = 0 or expires_at is not null)"
EXPIRE_TOKEN = """
update trigger.token set expires_at = clock_timestamp() + make_interval(secs => $2) where trigger_id = $1
"""


async def retire_tokens(connection: PoolConnectionProxy, trigger_id: int, *, grace_seconds: float) -> None:
    """Lets the present token answer for so long; those before it no longer."""
    await connection.execute(DELETE_OLD_TOKENS, trigger_id, grace_seconds)
    await connection.execute(EXPIRE_TOKEN, trigger_id, grace_seconds)


LIST_SECRETS = "select sealed from trigger.verification_secret where trigger_id = $1 order by place"
DELETE_SECRETS = "delete from trigger.verification_secret where trigger_id = $1"
INSERT_SECRETS = """
insert into trigger.verification_secret (trigger_id, place, sealed)
select $1, n.place, n.sealed from unnest($2::bytea[]) with ordinality as n (sealed, place)
"""


async def verification_secrets(connection: PoolConnectionProxy, trigger_id: int) -> list[bytes]:
    """The sealed secrets, in their order."""
    return [row["sealed"] for row in await connection.fetch(LIST_SECRETS, trigger_id)]


async def replace_verification_secrets(
    connection: PoolConnectionProxy, trigger_id: int, sealed: Sequence[bytes]
) -> None:
    """Keeps these and no others."""
    await connection.execute(DELETE_SECRETS, trigger_id)
    await connection.execute(INSERT_SECRETS, trigger_id, list(sealed))
