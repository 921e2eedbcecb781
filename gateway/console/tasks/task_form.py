"""A task's form: from a message to what its fields show, and from what was sent to the message."""

from google.protobuf.duration_pb2 import Duration

from gateway.console.entry import Entry
from gateway.console.executions.words import PAYLOAD
from gateway.console.tasks.queue_limit import queue_limit
from runhook.trigger.v1.task_pb2 import ContextParameter, Task, TaskKind

KINDS = (("standard", "standard: 8 MiB"), ("big_data", "big data: 5 KiB"))
_HOUR = 3600


def fresh(account_id: int) -> Task:
    """What the form of a new task shows: one that calls may start."""
    return Task(
        account_id=account_id,
        parameters=[ContextParameter(name=PAYLOAD)],
        timeout=Duration(seconds=_HOUR),
        max_attempts=1,
        environment_id=1,
        project_id=1,
    )


def task_of(entry: Entry, account_id: int, task_id: int = 0) -> Task:
    """What was sent, as a message; `entry` keeps what could not be read."""
    form = entry.form
    parameters = [ContextParameter(name=key, default_value=value) for key, value in entry.pairs("parameters")]
    if form.has("takes_calls"):
        parameters.append(ContextParameter(name=PAYLOAD, default_value=form.text("payload_default")))
    timeout = form.text("timeout").strip()
    return Task(
        account_id=account_id,
        task_id=task_id,
        etag=form.text("etag"),
        name=form.text("name").strip(),
        kind=TaskKind.TASK_KIND_BIG_DATA if form.text("kind") == "big_data" else TaskKind.TASK_KIND_STANDARD,
        command=form.text("command").strip(),
        slots=dict(entry.pairs("slots")),
        parameters=parameters,
        timeout=Duration(seconds=entry.number("timeout")) if timeout else None,
        allow_parallel_runs=form.has("allow_parallel_runs"),
        max_attempts=entry.number("max_attempts"),
        environment_id=entry.number("environment_id", large=True),
        environment_name=form.text("environment_name").strip(),
        project_id=entry.number("project_id", large=True),
        project_name=form.text("project_name").strip(),
        dbt_version=form.text("dbt_version").strip(),
        queue_limit=queue_limit(entry),
    )
