"""What a runner measures, beside what the chassis does for every process.

The sentence beside each name is what /metrics says as HELP, and docs/metrics.md as well.
"""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

SLOTS = Gauge("runhook_runner_slots", "Runs that the runner can execute at once.")
HELD_RUNS = Gauge(
    "runhook_runner_held_runs", "Runs that the runner holds, started or not; at its slots for long, more runners help."
)
RUNS = Counter(
    "runhook_runner_runs_total",
    "Runs ended by outcome: succeeded, a reason of FinishRun, lost (somebody else has the lease) or failed (could not be "
    "reported).",
    ["outcome"],
)
RUN_SECONDS = Histogram(
    "runhook_runner_run_seconds",
    "From StartRun to the last report.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400),
)
OUTPUT_BYTES = Counter("runhook_runner_output_bytes_total", "What commands printed.")
LOG_BYTES = Counter("runhook_runner_log_bytes_total", "What of it trigger_svc keeps as the runs' logs.")
LOG_DROPPED_BYTES = Counter(
    "runhook_runner_log_dropped_bytes_total",
    "What of it is in no log: beyond the limit, of a lost run, or printed while trigger_svc was away for too long.",
)
ACQUIRE_STREAMS = Counter(
    "runhook_runner_acquire_streams_total",
    "AcquireRuns streams begun; more than a few a minute means that they break.",
)


@cache
def runs(outcome: str) -> Counter:
    """The child of RUNS."""
    return RUNS.labels(outcome)
