"""The doctor's judgements over facts as the database would tell them, where breaking a server for it would be much ado."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from schema import FOLDER
from schema.examination import clock, held_back, login_roles, server, vacuum
from schema.examination.finding import Finding, Level, bad, together, warn, worst
from schema.roles import ROLES

_TABLE = re.compile(r"^CREATE TABLE ([\w.\"]+) \([^;]*?\)\s*WITH \(([^)]*)\);", re.MULTILINE)
_OPTION = re.compile(r"(autovacuum_\w+)='(-?\d+)'")


def test_the_worst_finding_goes_first_and_gives_its_level() -> None:
    both = together([warn("a", "do a"), bad("b", "do b"), warn("c", "do a")], "well")
    assert both == Finding(level=Level.BAD, found="b; a; c", advice="do b; do a")
    assert together([], "well") == Finding(level=Level.OK, found="well")
    assert worst([]) is Level.OK


@pytest.mark.parametrize(
    ("number", "standby", "level"),
    [(150_004, False, Level.OK), (140_010, False, Level.BAD), (180_001, True, Level.BAD)],
)
def test_an_old_server_and_a_standby_are_bad(number: int, standby: bool, level: Level) -> None:
    assert server.judge_version([{"number": number, "version": "x", "is_standby": standby}]).level is level


@pytest.mark.parametrize("off", server.DURABLE)
def test_each_setting_that_loses_what_was_acknowledged_is_bad(off: str) -> None:
    facts = [{"name": name, "setting": "off" if name == off else "on"} for name in server.DURABLE]
    found = server.judge_durability(facts)
    assert (found.level, found.advice.startswith(f"ALTER SYSTEM SET {off} = on")) == (Level.BAD, True)
    facts = [{"name": name, "setting": "local" if name == "synchronous_commit" else "on"} for name in server.DURABLE]
    assert server.judge_durability(facts).level is Level.OK


@pytest.mark.parametrize(
    ("usable", "used", "pods", "level"),
    [(97, 30, 3, Level.OK), (97, 80, 3, Level.WARN), (97, 30, 13, Level.WARN), (97, 97, 3, Level.BAD)],
)
def test_connections_must_do_for_what_the_processes_may_ask(usable: int, used: int, pods: int, level: Level) -> None:
    fact = {"usable": usable, "used": used, "delivery": pods, "subscription": 0, "trigger": 0}
    assert server.judge_connections([fact]).level is level


def test_small_memory_is_never_more_than_a_hint() -> None:
    found = server.judge_memory([{"shared_buffers": 1 << 20, "max_wal_size": 1 << 20}])
    assert (found.level, found.found) == (Level.WARN, "shared_buffers is 1 MB; max_wal_size is 1 MB")


def test_the_settings_of_every_role_are_read_from_roles_sql() -> None:
    text = (FOLDER / "roles.sql").read_text()
    wanted = login_roles.wanted_settings(text)
    assert set(wanted) == set(ROLES)
    assert sum(len(settings) for settings in wanted.values()) == text.count("\nalter role ")
    assert wanted["runhook_delivery"]["lock_timeout"] == "2s"


def test_the_autovacuum_settings_of_every_table_are_those_of_the_schema() -> None:
    text = (FOLDER / "schema.sql").read_text()
    of_schema = {name.replace('"', ""): dict(_OPTION.findall(options)) for name, options in _TABLE.findall(text)}
    assert dict(vacuum.TABLES) == {name: options for name, options in of_schema.items() if options}


def test_a_server_that_never_vacuums_is_bad_and_one_that_seldom_looks_a_hint() -> None:
    fact = {"autovacuum": "on", "track_counts": "on", "naptime_seconds": 5}
    assert vacuum.judge_autovacuum([fact]).level is Level.OK
    assert vacuum.judge_autovacuum([fact | {"naptime_seconds": 60}]).level is Level.WARN
    assert vacuum.judge_autovacuum([fact | {"autovacuum": "off"}]).level is Level.BAD
    assert vacuum.judge_autovacuum([fact | {"track_counts": "off"}]).level is Level.BAD


@pytest.mark.parametrize(("seconds", "level"), [(1, Level.OK), (100, Level.WARN), (4000, Level.BAD)])
def test_prepared_transactions_are_judged_by_their_age(seconds: float, level: Level) -> None:
    assert held_back.judge_prepared([{"gid": "g", "who": "w", "open_seconds": seconds}]).level is level


@pytest.mark.parametrize(
    ("transactions", "wal_bytes", "level"),
    [(10, 10, Level.OK), (2_000_000, 0, Level.WARN), (30_000_000, 0, Level.BAD), (0, 11 << 30, Level.WARN)],
)
def test_slots_are_judged_by_what_they_keep(transactions: int, wal_bytes: int, level: Level) -> None:
    fact = {"name": "s", "active": False, "transactions": transactions, "wal_bytes": wal_bytes}
    assert held_back.judge_slots([fact]).level is level


def test_a_doctor_that_sees_its_own_sessions_alone_does_not_call_that_well() -> None:
    found = held_back.judge_transactions([{"doctor": "me", "sees_all": False, "pid": None}])
    assert (found.level, found.advice) == (Level.WARN, "as a superuser: GRANT pg_read_all_stats TO me")


@pytest.mark.parametrize(
    ("ahead", "trip", "level"),
    [(0.2, 0.01, Level.OK), (-5, 0.01, Level.WARN), (60, 0.01, Level.BAD), (2, 6, Level.OK), (-40, 4, Level.BAD)],
)
def test_a_clock_is_off_by_what_the_round_trip_cannot_explain(ahead: float, trip: float, level: Level) -> None:
    asked = datetime(2026, 1, 1, tzinfo=UTC)
    told = asked + timedelta(seconds=trip / 2 + ahead)
    assert clock.judge_clock(asked, told, asked + timedelta(seconds=trip)).level is level
