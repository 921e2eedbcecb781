"""The server: its version, what it does for durability, its connections and its memory."""

from chassis.settings import ServiceSettings
from schema.examination.finding import Check, Fact, Facts, Finding, bad, ok, together, warn

OLDEST_MAJOR = 15
#: Each of them off loses what was acknowledged: at a crash, or by a torn page.
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
#: Connections of one process unless its RUNHOOK_DATABASE_POOL_SIZE says otherwise.
POOL_SIZE: int = ServiceSettings.model_fields["database_pool_size"].default
MEGABYTE = 1 << 20
SHARED_BUFFERS = 128 * MEGABYTE
MAX_WAL_SIZE = 1024 * MEGABYTE

READ_VERSION = """
select current_setting('server_version_num')::int as number,
       current_setting('server_version') as version,
       pg_is_in_recovery() as is_standby
"""

READ_DURABILITY = """
select name, setting
  from pg_settings
 where name in ('fsync', 'full_page_writes', 'synchronous_commit')
"""

# Without pg_read_all_stats the kind of other people's sessions is hidden, and so is where they come from.
READ_CONNECTIONS = """
select current_setting('max_connections')::int
       - current_setting('superuser_reserved_connections')::int
       - coalesce(current_setting('reserved_connections', true)::int, 0) as usable,
       (select count(*) from pg_stat_activity
         where backend_type = 'client backend' or (backend_type is null and datname is not null)) as used,
       greatest(
           (select count(*) from delivery.pod where dead_at is null),
           (select count(distinct client_addr) from pg_stat_activity where usename = 'runhook_delivery')) as delivery,
       (select count(distinct client_addr) from pg_stat_activity
         where usename = 'runhook_subscription') as subscription,
       (select count(distinct client_addr) from pg_stat_activity where usename = 'runhook_trigger') as trigger
"""

READ_MEMORY = """
select pg_size_bytes(current_setting('shared_buffers')) as shared_buffers,
       pg_size_bytes(current_setting('max_wal_size')) as max_wal_size
"""


def judge_version(facts: Facts) -> Finding:
    """Old enough to lack what the migrations use, or no primary."""
    [fact] = facts
    found = f"PostgreSQL {fact['version']}"
    if fact["number"] < OLDEST_MAJOR * 10_000:
        return bad(f"{found} is too old", f"upgrade to PostgreSQL {OLDEST_MAJOR} or later")
    if fact["is_standby"]:
        return bad(f"{found} is a standby: nothing can be written", "give the URL of the primary to all processes")
    return ok(found)


def judge_durability(facts: Facts) -> Finding:
    """Each setting that is off is one way to lose what was acknowledged."""
    values = {fact["name"]: fact["setting"] for fact in facts}
    off = [name for name in DURABLE if values.get(name) == "off"]
    if not off:
        return ok(", ".join(f"{name} {values.get(name)}" for name in DURABLE))
    commands = "; ".join(f"ALTER SYSTEM SET {name} = on" for name in off)
    return bad(
        f"{', '.join(off)} off: a crash loses what was acknowledged",
        f"{commands}; SELECT pg_reload_conf(); mind options on the server's command line",
    )


def judge_connections(facts: Facts) -> Finding:
    """What is in use, and what the processes that are seen may ask for at most."""
    [fact] = facts
    processes = fact["delivery"] + fact["subscription"] + fact["trigger"]
    asked = processes * POOL_SIZE
    found = f"{fact['used']} of {fact['usable']} connections in use, {processes} processes may ask for {asked}"
    advice = "raise max_connections (needs a restart), or lower RUNHOOK_DATABASE_POOL_SIZE, or run fewer processes"
    if fact["used"] >= fact["usable"]:
        return bad(found, advice)
    if asked > fact["usable"] or fact["used"] > 0.8 * fact["usable"]:
        return warn(found, advice)
    return ok(found)


def judge_memory(facts: Facts) -> Finding:
    """Sizes that cost speed, so never more than a hint."""
    [fact] = facts
    small = [_small(fact, "shared_buffers", SHARED_BUFFERS), _small(fact, "max_wal_size", MAX_WAL_SIZE)]
    well = f"shared_buffers {_megabytes(fact['shared_buffers'])}, max_wal_size {_megabytes(fact['max_wal_size'])}"
    return together([finding for finding in small if finding], well)


def _small(fact: Fact, name: str, least: int) -> Finding | None:
    if fact[name] >= least:
        return None
    return warn(f"{name} is {_megabytes(fact[name])}", f"set {name} to {_megabytes(least)} or more")


def _megabytes(number: int) -> str:
    return f"{number // MEGABYTE} MB"


CHECKS = (
    Check(name="server", statement=READ_VERSION, judge=judge_version),
    Check(name="durability", statement=READ_DURABILITY, judge=judge_durability),
    Check(name="connections", statement=READ_CONNECTIONS, judge=judge_connections),
    Check(name="memory", statement=READ_MEMORY, judge=judge_memory),
)
