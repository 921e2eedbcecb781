"""What trigger_svc measures, beside what the chassis does for every process.

runhook_call_answered_total{answer}         calls by answer: "accepted", or the reason of the refusal
runhook_call_body_bytes                     sizes of accepted bodies
runhook_window_closed_total{reason}         threshold, deadline, bytes, disabled
runhook_window_calls                        calls of a closed window
runhook_window_lateness_seconds             how long after its deadline a window was closed, for reason deadline
runhook_execution_finished_total{state}     executions that became final
runhook_run_acquired_total                  runs handed to a runner
runhook_run_wait_seconds                    from when a run could be taken until a runner had it
runhook_run_finished_total{outcome}         succeeded, or the reason why it failed
runhook_run_seconds                         from start to end of a run
runhook_run_freed_total{why}                leases that ran out: unstarted, or lost with attempts left
runhook_runner_connected                    runners that hold an AcquireRuns stream to this pod
runhook_outbox_published_total{event_type}  events that delivery_svc took
runhook_outbox_refused_total                events that delivery_svc will never take: each is an error of ours
runhook_outbox_unpublished                  events that wait, as of the last look (counted up to 10,000)
"""

from prometheus_client import Counter, Gauge, Histogram

CALLS = Counter("runhook_call_answered_total", "Calls by their answer.", ["answer"])
CALL_BYTES = Histogram(
    "runhook_call_body_bytes", "Sizes of accepted bodies.", buckets=(0, 256, 1024, 4096, 16384, 65536, 262144, 1048576)
)
WINDOWS_CLOSED = Counter("runhook_window_closed_total", "Closed windows by reason.", ["reason"])
WINDOW_CALLS = Histogram(
    "runhook_window_calls", "Calls of a closed window.", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10000)
)
WINDOW_LATENESS = Histogram(
    "runhook_window_lateness_seconds",
    "How long after its deadline a window was closed.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)
EXECUTIONS_FINISHED = Counter("runhook_execution_finished_total", "Executions that became final.", ["state"])
RUNS_ACQUIRED = Counter("runhook_run_acquired_total", "Runs handed to a runner.")
RUN_WAIT = Histogram(
    "runhook_run_wait_seconds",
    "From when a run could be taken until a runner had it.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)
RUNS_FINISHED = Counter("runhook_run_finished_total", "Finished runs by outcome.", ["outcome"])
RUN_SECONDS = Histogram(
    "runhook_run_seconds", "From start to end of a run.", buckets=(0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 14400)
)
RUNS_FREED = Counter("runhook_run_freed_total", "Leases that ran out.", ["why"])
RUNNERS = Gauge("runhook_runner_connected", "Runners that hold an AcquireRuns stream to this pod.")
OUTBOX_PUBLISHED = Counter("runhook_outbox_published_total", "Events that delivery_svc took.", ["event_type"])
OUTBOX_REFUSED = Counter("runhook_outbox_refused_total", "Events that delivery_svc will never take.")
OUTBOX_UNPUBLISHED = Gauge("runhook_outbox_unpublished", "Events that wait, counted up to 10,000.")
