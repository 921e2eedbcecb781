"""Autovacuum of the tables that every delivery and every call changes: its settings, and whether it keeps up.

Invariant: TABLES is what the migrations set on the tables; a test compares the two.
"""

from collections.abc import Mapping

from schema.examination.finding import Check, Fact, Facts, Finding, bad, ok, seconds, together, warn

_QUICK = {"autovacuum_vacuum_scale_factor": "0", "autovacuum_vacuum_threshold": "5000"}
_QUICK_AND_FREE = {**_QUICK, "autovacuum_vacuum_cost_delay": "0"}

TABLES: Mapping[str, Mapping[str, str]] = {
    "delivery.lane": _QUICK,
    "delivery.pod": {**_QUICK, "autovacuum_vacuum_threshold": "1000"},
    "delivery.queue": {
        "autovacuum_vacuum_scale_factor": "0",
        "autovacuum_vacuum_threshold": "20000",
        "autovacuum_vacuum_cost_delay": "0",
        "autovacuum_vacuum_insert_threshold": "-1",
        "autovacuum_analyze_scale_factor": "0",
        "autovacuum_analyze_threshold": "20000",
    },
    "trigger.execution": _QUICK_AND_FREE,
    "trigger.head": {**_QUICK, "autovacuum_vacuum_threshold": "2000"},
    "trigger.outbox": _QUICK_AND_FREE,
    "trigger.pod": {**_QUICK, "autovacuum_vacuum_threshold": "1000"},
    "trigger.run": _QUICK_AND_FREE,
    "trigger.window": _QUICK_AND_FREE,
}
#: A queue's dead rows are made by the second; a minute without a look makes every claim slower.
NAPTIME_SECONDS = 15
#: Dead rows, in thresholds of the table: some are made between two looks.
MANY, FAR_TOO_MANY = 5, 25

READ_AUTOVACUUM = """
select current_setting('autovacuum') as autovacuum, current_setting('track_counts') as track_counts,
       (select s.setting::int from pg_settings s where s.name = 'autovacuum_naptime') as naptime_seconds
"""

READ_TABLES = """
select wanted.name, coalesce(c.reloptions, '{}') as options
  from unnest($1::text[]) as wanted (name)
  join pg_class c on c.oid = to_regclass(wanted.name)
 order by wanted.name
"""

READ_DEAD_ROWS = """
select wanted.name, s.n_live_tup as live, s.n_dead_tup as dead,
       extract(epoch from clock_timestamp() - greatest(s.last_autovacuum, s.last_vacuum))::float8 as vacuumed_seconds_ago
  from unnest($1::text[]) as wanted (name)
  join pg_stat_all_tables s on s.relid = to_regclass(wanted.name)
 order by wanted.name
"""


def judge_autovacuum(facts: Facts) -> Finding:
    """Whether it runs at all, and looks often enough."""
    [fact] = facts
    off = [name for name in ("autovacuum", "track_counts") if fact[name] == "off"]
    if off:
        commands = "; ".join(f"ALTER SYSTEM SET {name} = on" for name in off)
        return bad(f"{', '.join(off)} off: dead rows are never removed", f"{commands}; SELECT pg_reload_conf()")
    found = f"looks every {fact['naptime_seconds']} s"
    if fact["naptime_seconds"] > NAPTIME_SECONDS:
        return warn(found, "ALTER SYSTEM SET autovacuum_naptime = '5s'; SELECT pg_reload_conf()")
    return ok(found)


def judge_tables(facts: Facts) -> Finding:
    """Settings that the migrations gave and somebody took or changed."""
    findings = [finding for fact in facts for finding in _of_table(fact)]
    return together(findings, f"{len(facts)} tables have the settings of the migrations")


def _of_table(fact: Fact) -> list[Finding]:
    name = fact["name"]
    options = dict(entry.split("=", 1) for entry in fact["options"])
    findings = []
    if options.get("autovacuum_enabled", "on") in ("off", "false"):
        findings.append(bad(f"{name} is never vacuumed", f"ALTER TABLE {name} RESET (autovacuum_enabled)"))
    wanted = TABLES[name]
    lacking = {key: value for key, value in wanted.items() if key not in options}
    other = {key: value for key, value in wanted.items() if key in options and options[key] != value}
    if lacking:
        findings.append(bad(f"{name} has no {', '.join(lacking)}", _set(name, lacking)))
    if other:
        values = ", ".join(f"{key} {options[key]} instead of {value}" for key, value in other.items())
        findings.append(warn(f"{name} has {values}", _set(name, other)))
    return findings


def judge_dead_rows(facts: Facts) -> Finding:
    """Dead rows against the number at which autovacuum is to begin, so that a large table is judged like a small one."""
    findings = []
    for fact in facts:
        thresholds = fact["dead"] / int(TABLES[fact["name"]]["autovacuum_vacuum_threshold"])
        if thresholds < MANY:
            continue
        ago = fact["vacuumed_seconds_ago"]
        when = "never vacuumed" if ago is None else f"last vacuumed {seconds(ago)} ago"
        found = f"{fact['name']} has {fact['dead']:,} dead rows beside {fact['live']:,} living, {when}"
        say = bad if thresholds >= FAR_TOO_MANY else warn
        findings.append(say(found, f"see transactions and autovacuum; then VACUUM {fact['name']}"))
    dead = sum(fact["dead"] for fact in facts)
    return together(findings, f"{dead:,} in {len(facts)} tables")


def _set(table: str, options: Mapping[str, str]) -> str:
    return f"ALTER TABLE {table} SET ({', '.join(f'{key} = {value}' for key, value in options.items())})"


CHECKS = (
    Check(name="autovacuum", statement=READ_AUTOVACUUM, judge=judge_autovacuum),
    Check(name="vacuum settings", statement=READ_TABLES, judge=judge_tables, arguments=(list(TABLES),)),
    Check(name="dead rows", statement=READ_DEAD_ROWS, judge=judge_dead_rows, arguments=(list(TABLES),)),
)
