"""What came of a run with --triggers: the callers' log against the tables, and against what the runs got.

Invariants I1 to I6, I8, I10, I11, I13 and I14 of the inbound contract. The callers' log and the files that runs left are the
truth; the tables are asked, and not believed.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg

from tests.chaos.callers import CallLog
from tests.chaos.plan import POSTGRES, RUNNERS
from tests.chaos.striker import Struck

#: Connections are made again by then, and both pods look.
_AWAY_SLACK_SECONDS = 2.0

CALLS = "select trigger_id, seq, window_id, call_id, body, received_at from trigger.call order by trigger_id, seq"
WINDOWS = """
select window_id, trigger_id, state, threshold, first_seq, size, opened_at, deadline_at, closed_at, close_reason
  from trigger.window order by trigger_id, window_id
"""
EXECUTIONS = (
    "select public_id, window_id, call_count, state, reason, rerun_of, payload_of, execution_id from trigger.execution"
)
UNFINISHED = "select count(*) from trigger.execution where finished_at is null"
OPEN = "select count(*) from trigger.window where state = 'OPEN'"
RUNS = """
select r.run_id, r.state, r.reason, r.attempts, r.max_attempts,
       array(select o.event_type from trigger.outbox o where o.run_id = r.run_id order by o.event_type) as told
  from trigger.run r
