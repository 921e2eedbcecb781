"""What a run came to: figures for a file, sentences for people, and the promises that it broke."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isinf
from typing import Any

from bench.machine import Machine
from tests.chaos import verdict
from tests.chaos.house import JITTER, RETRY_DELAY_SECONDS, SLOTS
from tests.chaos.ledger import Ledger
from tests.chaos.plan import PODS
from tests.chaos.publisher import Publisher
from tests.chaos.striker import Struck

_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything a run left; times are seconds since 1970. `options` are the command's; `deaths` are processes that ended
    by themselves, with time and code, and `false_starts` those that did so before they were ready."""

    machine: Machine
    options: Mapping[str, object]
    publisher: Publisher
    ledger: Ledger
    struck: Sequence[Struck]
    deaths: Sequence[tuple[str, float, int]]
    false_starts: Sequence[tuple[str, float, int]]
    began: float
    load_ended: float


def figures(run: Run) -> dict[str, Any]:
    """The file's content; times count from the beginning of the load."""
    acknowledged, arrivals = run.publisher.acknowledged, run.ledger.arrivals
    lost = verdict.lost(acknowledged, run.ledger.delivered)
    twice = verdict.published_twice(acknowledged, arrivals)
    found = verdict.duplicates(arrivals, run.struck)
    of_fault = Counter(one.fault for one in found)
    lags = list(verdict.lags(acknowledged, arrivals))
    last = max((one.ended for one in run.struck), default=run.began)
    recovery = verdict.recovery(lags, last, run.load_ended)
    latest = RETRY_DELAY_SECONDS * (1 + JITTER)
    late = verdict.retry_lateness(arrivals, run.struck, latest)
    return {
        "machine": asdict(run.machine),
        "options": dict(run.options),
        "published": len(acknowledged),
        "answers": dict(run.publisher.answers),
        "odd_answers": run.publisher.odd[:_SHOWN],
        "arrivals": run.ledger.count,
        "lost": len(lost),
        "lost_ids": lost[:_SHOWN],
        "published_twice": len(twice),
        "published_twice_ids": dict(list(twice.items())[:_SHOWN]),
        "duplicates": len(found),
        "duplicates_by_cause": dict(verdict.by_cause(found, run.struck)),
        "duplicates_without_fault": [
            [one.event_id, one.endpoint, round(one.answered - run.began, 3), round(one.at - run.began, 3)]
            for one in found
            if one.fault == verdict.NO_FAULT
        ][:_SHOWN],
        "ended_by_themselves": [[name, round(at - run.began, 2), code] for name, at, code in run.deaths],
        "false_starts": [[name, round(at - run.began, 2), code] for name, at, code in run.false_starts],
        "backlog_seconds": _number(verdict.backlog(acknowledged, arrivals, last)),
        "recovery_seconds": None if isinf(recovery) else recovery,
        "lag_p99_seconds": _number(verdict.p99([lag for _, lag in lags])),
        "lag_p99_after_recovery_seconds": _number(verdict.p99([lag for due, lag in lags if due >= last + recovery])),
        "retries_in_calm": len(late),
        "retry_late_p99_seconds": _number(verdict.p99(late)),
        "retry_late_max_seconds": _number(max(late, default=0.0)),
        "faults": [_fault(number, one, run.began, of_fault) for number, one in enumerate(run.struck)],
    }


def _number(value: float) -> float | None:
    return None if isinf(value) else round(value, 3)


def _fault(number: int, one: Struck, began: float, of_fault: Counter[int]) -> dict[str, Any]:
    return {
        "kind": str(one.fault.kind),
        "target": one.fault.target,
        "began": round(one.began - began, 2),
        "ended": round(one.ended - began, 2),
        "duplicates": of_fault[number],
        "duplicates_at_most": verdict.most_of(one.fault.kind, SLOTS, len(PODS)),
    }


def broken(told: Mapping[str, Any]) -> list[str]:
    """The promises that these figures break, in words."""
    said = []
    if told["lost"]:
        said.append(f"{told['lost']} acknowledged events were lost")
    if told["published_twice"]:
        said.append(f"{told['published_twice']} request ids became two events")
    if told["odd_answers"]:
        said.append(f"publishers got answers that no fault excuses: {told['odd_answers'][0]}")
    for name, at, code in told["ended_by_themselves"]:
        said.append(f"{name} ended by itself at {at} s with code {code}")
    if told["duplicates_without_fault"]:
        said.append(f"{told['duplicates_by_cause']['no fault']} duplicates without a fault near them")
    for fault in told["faults"]:
        if fault["duplicates"] > fault["duplicates_at_most"]:
            said.append(
                f"{fault['kind']} at {fault['began']} s: {fault['duplicates']} duplicates, more than was in flight"
            )
    if told["recovery_seconds"] is None or told["recovery_seconds"] > verdict.RECOVERY_SECONDS:
        said.append(f"the lag was not back to normal {verdict.RECOVERY_SECONDS:.0f} s after the last fault")
    return said


def summary(told: Mapping[str, Any]) -> str:
    """For the terminal."""
    kinds = Counter(fault["kind"] for fault in told["faults"])
    lines = [
        f"faults      {len(told['faults'])}: " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())),
        f"published   {told['published']} acknowledged; answers to calls: {_counts(told['answers'])}",
        f"lost        {told['lost']}",
        f"twice       {told['published_twice']} published twice",
        f"duplicates  {told['duplicates']} of {told['arrivals']} arrivals: {_counts(told['duplicates_by_cause'])}",
        f"recovery    {told['recovery_seconds']} s after the last fault; then p99 of the lag "
        f"{told['lag_p99_after_recovery_seconds']} s (over the whole run {told['lag_p99_seconds']} s)",
        f"backlog     of before, to endpoints that never fail: gone {told['backlog_seconds']} s after the last fault",
        f"starts      {len(told['false_starts'])} processes ended before they were ready and were started again",
        f"retries     {told['retries_in_calm']} in calm, p99 {told['retry_late_p99_seconds']} s and at most "
        f"{told['retry_late_max_seconds']} s later than the schedule",
    ]
    return "\n".join(lines)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"
