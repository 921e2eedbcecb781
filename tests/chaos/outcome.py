"""What a run came to: figures for a file, sentences for people, and the promises that it broke."""

import resource
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isinf
from typing import Any

from bench.machine import Machine
from tests.chaos import verdict
from tests.chaos.attempts import Accounts
from tests.chaos.house import JITTER, RETRY_DELAY_SECONDS, SLOTS
from tests.chaos.ledger import FIRST_RUN_ID, Ledger
from tests.chaos.plan import PODS, Kind
from tests.chaos.publisher import Publisher
from tests.chaos.striker import Struck

_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything a run left; times are seconds since 1970. `options` are the command's; `deaths` are processes that ended
    by themselves, with time and code, and `false_starts` those that did so before they were ready. Until `judged` the lag was
    watched, and the load was ended then."""

    machine: Machine
    options: Mapping[str, object]
    publisher: Publisher
    ledger: Ledger
    accounts: Accounts
    struck: Sequence[Struck]
    deaths: Sequence[tuple[str, float, int]]
    false_starts: Sequence[tuple[str, float, int]]
    began: float
    judged: float
    load_ended: float


def figures(run: Run) -> dict[str, Any]:
    """The file's content; times count from the beginning of the load."""
    return {
        "machine": asdict(run.machine),
        "options": dict(run.options),
        "harness_peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        **_published(run),
        **_delivered(run),
        **_lags(run),
        "ended_by_themselves": [[name, round(at - run.began, 2), code] for name, at, code in run.deaths],
        "false_starts": [[name, round(at - run.began, 2), code] for name, at, code in run.false_starts],
        "faults": _faults(run),
    }


def _published(run: Run) -> dict[str, Any]:
    ledger = run.ledger
    lost = verdict.lost(ledger)
    return {
        "published": ledger.acknowledged,
        "answers": dict(run.publisher.answers),
        "odd_answers": run.publisher.odd[:_SHOWN],
        "lost": len(lost),
        "lost_runs": [FIRST_RUN_ID + number for number in lost[:_SHOWN]],
        "published_twice": len(ledger.twice),
        "published_twice_runs": [FIRST_RUN_ID + number for number in list(ledger.twice)[:_SHOWN]],
    }


def _delivered(run: Run) -> dict[str, Any]:
    found = verdict.duplicates(run.ledger, run.struck, SLOTS, len(PODS))
    return {
        "arrivals": run.ledger.count,
        "arrivals_after_their_timeout": run.ledger.late,
        "attempts": asdict(run.accounts),
        "unrecorded_at_most": verdict.most_unrecorded(run.struck, SLOTS, len(PODS)),
        "duplicates": len(found),
        "duplicates_by_cause": dict(verdict.by_cause(found, run.struck)),
        "duplicates_without_fault": [
            [FIRST_RUN_ID + one.number, round(one.answered - run.began, 3), round(one.at - run.began, 3)]
            for one in found
            if one.fault == verdict.NO_FAULT
        ][:_SHOWN],
    }


def _lags(run: Run) -> dict[str, Any]:
    last = max((one.ended for one in run.struck), default=run.began)
    lags = list(verdict.lags(run.ledger))
    recovery = verdict.recovery(lags, last, run.judged)
    seconds = verdict.bad_seconds(lags, last, run.load_ended)
    late = verdict.retry_lateness(run.ledger, run.struck, RETRY_DELAY_SECONDS * (1 + JITTER))
    return {
        "backlog_seconds": _number(verdict.backlog(run.ledger, last)),
        "recovery_seconds": None if isinf(recovery) else recovery,
        "bad_seconds_after_recovery": sum(seconds[int(recovery) :]) if not isinf(recovery) else None,
        "lag_p99_seconds": _number(verdict.p99([lag for _, lag in lags])),
        "lag_p99_after_recovery_seconds": _number(verdict.p99([lag for due, lag in lags if due >= last + recovery])),
        "retries_in_calm": len(late),
        "retry_late_p99_seconds": _number(verdict.p99(late)),
        "retry_late_max_seconds": _number(max(late, default=0.0)),
    }


def _faults(run: Run) -> list[dict[str, Any]]:
    of_fault = Counter(one.fault for one in verdict.duplicates(run.ledger, run.struck, SLOTS, len(PODS)))
    return [
        {
            "kind": str(one.fault.kind),
            "target": one.fault.target,
            **({"point": one.fault.armed, "missed": one.missed} if one.fault.kind is Kind.POINT else {}),
            "began": round(one.began - run.began, 2),
            "ended": round(one.ended - run.began, 2),
            "duplicates": of_fault[number],
            "duplicates_at_most": verdict.most_of(one, run.struck, SLOTS, len(PODS)),
        }
        for number, one in enumerate(run.struck)
    ]


def _number(value: float) -> float | None:
    return None if isinf(value) else round(value, 3)


def broken(told: Mapping[str, Any]) -> list[str]:
    """The promises that these figures break, in words."""
    said = []
    if told["lost"]:
        said.append(f"{told['lost']} acknowledged events were lost")
    if told["published_twice"]:
        said.append(f"{told['published_twice']} request ids became two events")
    if told["odd_answers"]:
        said.append(f"publishers got answers that no fault excuses: {told['odd_answers'][0]}")
    said += _unaccounted(told)
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


def _unaccounted(told: Mapping[str, Any]) -> list[str]:
    attempts, most = told["attempts"], told["unrecorded_at_most"]
    said = []
    if attempts["unrecorded"] > most:
        said.append(f"{attempts['unrecorded']} arrivals stand in no record, more than pods took with them ({most})")
    if attempts["invented"]:
        said.append(f"{attempts['invented']} answers on record never came")
    if attempts["miscounted"]:
        said.append(f"{attempts['miscounted']} deliveries count attempts that nobody made")
    return said


def summary(told: Mapping[str, Any]) -> str:
    """For the terminal."""
    kinds = Counter(fault["kind"] for fault in told["faults"])
    lines = [
        f"faults      {len(told['faults'])}: " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())),
        f"published   {told['published']} acknowledged; answers to calls: {_counts(told['answers'])}",
        f"lost        {told['lost']}",
        f"twice       {told['published_twice']} published twice",
        f"attempts    {told['attempts']['recorded']} on record; {told['attempts']['unrecorded']} of {told['arrivals']} "
        f"arrivals are not, and at most {told['unrecorded_at_most']} may be missing",
        f"duplicates  {told['duplicates']} of {told['arrivals']} arrivals: {_counts(told['duplicates_by_cause'])}",
        f"recovery    {told['recovery_seconds']} s after the last fault; then p99 of the lag "
        f"{told['lag_p99_after_recovery_seconds']} s (over the whole run {told['lag_p99_seconds']} s)",
        f"later       {told['bad_seconds_after_recovery']} seconds with a p99 out of the normal after that",
        f"backlog     of before, to endpoints that never fail: gone {told['backlog_seconds']} s after the last fault",
        f"starts      {len(told['false_starts'])} processes ended before they were ready and were started again",
        f"retries     {told['retries_in_calm']} in calm, p99 {told['retry_late_p99_seconds']} s and at most "
        f"{told['retry_late_max_seconds']} s later than the schedule",
        f"memory      {told['harness_peak_mib']} MiB of the harness at most",
    ]
    return "\n".join(lines)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"
