"""How long does a caller wait for a 204 at a rate that the platform carries easily?"""

from bench.finding import Finding, spreads
from bench.goal import at_most
from bench.settlement import settle
from bench.webhooks import WARM_SECONDS, Ground, Options

P50_MS = (15.0, 6.0)
P99_MS = (100.0, 50.0)
THRESHOLD = 10


def limit(options: Options) -> float:
    """Seconds that it takes at most."""
    return 90 + options.pairs * (options.seconds + WARM_SECONDS + 15)


async def run(here: Ground, options: Options) -> Finding:
    """At the fixed rate, as often as there are pairs."""
    webhooks = await here.webhooks(options.triggers, threshold=THRESHOLD, seconds=3600)
    rounds, answers = [], 0
    for _ in range(options.pairs):
        told = await here.call(
            webhooks.urls, seconds=options.seconds, connections=options.connections, rate=options.rate
        )
        rounds.append(told)
        answers += told["answers"].get("204", 0)
    figures = spreads(
        p50_ms=[told["p50_ms"] for told in rounds],
        p99_ms=[told["p99_ms"] for told in rounds],
        late_p99_ms=[told["late_p99_ms"] for told in rounds],
    )
    at = f"of a 204 at {options.rate:.0f} calls/s, ms"
    return Finding(
        part="latency",
        figures=figures,
        goals=[
            at_most(f"p50 {at}", *P50_MS, figures["p50_ms"].median),
            at_most(f"p99 {at}", *P99_MS, figures["p99_ms"].median),
        ],
        failures=await settle(here, webhooks, {"204": answers}),
    )
