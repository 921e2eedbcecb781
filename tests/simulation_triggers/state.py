"""The tables in one form, of the model and of Postgres, so that the two can be compared row by row.

What Postgres calls a row has no meaning: ids of both sides are paired as they come, in their order.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any

import asyncpg

from tests.simulation_triggers.names import Names, Numbers
from tests.simulation_triggers.rows import Execution, Head, Run, Tables, Told, Window

Row = tuple[Any, ...]
State = dict[str, list[Row]]
#: Columns under the model's names, by table. Every query has the same, in this order, its rows in the order of their keys.
#: Tables stand in the order in which they are read: windows, executions and runs before what names them.
COLUMNS: dict[str, tuple[str, ...]] = {
    "windows": tuple(one.name for one in fields(Window)),
    "executions": tuple(one.name for one in fields(Execution) if one.name != "plan"),
    "runs": tuple(one.name for one in fields(Run)),
    "heads": tuple(one.name for one in fields(Head) if one.name not in ("target", "max_bytes", "pausing", "rejecting")),
    "calls": ("trigger_id", "seq", "window_id", "call_id", "received_at"),
    "dedupe": ("trigger_id", "key", "call_id", "received_at"),
    "groups": ("number", "taken", "left_out"),
    "outbox": tuple(one.name for one in fields(Told)),
}
#: What a step that receives no calls and closes no window can change.
OF_EXECUTIONS = ("executions", "runs", "outbox")
QUERIES = {
    "windows": """
select window_id, trigger_id, threshold, first_seq, opened_at, deadline_at, state, size, bytes, closed_at, close_reason
  from trigger.window order by window_id
""",
    "executions": """
select execution_id, public_id, coalesce(task_id, -plan_id), trigger_id, window_id, call_count, exclusive, state, reason,
       created_at, queued_at, turn_at, finished_at, cause, payload_bytes, rerun_of, payload_of, step, started_at, failed_step,
       handling, failure, deadline_at
  from trigger.execution order by execution_id
""",
    "runs": """
select run_id, task_id, execution_id, max_attempts, state, reason, created_at, due_at, finished_at, step, takes_payload,
       attempts, lease_id, lease_until, started_at, artifacts_due_at
  from trigger.run order by run_id
""",
    "heads": """
select trigger_id, threshold, duration_seconds * 1000, enabled, next_seq, window_id, window_threshold, window_count,
       window_bytes, opened_at, deadline_at
  from trigger.head order by trigger_id
""",
    "calls": "select trigger_id, seq, window_id, call_id, received_at from trigger.call order by trigger_id, seq",
    "dedupe": "select trigger_id, encode(dedupe_key, 'hex'), call_id, received_at from trigger.call_dedupe order by 1, 2",
    "groups": """
select ('x' || right(group_id::text, 8))::bit(32)::integer, taken, left_out from trigger.ingest_group order by 1
""",
    "outbox": "select run_id, execution_id, event_type, event_at, run_state from trigger.outbox order by outbox_id",
}
_OF = {name: attrgetter(*columns) for name, columns in COLUMNS.items() if name not in ("dedupe", "groups")}


def of_model(tables: Tables, names: Iterable[str]) -> State:
    """These of the model's tables."""
    made: dict[str, Callable[[], list[Row]]] = {
        "heads": lambda: [_OF["heads"](one) for one in tables.heads.values()],
        "windows": lambda: [_OF["windows"](one) for one in tables.windows.values()],
        "calls": lambda: sorted(_OF["calls"](one) for one in tables.calls),
        "dedupe": lambda: sorted((one, _digest(key), *known) for (one, key), known in tables.dedupe.items()),
        "groups": lambda: [
            (number, sorted(taken), sorted(out or ())) for number, (taken, out) in sorted(tables.groups.items())
        ],
        "executions": lambda: [_OF["executions"](one) for one in tables.executions.values()],
        "runs": lambda: [_OF["runs"](one) for one in tables.runs.values()],
        "outbox": lambda: sorted(_OF["outbox"](one) for one in tables.outbox),
    }
    return {name: made[name]() for name in names}


