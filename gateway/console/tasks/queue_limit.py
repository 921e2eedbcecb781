"""How many executions of a task or plan may wait or run: the fields of their forms, and words for it."""

from gateway.console.entry import Entry
from runhook.trigger.v1.task_pb2 import QueueCount, QueueLimit, QueueMode

MODES = (
    ("fail", "are rejected; their payload is kept"),
    ("reject", "are refused as calls, before a window opens"),
    ("hold", "wait until there is room"),
)
COUNTS = (("concurrent", "those that wait or run now"), ("rolling", "all of the last 60 minutes"))


def words_of(limit: QueueLimit) -> str:
    """A limit in one sentence."""
    mode, count = mode_of(limit), count_of(limit)
    counted = "waiting or running" if count == "concurrent" else "in 60 minutes"
    return f"{limit.executions or 50:,} {counted}; further ones {dict(MODES)[mode]}"


def mode_of(limit: QueueLimit) -> str:
    """Its mode as the form has it."""
    return {QueueMode.QUEUE_MODE_REJECT: "reject", QueueMode.QUEUE_MODE_HOLD: "hold"}.get(limit.mode, "fail")


def count_of(limit: QueueLimit) -> str:
    """Which ones it counts, as the form has it."""
    return "rolling" if limit.count == QueueCount.QUEUE_COUNT_ROLLING else "concurrent"


def queue_limit(entry: Entry) -> QueueLimit:
    """What was sent."""
    mode, count = entry.form.text("queue_limit.mode"), entry.form.text("queue_limit.count")
    return QueueLimit(
        executions=entry.number("queue_limit.executions"),
        mode=QueueMode.Value(f"QUEUE_MODE_{mode.upper() if mode in dict(MODES) else 'UNSPECIFIED'}"),
        count=QueueCount.Value(f"QUEUE_COUNT_{count.upper() if count in dict(COUNTS) else 'UNSPECIFIED'}"),
    )
