"""The SQL of subscription_svc, one file per table. Invariant: a deleted subscription is never returned."""

import asyncpg
from asyncpg.pool import PoolConnectionProxy

#: What a pool hands out, inside a transaction of the caller's.
Connection = asyncpg.Connection | PoolConnectionProxy
