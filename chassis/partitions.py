"""Until when there are partitions: a moment and no number of days, so that it is true while nobody looks, and comes nearer."""

import asyncpg
from prometheus_client import Gauge

PARTITIONS_END = Gauge(
    "runhook_database_partitions_end_seconds",
    "When the first of the service's partitioned tables has no partition left to store into, as Unix time; less than five "
    "days ahead, making them fails: see the log for loop.failed of prune or partitions.",
)
END = """
select coalesce(min(coalesce(t.last_day + 1, date 'epoch')) - date 'epoch', 0) * 86400.0::float8
  from (select p.oid, max(to_date(right(c.relname, 8), 'YYYYMMDD')) as last_day
          from pg_class p
          left join pg_inherits i on i.inhparent = p.oid
          left join pg_class c on c.oid = i.inhrelid
         where p.relkind = 'p' and p.relnamespace = to_regnamespace($1)
         group by p.oid) t
"""


async def note_end(pool: asyncpg.Pool, schema: str) -> None:
    """Measures it for the tables of a schema."""
    PARTITIONS_END.set(await pool.fetchval(END, schema))
