"""The runner's metrics.

| name | kind, labels | what |
|---|---|---|
| runhook_runner_slots | gauge | runs that it can execute at once |
| runhook_runner_held_runs | gauge | runs that it holds, started or not |
| runhook_runner_runs_total | counter, outcome | runs ended, by how: succeeded, a reason of FinishRun, lost, failed |
| runhook_runner_run_seconds | histogram | from StartRun to the last report |
| runhook_runner_output_bytes_total | counter | what commands printed |
| runhook_runner_acquire_streams_total | counter | AcquireRuns streams begun: more than a few a minute means trouble |

`lost` is a run whose lease went to somebody else; `failed` one that could not be reported.
"""

from prometheus_client import Counter, Gauge, Histogram

SLOTS = Gauge("runhook_runner_slots", "Runs that the runner can execute at once.")
HELD_RUNS = Gauge("runhook_runner_held_runs", "Runs that the runner holds.")
RUNS = Counter("runhook_runner_runs_total", "Runs ended.", ["outcome"])
RUN_SECONDS = Histogram(
    "runhook_runner_run_seconds",
    "From StartRun to the last report.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400),
)
OUTPUT_BYTES = Counter("runhook_runner_output_bytes_total", "What commands printed.")
ACQUIRE_STREAMS = Counter("runhook_runner_acquire_streams_total", "AcquireRuns streams begun.")
