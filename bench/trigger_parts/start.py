"""How soon after a window closed has its process started, on the pod that closed it and across pods?

The process itself says when it started: its output, which goes to the run's log, is date's. A runner of our own has that
command and is connected to the pod that takes the calls, and then to a further one.
"""

import asyncio
import time
from pathlib import Path

from bench.finding import Finding, spreads
from bench.goal import at_most
from bench.pods import pod
from bench.programs import ProgramError
from bench.webhooks import Ground, Options

SAME_MS = (300.0, 100.0)
ACROSS_MS = (800.0, 300.0)
COMMAND = "bench-date"
COMMANDS = f"""
[commands.{COMMAND}]
argv = ["date", "+%s.%N"]
inherit = ["PATH"]
"""
STARTS_A_SECOND = 4.0
PATIENCE_SECONDS = 20.0
STARTED = """
select convert_from(l.chunk, 'UTF8') as at, extract(epoch from w.closed_at)::double precision as closed
  from trigger.window w
  join trigger.execution e on e.window_id = w.window_id
  join trigger.run r on r.execution_id = e.execution_id
  join trigger.run_log l on l.run_id = r.run_id and l.byte_offset = 0
 where w.trigger_id = any($1)
"""


def limit(options: Options) -> float:
    """Seconds that it takes at most."""
    return 150 + 2 * (options.pairs * options.seconds + PATIENCE_SECONDS)


async def run(here: Ground, options: Options) -> Finding:
    """First on the same pod, then across two."""
    commands = here.folder / "commands.toml"
    commands.write_text(COMMANDS)
    same = await _delays(here, options, commands, "")
    async with pod(here.product, "other", here.folder / "other.log", of="trigger_svc") as other:
        across = await _delays(here, options, commands, other.address)
    figures = spreads(same_pod_ms=same, across_pods_ms=across, runs=[len(same), len(across)])
    return Finding(
        part="start",
        figures=figures,
        goals=[
            at_most("p99 from a window's close to its process, same pod, ms", *SAME_MS, _p99(same)),
            at_most("p99 from a window's close to its process, across pods, ms", *ACROSS_MS, _p99(across)),
        ],
        notes=["judged by the 99th percentile of all runs; the figures are median, least and greatest"],
    )


async def _delays(here: Ground, options: Options, commands: Path, trigger_svc: str) -> list[float]:
    """Milliseconds of each run, with a runner that is connected to `trigger_svc`, or to the platform's own."""
    seconds = options.pairs * options.seconds
    told = {"RUNHOOK_RUNNER_COMMANDS_FILE": str(commands)}
    told |= {"RUNHOOK_TRIGGER_SVC": trigger_svc} if trigger_svc else {}
    name = "across" if trigger_svc else "same"
    webhooks = await here.webhooks(4, threshold=1, seconds=60, command=COMMAND, parallel=True)
    async with pod(here.product, f"runner-{name}", here.folder / f"runner-{name}.log", of="runner", told=told):
        await asyncio.sleep(1)  # its stream is open
        called = await here.call(webhooks.urls, seconds=seconds, connections=4, rate=STARTS_A_SECOND)
        wanted = called["answers"]["204"]
        rows = await here.database.fetch(STARTED, webhooks.ids)
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while len(rows) < wanted and time.monotonic() < give_up_at:
            await asyncio.sleep(0.2)
            rows = await here.database.fetch(STARTED, webhooks.ids)
    if len(rows) < wanted:
        raise ProgramError(f"{len(rows)} of {wanted} runs were started")
    if not rows:
        raise ProgramError("nothing was started")
    return sorted((float(row["at"]) - row["closed"]) * 1000 for row in rows)


def _p99(ordered: list[float]) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