"""


@dataclass(kw_only=True)
class Verdict:
    """Figures, and in `broken` a sentence for each promise that does not hold. Lateness is in seconds, of windows that closed
    by their deadline while Postgres was there."""

    acknowledged: int = 0
    stored: int = 0
    unheard: int = 0  # stored, and no 204 was read
    windows: int = 0
    executions: dict[str, int] = field(default_factory=dict)
    close_reasons: dict[str, int] = field(default_factory=dict)
    payloads: int = 0
    lateness_p99: float | None = None
    lateness_max: float | None = None
    broken: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


async def rests(connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
    """Whether every window is closed and every execution has ended."""
    return not await connection.fetchval(OPEN) and not await connection.fetchval(UNFINISHED)


async def judge(
    connection: "asyncpg.Connection[asyncpg.Record]", log: CallLog, arrivals: Path, struck: Sequence[Struck]
) -> Verdict:
    """Compares all of them, at the end of a run. Errors of asyncpg."""
    found = Verdict(acknowledged=len(log.acked))
    calls = await connection.fetch(CALLS)
    windows = await connection.fetch(WINDOWS)
    executions = await connection.fetch(EXECUTIONS)
    runs = await connection.fetch(RUNS)
    _calls(found, log, calls)
    by_window: defaultdict[int, list[asyncpg.Record]] = defaultdict(list)
    for call in calls:
        by_window[call["window_id"]].append(call)
    _windows(found, windows, by_window)
    _lateness(found, windows, [one for one in struck if one.fault.target == POSTGRES])
    # A runner that is told to end kills what it executes, and says so.
    _executions(found, executions, windows, stopped=any(one.fault.target in RUNNERS for one in struck))
    _payloads(found, executions, by_window, arrivals)
    _runs(found, runs)
    found.broken += [f"an answer that no fault excuses: {odd}" for odd in log.odd[:3]]
    return found


def _calls(found: Verdict, log: CallLog, calls: list[asyncpg.Record]) -> None:
    numbers = Counter(json.loads(call["body"])["n"] for call in calls)
    ids = {call["call_id"]: json.loads(call["body"])["n"] for call in calls}
    found.stored = len(calls)
    found.unheard = sum(number not in log.acked for number in numbers)
    if lost := sorted(log.acked.keys() - numbers.keys()):
        found.broken.append(f"I1: {len(lost)} acknowledged calls are lost: {lost[:5]}")
    if twice := [number for number, count in numbers.items() if count > 1]:
        found.broken.append(f"I1, I10: {len(twice)} calls are stored twice: {twice[:5]}")
    if silent := [number for number in numbers if number not in log.acked and number not in log.unknown]:
        found.broken.append(f"I8: {len(silent)} calls are stored that were refused: {silent[:5]}")
    if wrong := [number for number, named in log.acked.items() if {ids.get(one) for one in named} != {number}]:
        found.broken.append(f"I10: {len(wrong)} calls were acknowledged under ids that are not theirs: {wrong[:5]}")
    for before, after in pairwise(calls):
        if before["trigger_id"] == after["trigger_id"] and after["seq"] != before["seq"] + 1:
            found.broken.append(f"I5: trigger {after['trigger_id']} has a gap before {after['seq']}")


def _windows(found: Verdict, windows: list[asyncpg.Record], by_window: dict[int, list[asyncpg.Record]]) -> None:
    found.windows = len(windows)
    found.close_reasons = dict(Counter(window["close_reason"] or "open" for window in windows))
    for window in windows:
        name, mine = f"window {window['window_id']}", by_window.get(window["window_id"], [])
        seqs = [call["seq"] for call in mine]
        rules = {
            "I1: it never closed": window["state"] == "CLOSED",
            "I5: its calls are not its range": seqs
            == list(range(window["first_seq"], window["first_seq"] + (window["size"] or 0))),
            "I2: its size": 1 <= len(mine) <= window["threshold"],
            "I3: it closed as full": window["close_reason"] != "threshold" or len(mine) == window["threshold"],
            "I3: it closed before its deadline": window["close_reason"] != "deadline"
            or window["closed_at"] >= window["deadline_at"],
            "I6: a call is not of its time": all(
                window["opened_at"] <= call["received_at"] < window["deadline_at"] for call in mine
            ),
        }
        found.broken += [f"{what} ({name})" for what, holds in rules.items() if not holds]


def _lateness(found: Verdict, windows: list[asyncpg.Record], away: list[Struck]) -> None:
    """I4, of deadlines that came while Postgres was there."""
    late = []
    for window in windows:
        due = window["deadline_at"].timestamp()
        if window["close_reason"] == "deadline" and not any(
            one.began - _AWAY_SLACK_SECONDS <= due <= one.ended + _AWAY_SLACK_SECONDS for one in away
        ):
            late.append((window["closed_at"] - window["deadline_at"]).total_seconds())
    if late:
        late.sort()
        found.lateness_p99, found.lateness_max = late[int(len(late) * 0.99)], late[-1]


def _executions(
    found: Verdict, executions: list[asyncpg.Record], windows: list[asyncpg.Record], *, stopped: bool
) -> None:
    found.executions = dict(Counter(f"{one['state']} {one['reason']}".strip() for one in executions))
    made = Counter(one["window_id"] for one in executions if one["window_id"] is not None)
    closed = {window["window_id"] for window in windows if window["state"] == "CLOSED"}
    if max(made.values(), default=1) > 1 or made.keys() != closed:
        found.broken.append(f"I1: {len(closed)} windows closed, {made.total()} executions of {len(made)} windows")
    waiting = [one["public_id"] for one in executions if one["state"] in ("PENDING", "RUNNING")]
    if waiting:
        found.broken.append(f"{len(waiting)} executions never ended: {waiting[:3]}")
    excused = {"run_failed": stopped, "runner_lost": True, "": True, "queue_limit": True}
    odd = [one for one in executions if not excused.get(one["reason"], False)]
    if odd:
        found.broken.append(f"{len(odd)} executions ended as {odd[0]['state']} {odd[0]['reason']}")


def _payloads(
    found: Verdict, executions: list[asyncpg.Record], by_window: dict[int, list[asyncpg.Record]], arrivals: Path
) -> None:
    """What every run got is the array of its window, whole and in order, each time."""
    got: defaultdict[str, list[bytes]] = defaultdict(list)
    for path in arrivals.iterdir():
        if path.suffix != ".part":
            got[path.name.partition(".")[0]].append(path.read_bytes())
    found.payloads = sum(map(len, got.values()))
    by_id = {one["execution_id"]: one for one in executions}
    for one in executions:
        mine = got.pop(one["public_id"], [])
        if one["state"] == "SUCCEEDED" and not mine:
            found.broken.append(f"{one['public_id']} SUCCEEDED and nothing was executed")
        first = by_id[one["payload_of"] or one["execution_id"]]
        wanted = [call["body"].decode() for call in by_window.get(first["window_id"], [])]
        for payload in mine:
            if [element["data"] for element in json.loads(payload)] != wanted:
                found.broken.append(f"I11, I13: {one['public_id']} got another array than its window")
        if one["state"] == "REJECTED" and (mine or not wanted):
            found.broken.append(f"I14: {one['public_id']} was rejected: executed, or its calls are gone")
    if got:
        found.broken.append(f"{len(got)} executions ran that are not there")


def _runs(found: Verdict, runs: list[asyncpg.Record]) -> None:
    for run in runs:
        told, name = Counter(run["told"]), f"run {run['run_id']}"
        if max(told.values(), default=1) > 1:
            found.broken.append(f"{name} is announced twice: {run['told']}")
        if (told["job.run.started"] == 1) != (run["attempts"] > 0) or told["job.run.completed"] != 1:
            found.broken.append(f"{name} ({run['state']}) is told as {run['told']}")
        if (told["job.run.errored"] == 1) != (run["state"] == "FAILED"):
            found.broken.append(f"{name} is {run['state']}, told as {run['told']}")
