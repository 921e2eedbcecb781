"""How late do windows close whose deadline comes, while pods are being killed?

A further pod of trigger_svc takes the calls, through a gateway of its own, and is killed with -9 again and again; the
platform's own pod lives. So the timers of the pod that opened a window are gone when its deadline comes, more often than not.
The database's own times are compared: when a window was due, and when it was closed.
"""

import asyncio
from collections.abc import Callable

from bench.finding import Finding, spreads
from bench.goal import at_most
from bench.pods import pod
from bench.programs import ProgramError
from bench.webhooks import Ground, Options, Webhooks

P99_MS = (250.0, 100.0)
MAX_MS = (1000.0, 500.0)
DURATION_SECONDS = 2
LIVES_SECONDS = 3.0
STARTS_SECONDS = 30.0
LATENESS = """
select percentile_cont(0.99) within group (order by l) as p99, max(l) as max, count(*) as closed
  from (select extract(epoch from closed_at - deadline_at)::double precision * 1000 as l
          from trigger.window where trigger_id = any($1) and close_reason = 'deadline') x
"""
OPEN = """
select count(*) from trigger.window
 where trigger_id = any($1) and state = 'OPEN' and deadline_at < clock_timestamp() - interval '1 second'
"""


def limit(options: Options) -> float:
    """Seconds that it takes at most."""
    return 120 + options.pairs * (options.seconds + STARTS_SECONDS + LIVES_SECONDS)


async def run(here: Ground, options: Options) -> Finding:
    """A kill for each pair, and calls all the while."""
    webhooks = await here.webhooks(options.triggers, threshold=10_000, seconds=DURATION_SECONDS)
    kills, answers = 0, {"204": 0}
    for number in range(options.pairs):
        kills += await _one_life(here, number, webhooks, options, answers)
    await asyncio.sleep(DURATION_SECONDS + 1)
    row = await here.database.fetchrow(LATENESS, webhooks.ids)
    left = await here.database.fetchval(OPEN, webhooks.ids)
    if row is None or not row["closed"]:
        raise ProgramError("no window was closed by its deadline")
    figures = spreads(p99_ms=[row["p99"]], max_ms=[row["max"]], windows=[row["closed"]], kills=[kills])
    return Finding(
        part="deadline",
        figures=figures,
        goals=[
            at_most("p99 of the lateness of a deadline beside kills, ms", *P99_MS, row["p99"]),
            at_most("the latest deadline beside kills, ms", *MAX_MS, row["max"]),
        ],
        notes=[f"{answers['204']} calls were answered 204 by pods that were killed"],
        failures=[f"{left} windows are still open"] if left else [],
    )


async def _one_life(here: Ground, number: int, webhooks: Webhooks, options: Options, answers: dict[str, int]) -> int:
    """A pod with a gateway before it, both started, called, and the pod killed in the middle."""
    log = here.folder / f"pod-{number}.log"
    async with pod(here.product, f"victim-{number}", log, of="trigger_svc") as victim:
        told = {"RUNHOOK_TRIGGER_SVC": victim.address}
        async with pod(here.product, f"door-{number}", log.with_suffix(".door"), of="gateway", told=told) as door:
            urls = [url.replace(here.product.gateway_url, f"http://{door.address}") for url in webhooks.urls]
            killing = asyncio.create_task(_kill_later(victim.kill, options.seconds + 1))
            called = await here.call(
                urls,
                seconds=options.seconds + LIVES_SECONDS,
                connections=min(32, options.connections),
                rate=min(options.rate, 10.0 * options.triggers),
                expect=(204, 503),
            )
            answers["204"] += called["answers"].get("204", 0)
            await killing
            await asyncio.sleep(DURATION_SECONDS)
    return 1


async def _kill_later(kill: Callable[[], None], seconds: float) -> None:
    await asyncio.sleep(seconds)
    kill()
