"""What does a pod cost that only waits, while many windows are open?

Each trigger is called once, so the pod has a window of each to look after, an hour before its deadline; then nobody calls,
and the pod's CPU time is taken.
"""

import asyncio

from bench import cpu
from bench.finding import Finding, spreads
from bench.goal import at_most
from bench.programs import ProgramError
from bench.webhooks import Ground, Options

OF_A_CORE = (10.0, 3.0)
OPEN = "select count(*) from trigger.window where trigger_id = any($1) and state = 'OPEN'"
CALLS_A_SECOND = 500.0
SETTLE_SECONDS = 3.0


def limit(options: Options) -> float:
    """Seconds that it takes at most."""
    return 120 + 2 * options.open / CALLS_A_SECOND + options.pairs * options.seconds


async def run(here: Ground, options: Options) -> Finding:
    """As many stretches as there are pairs."""
    webhooks = await here.webhooks(options.open, threshold=10_000, seconds=3600)
    # Each connection goes through its share of the URLs in order; a little longer, since it begins with one call each.
    seconds = options.open / CALLS_A_SECOND + 1
    await here.call(webhooks.urls, seconds=seconds, connections=min(50, options.open), rate=CALLS_A_SECOND)
    opened = await here.database.fetchval(OPEN, webhooks.ids)
    if opened < options.open:
        raise ProgramError(f"only {opened} of {options.open} windows are open")
    await asyncio.sleep(SETTLE_SECONDS)
    pids = {name: pid for name, pid in here.product.processes().items() if name in ("trigger_svc", "postgres")}
    shares: dict[str, list[float]] = {name: [] for name in pids}
    loop = asyncio.get_running_loop()
    for _ in range(options.pairs):
        before, began = cpu.trees_ns(pids), loop.time()
        await asyncio.sleep(options.seconds)
        after, lasted = cpu.trees_ns(pids), loop.time() - began
        for name in pids:
            shares[name].append((after[name] - before[name]) / 1e7 / lasted)
    figures = spreads(
        pod_percent_of_a_core=shares["trigger_svc"],
        postgres_percent_of_a_core=shares.get("postgres", []),
        open_windows=[opened],
    )
    text = f"percent of a core of a pod that waits, {options.open} open windows"
    return Finding(
        part="waiting",
        figures=figures,
        goals=[at_most(text, *OF_A_CORE, figures["pod_percent_of_a_core"].median)],
    )
