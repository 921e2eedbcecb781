"""What trigger_svc measures, beside what the chassis does for every process.

The sentence beside each name is what /metrics says as HELP, and docs/metrics.md as well. Labels hold reasons and states of
ours, never an id; the children of those that many calls need are bound once.
"""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

from chassis.histogram import SECONDS

CALLS = Counter(
    "runhook_call_answered_total",
    "Calls by their answer: accepted, duplicate, handshake, or the reason of the refusal.",
    ["answer"],
)
CALL_BYTES = Histogram(
    "runhook_call_body_bytes", "Sizes of accepted bodies.", buckets=(0, 256, 1024, 4096, 16384, 65536, 262144, 1048576)
)
WINDOWS_CLOSED = Counter(
    "runhook_window_closed_total",
    "Closed windows by reason: threshold, deadline, bytes, flush or disabled.",
    ["reason"],
)
WINDOWS_OPEN = Gauge("runhook_window_open", "Windows that gather calls.")
WINDOW_CALLS = Histogram(
    "runhook_window_calls", "Calls of a closed window.", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10000)
)
WINDOW_LATENESS = Histogram(
    "runhook_window_lateness_seconds",
    "How long after its deadline a window was closed that closed for it; above a second, no pod sweeps in time.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)
SCHEDULE_LATENESS = Histogram(
    "runhook_schedule_lateness_seconds",
    "How long after its moment a trigger of kind once or cron started its execution; above a second, no pod looks in time.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600),
)
EXECUTIONS_FINISHED = Counter(
    "runhook_execution_finished_total",
    "Executions that became final by state: SUCCEEDED, FAILED, CANCELLED, or REJECTED, which counts once it is announced.",
    ["state"],
)
_EXECUTIONS = Gauge(
    "runhook_execution_unfinished",
    "Executions that have not ended, by state; when PENDING rises, more come than are executed.",
    ["state"],
)
EXECUTIONS_PENDING, EXECUTIONS_RUNNING = _EXECUTIONS.labels("PENDING"), _EXECUTIONS.labels("RUNNING")
_OLDEST_AGE = Gauge(
    "runhook_execution_oldest_unfinished_age_seconds",
    "For how long the oldest of them is there, by state; a PENDING one may wait for the end of a pause or for a runner.",
    ["state"],
)
OLDEST_PENDING_AGE, OLDEST_RUNNING_AGE = _OLDEST_AGE.labels("PENDING"), _OLDEST_AGE.labels("RUNNING")
EXECUTIONS_HELD = Gauge(
    "runhook_execution_held", "Those of PENDING that are beyond the queue limit of a task or plan of mode hold."
)
RUNS_DUE = Gauge("runhook_run_due", "Runs that a runner may take; above 0 for long, runners have too few slots.")
OLDEST_DUE_AGE = Gauge(
    "runhook_run_oldest_due_age_seconds",
    "For how long the oldest of them is due; when it rises while others start, no runner has its command.",
)
RUNS_ACQUIRED = Counter("runhook_run_acquired_total", "Runs handed to a runner.")
RUN_WAIT = Histogram(
    "runhook_run_wait_seconds",
    "From when a run could be taken until a runner had it; when it rises, runners have no free slot.",
    buckets=(*SECONDS, 30, 60, 300, 3600),
)
RUNS_FINISHED = Counter(
    "runhook_run_finished_total",
    "Finished runs by outcome: succeeded, cancelled, or the reason why it failed.",
    ["outcome"],
)
RUN_SECONDS = Histogram(
    "runhook_run_seconds",
    "From start to end of a run, whatever ended it.",
    buckets=(0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 14400),
)
RUN_LOG_BYTES = Counter("runhook_run_log_bytes_total", "What runs printed, as far as it is kept.")
RUN_LOGS_CUT = Counter(
    "runhook_run_log_truncated_total",
    "Logs that reached RUNHOOK_TRIGGER_LOG_BYTES: what their runs print further is dropped.",
)
RUNS_FREED = Counter(
    "runhook_run_freed_total",
    "Leases that ran out by why: unstarted, or lost, when its runner went silent and attempts are left.",
    ["why"],
)
RUNNERS = Gauge(
    "runhook_runner_connected",
    "Runners that hold an AcquireRuns stream to this pod; none at any pod means that nothing is executed.",
)
OUTBOX_PUBLISHED = Counter(
    "runhook_outbox_published_total", "Events of runs that delivery_svc took, by type.", ["event_type"]
)
OUTBOX_REFUSED = Counter(
    "runhook_outbox_refused_total", "Events that delivery_svc will never take; each is an error of ours."
)
OUTBOX_UNPUBLISHED = Gauge(
    "runhook_outbox_unpublished",
    "Events that wait for delivery_svc, as of the last look, counted to 10,000; the same in every pod.",
)


@cache
def calls(answer: str) -> Counter:
    """The child of CALLS."""
    return CALLS.labels(answer)


@cache
def windows_closed(reason: str) -> Counter:
    """The child of WINDOWS_CLOSED."""
    return WINDOWS_CLOSED.labels(reason)


@cache
def runs_finished(outcome: str) -> Counter:
    """The child of RUNS_FINISHED."""
    return RUNS_FINISHED.labels(outcome)


@cache
def executions_finished(state: str) -> Counter:
    """The child of EXECUTIONS_FINISHED."""
    return EXECUTIONS_FINISHED.labels(state)


@cache
def runs_freed(why: str) -> Counter:
    """The child of RUNS_FREED."""
    return RUNS_FREED.labels(why)


# There from the start: an alert on what rises sees nothing of a series that begins at 1.
for _why in ("unstarted", "lost"):
    runs_freed(_why)


@cache
def outbox_published(event_type: str) -> Counter:
    """The child of OUTBOX_PUBLISHED."""
    return OUTBOX_PUBLISHED.labels(event_type)
