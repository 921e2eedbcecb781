"""Whether the work goes on: due deliveries that nobody takes, pods, windows that nobody closes.

Invariant: counts stop at MOST, so that the doctor costs a sick database little.
"""

from schema.examination.finding import Check, Facts, Finding, bad, ok, seconds, warn

MOST = 10_000
DUE_SECONDS, DUE_TOO_LONG_SECONDS = 30.0, 300.0
#: The default of RUNHOOK_DELIVERY_DEAD_AFTER_SECONDS, and a little for the pods that watch.
SILENT_SECONDS = 30.0
#: Rows of dead epochs are forgotten by the rescue long before that.
BURIED_SECONDS = 86_400.0
WINDOW_SECONDS, WINDOW_TOO_LONG_SECONDS = 10.0, 60.0

READ_DUE = """
select count(*) as number, coalesce(extract(epoch from clock_timestamp() - min(due_at)), 0)::float8 as oldest_seconds
  from (select q.due_at
          from delivery.queue q
         where q.lease_id is null and not q.parked and q.due_at <= now()
         order by q.due_at
         limit $1) as due
"""

READ_PODS = """
select count(*) filter (where p.dead_at is null and p.heartbeat_at > now() - make_interval(secs => $1)) as alive,
       count(*) filter (where p.dead_at is null and p.heartbeat_at <= now() - make_interval(secs => $1)) as silent,
       count(*) filter (where p.dead_at is not null) as dead,
       coalesce(extract(epoch from now() - min(p.dead_at)), 0)::float8 as oldest_dead_seconds,
       exists (select from delivery.queue) as has_work
  from delivery.pod p
"""

READ_WINDOWS = """
select count(*) as number, coalesce(extract(epoch from clock_timestamp() - min(deadline_at)), 0)::float8 as oldest_seconds
  from (select w.deadline_at
          from trigger.window w
         where w.state = 'OPEN' and w.deadline_at <= now()
         order by w.deadline_at
         limit $1) as expired
"""


def judge_due(facts: Facts) -> Finding:
    """Free deliveries wait for a claim, which comes every tenth of a second while pods have room."""
    [fact] = facts
    found = f"{_number(fact['number'])} are due and free, the oldest for {seconds(fact['oldest_seconds'])}"
    if fact["oldest_seconds"] < DUE_SECONDS:
        return ok(found if fact["number"] else "none waits")
    advice = "see pods; if they live, their slots are full: run more delivery_svc, or raise RUNHOOK_DELIVERY_SLOTS"
    return bad(found, advice) if fact["oldest_seconds"] >= DUE_TOO_LONG_SECONDS else warn(found, advice)


def judge_pods(facts: Facts) -> Finding:
    """Epochs of delivery_svc: alive, silent (nobody declared them dead yet), dead."""
    [fact] = facts
    found = f"{fact['alive']} alive, {fact['silent']} silent, {fact['dead']} dead"
    if not fact["alive"]:
        advice = "start delivery_svc; if it runs, see its log: it cannot reach this database"
        return bad(f"{found}, and deliveries wait", advice) if fact["has_work"] else warn(found, advice)
    if fact["silent"]:
        return warn(
            found, "the others declare a silent one dead after RUNHOOK_DELIVERY_DEAD_AFTER_SECONDS: look again then"
        )
    if fact["oldest_dead_seconds"] >= BURIED_SECONDS:
        return warn(
            f"{found}, the oldest for {seconds(fact['oldest_dead_seconds'])}", "see the log of delivery_svc: rescue"
        )
    return ok(found)


def judge_windows(facts: Facts) -> Finding:
    """Windows of webhook triggers close at their deadline, within a second or so."""
    [fact] = facts
    found = f"{_number(fact['number'])} open past their deadline, the oldest for {seconds(fact['oldest_seconds'])}"
    if fact["oldest_seconds"] < WINDOW_SECONDS:
        return ok(found if fact["number"] else "none is open past its deadline")
    advice = "start trigger_svc; if it runs, see its log: the closer does not come through"
    return bad(found, advice) if fact["oldest_seconds"] >= WINDOW_TOO_LONG_SECONDS else warn(found, advice)


def _number(number: int) -> str:
    return f"{number:,} or more" if number >= MOST else f"{number:,}"


CHECKS = (
    Check(name="due deliveries", statement=READ_DUE, judge=judge_due, arguments=(MOST,)),
    Check(name="pods", statement=READ_PODS, judge=judge_pods, arguments=(SILENT_SECONDS,)),
    Check(name="windows", statement=READ_WINDOWS, judge=judge_windows, arguments=(MOST,)),
)
