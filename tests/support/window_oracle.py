"""What holds in the trigger schema after any history: invariants I1 to I6 and I8 of the inbound contract, section 4.6."""

from collections import defaultdict
from collections.abc import Collection
from itertools import pairwise

import asyncpg

from trigger_svc.element import element_size

CALLS = "select * from trigger.call order by trigger_id, seq"
WINDOWS = """
select w.*, h.max_bytes, h.window_count, h.window_bytes, h.next_seq
  from trigger.window w join trigger.head h on h.trigger_id = w.trigger_id order by w.trigger_id, w.window_id
"""
EXECUTIONS = "select window_id, call_count from trigger.execution"
STUCK = """
select task_id from trigger.execution where finished_at is null
 group by task_id having count(*) filter (where turn_at is not null) = 0
"""
# A rejected execution has none, any other has one at least.
WITHOUT_RUN = """
select execution_id from trigger.execution e
 where exists (select from trigger.run r where r.execution_id = e.execution_id) = (e.state = 'REJECTED')
"""


async def broken_invariants(
    pool: asyncpg.Pool | asyncpg.Connection, acknowledged: Collection[str], *, unknown: int = 0
) -> list[str]:
    """A sentence for each broken invariant. `acknowledged` are the ids of calls that were answered as accepted, `unknown`
    how many others may be stored all the same, since their answer was lost.
    """
    calls, windows = await pool.fetch(CALLS), await pool.fetch(WINDOWS)
    broken = _calls_against_answers(calls, acknowledged, unknown)
    by_window: defaultdict[int, list[asyncpg.Record]] = defaultdict(list)
    for call in calls:
        by_window[call["window_id"]].append(call)
    for window in windows:
        broken += _window_against_calls(window, by_window.pop(window["window_id"], []))
    broken += [f"I1: window {window_id} of calls is not there" for window_id in by_window]
    broken += _ranges(windows)
    broken += _executions_against_windows(await pool.fetch(EXECUTIONS), windows)
    broken += [f"task {row['task_id']}: nobody has the turn" for row in await pool.fetch(STUCK)]
    broken += [
        f"execution {row['execution_id']} has no run, or is rejected and has one"
        for row in await pool.fetch(WITHOUT_RUN)
    ]
    return broken


def _calls_against_answers(calls: list[asyncpg.Record], acknowledged: Collection[str], unknown: int) -> list[str]:
    broken = []
    stored = {call["call_id"] for call in calls}
    missing = set(acknowledged) - stored
    if missing:
        broken.append(f"I1: {len(missing)} acknowledged calls are lost")
    if len(stored) != len(calls):
        broken.append("I1: a call is stored twice")
    if len(stored - set(acknowledged)) > unknown:
        broken.append(
            f"I8: {len(stored - set(acknowledged))} calls are stored without an answer, at most {unknown} may be"
        )
    for before, after in pairwise(calls):
        if before["trigger_id"] == after["trigger_id"] and after["seq"] != before["seq"] + 1:
            broken.append(f"I5: trigger {after['trigger_id']} has a gap before {after['seq']}")
    return broken


def _window_against_calls(window: asyncpg.Record, calls: list[asyncpg.Record]) -> list[str]:
    name = f"window {window['window_id']}"
    is_open = window["state"] == "OPEN"
    size = window["window_count"] if is_open else window["size"]
    expected = list(range(window["first_seq"], window["first_seq"] + size))
    payload = 1 + sum(element_size(call["media_type"], call["body"], call["data_mode"] or "string") for call in calls)
    checks = {
        "I1: its calls are not its range": [call["seq"] for call in calls] == expected,
        "I2: its size": 1 <= size <= window["threshold"],
        "I2: its bytes": payload == (window["window_bytes"] if is_open else window["bytes"]) <= window["max_bytes"],
        "I3: threshold": window["close_reason"] != "threshold" or size == window["threshold"],
        "I3: deadline": window["close_reason"] != "deadline"
        or (window["closed_at"] >= window["deadline_at"] and size < window["threshold"]),
        "I6: a call of its deadline or later": all(call["received_at"] < window["deadline_at"] for call in calls),
        "I6: a call from before it opened": all(call["received_at"] >= window["opened_at"] for call in calls),
    }
    return [f"{name}: {what}" for what, holds in checks.items() if not holds]


def _ranges(windows: list[asyncpg.Record]) -> list[str]:
    broken = []
    for before, after in pairwise(windows):
        if before["trigger_id"] != after["trigger_id"]:
            continue
        if before["state"] == "OPEN":
            broken.append(f"I1: window {before['window_id']} is open and not the newest")
        elif before["first_seq"] + before["size"] != after["first_seq"]:
            broken.append(f"I5: windows {before['window_id']} and {after['window_id']} do not join")
    return broken


def _executions_against_windows(executions: list[asyncpg.Record], windows: list[asyncpg.Record]) -> list[str]:
    closed = {window["window_id"]: window["size"] for window in windows if window["state"] == "CLOSED"}
    made = {row["window_id"]: row["call_count"] for row in executions}
    if len(made) != len(executions):
        return ["I1: a window has two executions"]
    return [] if made == closed else ["I1: executions and closed windows differ"]
