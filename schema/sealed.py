"""Every column that holds sealed values, and how its rows are read and re-encrypted.

Invariant: a row is changed only while it still holds the very value that was read, so that whoever writes it meanwhile wins.
The names that values are bound to are those under which their owners seal and open them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import asyncpg

READ_SIGNING_SECRETS = """
select id, subscription_id, sealed
  from subscription.signing_secret
 where id > $1
 order by id
 limit $2
"""

CHANGE_SIGNING_SECRET = """
update subscription.signing_secret
   set sealed = $3
 where id = $1
   and sealed = $2
"""

READ_SECRET_SETTINGS = """
select subscription_id, kind, sealed
  from subscription.secret_setting
 where (subscription_id, kind) > ($1, $2)
 order by subscription_id, kind
 limit $3
"""

CHANGE_SECRET_SETTING = """
update subscription.secret_setting
   set sealed = $4
 where subscription_id = $1
   and kind = $2
   and sealed = $3
"""

READ_TRIGGER_TOKENS = """
select token_hash, trigger_id, sealed
  from trigger.token
 where token_hash > $1
 order by token_hash
 limit $2
"""

CHANGE_TRIGGER_TOKEN = """
update trigger.token
   set sealed = $3
 where token_hash = $1
   and sealed = $2
"""

READ_VERIFICATION_SECRETS = """
select trigger_id, place, sealed
  from trigger.verification_secret
 where (trigger_id, place) > ($1, $2)
 order by trigger_id, place
 limit $3
"""

CHANGE_VERIFICATION_SECRET = """
update trigger.verification_secret
   set sealed = $4
 where trigger_id = $1
   and place = $2
   and sealed = $3
"""


@dataclass(frozen=True, kw_only=True)
class SealedColumn:
    """A table with a column `sealed`.

    `read` takes a key and a number of rows, `change` a key, the sealed value that was read and the new one. `key` names the
    columns of the key, `before_all` is below every key; `row_name` is what a row's value is bound to.
    """

    table: str
    key: tuple[str, ...]
    before_all: tuple[object, ...]
    read: str
    change: str
    row_name: Callable[[asyncpg.Record], str]


SEALED_COLUMNS = (
    SealedColumn(
        table="subscription.signing_secret",
        key=("id",),
        before_all=(0,),
        read=READ_SIGNING_SECRETS,
        change=CHANGE_SIGNING_SECRET,
        row_name=lambda row: f"signing_secret:{row['subscription_id']}",
    ),
    SealedColumn(
        table="subscription.secret_setting",
        key=("subscription_id", "kind"),
        before_all=(0, ""),
        read=READ_SECRET_SETTINGS,
        change=CHANGE_SECRET_SETTING,
        row_name=lambda row: f"{row['kind']}:{row['subscription_id']}",
    ),
    SealedColumn(
        table="trigger.token",
        key=("token_hash",),
        before_all=(b"",),
        read=READ_TRIGGER_TOKENS,
        change=CHANGE_TRIGGER_TOKEN,
        row_name=lambda row: f"trigger_token:{row['trigger_id']}",
    ),
    SealedColumn(
        table="trigger.verification_secret",
        key=("trigger_id", "place"),
        before_all=(0, 0),
        read=READ_VERIFICATION_SECRETS,
        change=CHANGE_VERIFICATION_SECRET,
        row_name=lambda row: f"verification:{row['trigger_id']}",
    ),
)
