"""What keeps vacuum from removing dead rows: old snapshots, prepared transactions, replication slots; and who forgot one.

Invariant: where the doctor may not see other people's sessions, it says so and does not call that well.
"""

from collections.abc import Sequence

from schema.examination.finding import Check, Fact, Facts, Finding, bad, seconds, together, warn

LONG_SECONDS, TOO_LONG_SECONDS = 60.0, 900.0
#: The services' roles end theirs after 5 s.
IDLE_SECONDS, IDLE_TOO_LONG_SECONDS = 10.0, 300.0
PREPARED_SECONDS, PREPARED_TOO_LONG_SECONDS = 60.0, 900.0
#: Transactions behind the newest: some minutes of a busy platform, and some hours.
SLOT_TRANSACTIONS, SLOT_TOO_MANY_TRANSACTIONS = 1_000_000, 20_000_000
SLOT_WAL_BYTES = 10 << 30
_MAY_NOT_SEE = "other users' sessions are hidden from {user}"

# A session of another database holds nothing back here. A row of the view hides its moments from those who may not see it.
READ_TRANSACTIONS = """
select current_user::text as doctor, pg_has_role('pg_read_all_stats', 'usage') as sees_all,
       a.pid, a.usename::text as who, a.application_name as program, a.state,
       extract(epoch from clock_timestamp() - a.xact_start)::float8 as open_seconds,
       a.backend_xmin is not null or a.backend_xid is not null as holds_back
  from (select) as always
  left join pg_stat_activity a
         on a.datname = current_database() and a.pid <> pg_backend_pid() and a.xact_start is not null
        and a.backend_type = 'client backend'
 order by a.xact_start
"""

READ_IDLE = """
select current_user::text as doctor, pg_has_role('pg_read_all_stats', 'usage') as sees_all,
       a.pid, a.usename::text as who, a.application_name as program,
       extract(epoch from clock_timestamp() - a.state_change)::float8 as idle_seconds
  from (select) as always
  left join pg_stat_activity a
         on a.datname = current_database() and a.state in ('idle in transaction', 'idle in transaction (aborted)')
 order by a.state_change
"""

READ_PREPARED = """
select gid, owner::text as who, extract(epoch from clock_timestamp() - prepared)::float8 as open_seconds
  from pg_prepared_xacts
 where database = current_database()
 order by prepared
"""

READ_SLOTS = """
select slot_name::text as name, active, coalesce(age(xmin), 0) as transactions,
       case when pg_is_in_recovery() then 0
            else coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0) end::bigint as wal_bytes
  from pg_replication_slots
 order by slot_name
"""


def judge_transactions(facts: Facts) -> Finding:
    """The oldest first, as the statement returns them."""
    opened = [fact for fact in facts if fact["pid"] is not None and fact["holds_back"]]
    findings = [
        (bad if fact["open_seconds"] >= TOO_LONG_SECONDS else warn)(
            f"{_who(fact)} has held back vacuum for {seconds(fact['open_seconds'])} ({fact['state']})", _end(fact)
        )
        for fact in opened
        if fact["open_seconds"] >= LONG_SECONDS
    ]
    oldest = f"the oldest is {seconds(opened[0]['open_seconds'])} old" if opened else "none is open"
    return _as_seen(facts, findings, oldest)


def judge_idle(facts: Facts) -> Finding:
    """Sessions that began a transaction and then did nothing."""
    findings = [
        (bad if fact["idle_seconds"] >= IDLE_TOO_LONG_SECONDS else warn)(
            f"{_who(fact)} has been idle in its transaction for {seconds(fact['idle_seconds'])}", _end(fact)
        )
        for fact in facts
        if fact["pid"] is not None and fact["idle_seconds"] >= IDLE_SECONDS
    ]
    return _as_seen(facts, findings, f"none for longer than {seconds(IDLE_SECONDS)}")


def judge_prepared(facts: Facts) -> Finding:
    """Nothing of ours prepares transactions, so whatever is there was left by somebody."""
    findings = [
        (bad if fact["open_seconds"] >= PREPARED_TOO_LONG_SECONDS else warn)(
            f"{fact['gid']} of {fact['who']} was prepared {seconds(fact['open_seconds'])} ago",
            f"ask who prepared it, then ROLLBACK PREPARED '{fact['gid']}' or commit it",
        )
        for fact in facts
        if fact["open_seconds"] >= PREPARED_SECONDS
    ]
    return together(findings, "none is old")


def judge_slots(facts: Facts) -> Finding:
    """By the transactions and the log that a slot keeps: it has no moment of its own."""
    return together([finding for fact in facts for finding in _of_slot(fact)], f"{len(facts)} slots, none is behind")


def _of_slot(fact: Fact) -> list[Finding]:
    name, state = fact["name"], "in use" if fact["active"] else "of nobody"
    advice = f"bring its reader back, or SELECT pg_drop_replication_slot('{name}')"
    findings = []
    if fact["transactions"] >= SLOT_TRANSACTIONS:
        say = bad if fact["transactions"] >= SLOT_TOO_MANY_TRANSACTIONS else warn
        findings.append(say(f"slot {name} ({state}) holds back {fact['transactions']:,} transactions", advice))
    if fact["wal_bytes"] >= SLOT_WAL_BYTES:
        findings.append(warn(f"slot {name} ({state}) keeps {fact['wal_bytes'] >> 30} GiB of log on the disk", advice))
    return findings


def _as_seen(facts: Facts, findings: Sequence[Finding], well: str) -> Finding:
    if facts[0]["sees_all"]:
        return together(findings, well)
    user = facts[0]["doctor"]
    hidden = warn(_MAY_NOT_SEE.format(user=user), f"as a superuser: GRANT pg_read_all_stats TO {user}")
    return together([*findings, hidden], well)


def _who(fact: Fact) -> str:
    program = f", {fact['program']}" if fact["program"] else ""
    return f"process {fact['pid']} ({fact['who']}{program})"


def _end(fact: Fact) -> str:
    return f"find out what it does; SELECT pg_terminate_backend({fact['pid']}) ends it"


CHECKS = (
    Check(name="transactions", statement=READ_TRANSACTIONS, judge=judge_transactions),
    Check(name="idle in transaction", statement=READ_IDLE, judge=judge_idle),
    Check(name="prepared transactions", statement=READ_PREPARED, judge=judge_prepared),
    Check(name="replication slots", statement=READ_SLOTS, judge=judge_slots),
)
