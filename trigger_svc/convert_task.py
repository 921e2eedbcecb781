"""Tasks between protobuf and nouns. Defaults are filled in here; rules are checked elsewhere."""

from chassis.etag import etag_of
from runhook.trigger.v1 import task_pb2
from trigger_svc.task import NewTask, Parameter, QueueLimit, Task
from trigger_svc.wire import duration, seconds, timestamp

DEFAULT_TIMEOUT_SECONDS = 3600.0
#: A number that is not here is left to the rules, which refuse it.
KINDS = {
    task_pb2.TASK_KIND_UNSPECIFIED: "standard",
    task_pb2.TASK_KIND_STANDARD: "standard",
    task_pb2.TASK_KIND_BIG_DATA: "big_data",
}
QUEUE_MODES = {
    task_pb2.QUEUE_MODE_UNSPECIFIED: "fail",
    task_pb2.QUEUE_MODE_FAIL: "fail",
    task_pb2.QUEUE_MODE_REJECT: "reject",
    task_pb2.QUEUE_MODE_HOLD: "hold",
}
QUEUE_COUNTS = {
    task_pb2.QUEUE_COUNT_UNSPECIFIED: "concurrent",
    task_pb2.QUEUE_COUNT_CONCURRENT: "concurrent",
    task_pb2.QUEUE_COUNT_ROLLING: "rolling",
}


def new_task(message: task_pb2.Task) -> NewTask:
    """A task as asked for."""
    return NewTask(
        account_id=message.account_id,
        name=message.name,
        kind=KINDS.get(message.kind, "unknown"),
        command=message.command,
        slots=dict(message.slots),
        parameters=tuple(Parameter(name=one.name, default_value=one.default_value) for one in message.parameters),
        timeout_seconds=seconds(message.timeout) if message.HasField("timeout") else DEFAULT_TIMEOUT_SECONDS,
        allow_parallel_runs=message.allow_parallel_runs,
        max_attempts=message.max_attempts or 1,
        environment_id=message.environment_id or 1,
        environment_name=message.environment_name or "Production",
        project_id=message.project_id or 1,
        project_name=message.project_name or "Default",
        dbt_version=message.dbt_version,
        queue_limit=new_queue_limit(message.queue_limit),
    )


def task(noun: Task) -> task_pb2.Task:
    """A task as stored."""
    return task_pb2.Task(
        task_id=noun.task_id,
        account_id=noun.account_id,
        name=noun.name,
        kind=task_pb2.TaskKind.Value(f"TASK_KIND_{noun.kind.upper()}"),
        command=noun.command,
        slots=noun.slots,
        parameters=[
            task_pb2.ContextParameter(name=one.name, default_value=one.default_value) for one in noun.parameters
        ],
        timeout=duration(noun.timeout_seconds),
        allow_parallel_runs=noun.allow_parallel_runs,
        max_attempts=noun.max_attempts,
        environment_id=noun.environment_id,
        environment_name=noun.environment_name,
        project_id=noun.project_id,
        project_name=noun.project_name,
        dbt_version=noun.dbt_version,
        create_time=timestamp(noun.created_at),
        queue_limit=queue_limit(noun.queue_limit),
        paused=noun.paused,
        etag=etag_of(noun.version),
    )


def new_queue_limit(message: task_pb2.QueueLimit) -> QueueLimit:
    """The queue limit of a task or plan as asked for."""
    return QueueLimit(
        executions=message.executions or QueueLimit().executions,
        mode=QUEUE_MODES.get(message.mode, "unknown"),
        count=QUEUE_COUNTS.get(message.count, "unknown"),
    )


def queue_limit(noun: QueueLimit) -> task_pb2.QueueLimit:
    """The queue limit of a task or plan."""
    return task_pb2.QueueLimit(
        executions=noun.executions,
        mode=task_pb2.QueueMode.Value(f"QUEUE_MODE_{noun.mode.upper()}"),
        count=task_pb2.QueueCount.Value(f"QUEUE_COUNT_{noun.count.upper()}"),
    )
