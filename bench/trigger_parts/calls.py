"""How many calls a second become durable beside what the gateway answers by itself, and what does one cost?

Pairs of rounds over the same connections and URLs: OPTIONS, which the gateway answers 204 with no service behind, and POST,
which is answered 204 once it is committed. Then the same calls bound for one trigger.
"""

from typing import Any

from bench.finding import Finding, spreads
from bench.goal import at_least, at_most
from bench.reader import READER
from bench.settlement import rejected_share, settle
from bench.webhooks import WARM_SECONDS, Ground, Options, Webhooks

RATE_RATIO = (0.30, 0.50)
CALL_US = (450.0, 250.0)
THRESHOLD = 10
DURATION_SECONDS = 3600
LEAST_REJECTED = 0.5


def limit(options: Options) -> float:
    """Seconds that it takes at most."""
    return 90 + (options.pairs + 1) * 3 * (options.seconds + WARM_SECONDS + 5)


async def run(here: Ground, options: Options) -> Finding:
    """After one short pair that is not kept."""
    many = await here.webhooks(options.triggers, threshold=THRESHOLD, seconds=DURATION_SECONDS)
    one = await here.webhooks(1, threshold=THRESHOLD, seconds=DURATION_SECONDS)
    constants, calls, alone = [], [], []
    answers: dict[str, int] = {}
    answers_alone: dict[str, int] = {}
    for number in range(options.pairs + 1):
        seconds = options.seconds if number else 1.0
        constant = await here.ask_in_vain(many.urls, seconds=seconds, connections=options.connections)
        call = await _called(here, many, seconds, options, answers)
        single = await _called(here, one, seconds, options, answers_alone)
        if number:
            constants.append(constant)
            calls.append(call)
            alone.append(single)
    failures = await settle(here, many, answers) + await settle(here, one, answers_alone)
    shares = [await rejected_share(here, webhooks) for webhooks in (many, one)]
    if answers_alone.get("204", 0) > 2 * 50 * THRESHOLD and shares[1] < LEAST_REJECTED:
        failures.append(f"only {shares[1]:.0%} of the executions were rejected: the queue limit does not hold")
    return _found(constants, calls, alone, shares, failures, options.triggers)


def _found(
    constants: list[dict[str, Any]],
    calls: list[dict[str, Any]],
    alone: list[dict[str, Any]],
    shares: list[float],
    failures: list[str],
    triggers: int,
) -> Finding:
    figures = spreads(
        rate_ratio=[call["rate"] / constant["rate"] for call, constant in zip(calls, constants, strict=True)],
        calls_per_second=[call["rate"] for call in calls],
        constants_per_second=[constant["rate"] for constant in constants],
        constant_cpu_us=[constant["cpu_us"]["gateway"] for constant in constants],
        call_cpu_us=[_cost(call) for call in calls],
        one_trigger_calls_per_second=[call["rate"] for call in alone],
        one_trigger_call_cpu_us=[_cost(call) for call in alone],
        rejected_share=shares,
        **{f"cpu_us.{name}": [call["cpu_us"][name] for call in calls] for name in calls[0]["cpu_us"]},
    )
    return Finding(
        part="calls",
        figures=figures,
        goals=[
            at_least("durable calls/s over the gateway's constants/s", *RATE_RATIO, figures["rate_ratio"].median),
            at_most(f"CPU-us per call, {triggers} triggers", *CALL_US, figures["call_cpu_us"].median),
            at_most("CPU-us per call, one trigger", *CALL_US, figures["one_trigger_call_cpu_us"].median),
        ],
        notes=["most executions are rejected by the limit of 50: no runner has their command"],
        failures=failures,
    )


async def _called(
    here: Ground, webhooks: Webhooks, seconds: float, options: Options, answers: dict[str, int]
) -> dict[str, Any]:
    told = await here.call(webhooks.urls, seconds=seconds, connections=options.connections)
    for status, count in told["answers"].items():
        answers[status] = answers.get(status, 0) + count
    return told


def _cost(told: dict[str, Any]) -> float:
    """CPU microseconds of the platform and Postgres, without the load client."""
    return float(sum(us for name, us in told["cpu_us"].items() if name != READER))