class Reader:
    """The same of Postgres. A row that did not change since it was read is not looked at again."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", base: datetime, numbers: Numbers) -> None:
        self._connection = connection
        self._base = base
        self._numbers = numbers
        self._read: dict[tuple[str, asyncpg.Record], Row] = {}
        self._plain: dict[str, Callable[[Row], Row]] = {
            "heads": _places("heads", trigger_id=numbers.triggers, window_id=numbers.windows),
            "windows": _places("windows", window_id=numbers.windows, trigger_id=numbers.triggers),
            "calls": _places("calls", trigger_id=numbers.triggers, window_id=numbers.windows),
            "dedupe": _places("dedupe", trigger_id=numbers.triggers),
            "executions": self._execution,
            "runs": _places(
                "runs",
                run_id=numbers.runs,
                execution_id=numbers.executions,
                task_id=numbers.tasks,
                lease=numbers.leases,
            ),
            "outbox": self._told,
        }

    async def read(self, names: Iterable[str]) -> State:
        """These tables. Windows, executions and runs before what names them: so they get their numbers in their order."""
        found: State = {}
        for name in sorted(names, key=list(COLUMNS).index):
            rows = [self._of(name, record) for record in await self._connection.fetch(QUERIES[name])]
            found[name] = sorted(rows) if name in ("outbox", "dedupe") else rows
        return found

    def _of(self, name: str, record: asyncpg.Record) -> Row:
        if name == "groups":  # it holds lists
            return self._group(tuple(record))
        key = (name, record)
        row = self._read.get(key)
        if row is None:
            row = self._read[key] = self._plain[name](tuple(self._ms(value) for value in record))
        return row

    def _ms(self, value: Any) -> Any:
        return round((value - self._base).total_seconds() * 1000) if isinstance(value, datetime) else value

    def _group(self, row: Row) -> Row:
        number, taken, left_out = row
        return (number, sorted(self._numbers.triggers.ours(one) or 0 for one in taken), sorted(left_out or ()))

    def _execution(self, row: Row) -> Row:
        numbers, named = self._numbers, dict(zip(COLUMNS["executions"], row, strict=True))
        target, public_id = named["target"], named["public_id"]
        named["execution_id"] = number = numbers.executions.ours(named["execution_id"])
        named["target"] = numbers.tasks.ours(target) if target > 0 else -(numbers.plans.ours(-target) or 0)
        named["trigger_id"] = numbers.triggers.ours(named["trigger_id"])
        named["window_id"] = numbers.windows.ours(named["window_id"])
        named["rerun_of"] = numbers.executions.ours(named["rerun_of"])
        named["payload_of"] = numbers.executions.ours(named["payload_of"])
        numbers.public_ids[number or 0] = public_id
        return tuple(named.values())

    def _told(self, row: Row) -> Row:
        run_id, execution_id, *rest = row
        if execution_id is not None:
            return (f"execution {self._numbers.executions.ours(execution_id)}", *rest)
        return (f"run {self._numbers.runs.ours(run_id)}", *rest)


def _places(table: str, **names: Names) -> Callable[[Row], Row]:
    """Makes a row of this table one with the model's names instead of ids."""
    by_place = [(COLUMNS[table].index(column), of_column) for column, of_column in names.items()]

    def plain(row: Row) -> Row:
        changed = list(row)
        for place, of_column in by_place:
            changed[place] = of_column.ours(changed[place])
        return tuple(changed)

    return plain


def differences(ours: State, real: State) -> str:
    """A line for each row that is not the same in both."""
    found = []
    for table, rows in ours.items():
        others = real[table]
        if rows == others:
            continue
        if len(rows) != len(others):
            only = set(map(str, rows)) ^ set(map(str, others))
            found.append(f"{table}: the model has {len(rows)} rows, Postgres {len(others)}: {only}")
            continue
        for row, other in zip(rows, others, strict=True):
            pairs = zip(COLUMNS[table], row, other, strict=True)
            if differ := [f"{column} {one!r} {real!r}" for column, one, real in pairs if one != real]:
                found.append(f"{table} (column, model, Postgres): {', '.join(differ)} of {row}")
    return "\n".join(found)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
