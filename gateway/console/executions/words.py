"""States, causes and reasons of executions, runs and windows as people read them: a kind of badge, a word, a sentence."""

from gateway.console.badge import Badge
from runhook.trigger.v1.execution_pb2 import ExecutionState
from runhook.trigger.v1.run_pb2 import RunState

PAYLOAD = "resource_webhook_payload"
UNKNOWN = Badge("off", "unknown")
EXECUTION_STATES = {
    ExecutionState.EXECUTION_STATE_PENDING: Badge("wait", "waiting"),
    ExecutionState.EXECUTION_STATE_RUNNING: Badge("busy", "running"),
    ExecutionState.EXECUTION_STATE_SUCCEEDED: Badge("good", "succeeded"),
    ExecutionState.EXECUTION_STATE_FAILED: Badge("bad", "failed"),
    ExecutionState.EXECUTION_STATE_CANCELLED: Badge("off", "cancelled"),
    ExecutionState.EXECUTION_STATE_REJECTED: Badge("warn", "rejected"),
}
RUN_STATES = {
    RunState.RUN_STATE_PENDING: Badge("wait", "waiting"),
    RunState.RUN_STATE_RUNNING: Badge("busy", "running"),
    RunState.RUN_STATE_SUCCEEDED: Badge("good", "succeeded"),
    RunState.RUN_STATE_FAILED: Badge("bad", "failed"),
    RunState.RUN_STATE_CANCELLED: Badge("off", "cancelled"),
}
#: Of executions and of runs.
REASONS = {
    "run_failed": "A run of it failed.",
    "command_failed": "Its command ended with an error.",
    "timed_out": "It took longer than it may, and was stopped.",
    "runner_lost": "Its runner was not heard of any more, and no attempt was left.",
    "not_runnable": "The runner could not run its command.",
    "queue_limit": "As many executions waited or ran as the queue limit allows. Its payload is kept: run it again.",
    "waited_too_long": "It waited for its turn for longer than it may. Its payload is kept: run it again.",
    "parameter_missing": f"Its task no longer declares the parameter {PAYLOAD}, so the calls could not reach it.",
    "task_missing": "A task that it was to execute is gone.",
}
CAUSES = {
    "webhook": "calls to its trigger",
    "once": "its moment came",
    "cron": "its schedule",
    "manual": "started by hand",
    "rerun": "run again",
}
CLOSE_REASONS = {
    "threshold": "full: it had as many calls as close it",
    "deadline": "its time was up",
    "bytes": "full: the next call's bytes had no room",
    "disabled": "its trigger was disabled",
    "flush": "closed by hand",
}


def explanation(reason: str) -> str:
    """A reason in one sentence; empty for none.

    >>> explanation("run_failed"), explanation("some_new_one"), explanation("")
    ('A run of it failed.', 'Some new one.', '')
    """
    return REASONS.get(reason, f"{spoken(reason).capitalize()}." if reason else "")


def spoken(word: str) -> str:
    """A word of ours that no table has."""
    return word.replace("_", " ")
