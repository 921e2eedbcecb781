"""Between protobuf and nouns. Defaults are filled in here; rules are checked elsewhere."""

from datetime import datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from runhook.trigger.v1 import execution_pb2, run_pb2, task_pb2, trigger_pb2
from trigger_svc.execution import Execution
from trigger_svc.receive import Call
from trigger_svc.run import Lease, Order, Run
from trigger_svc.store.window import StoredWindow
from trigger_svc.task import NewTask, Parameter, Task
from trigger_svc.trigger import NewTrigger, Trigger

DEFAULT_TIMEOUT_SECONDS = 3600.0
#: A number that is not here is left to the rules, which refuse it.
KINDS = {
    task_pb2.TASK_KIND_UNSPECIFIED: "standard",
    task_pb2.TASK_KIND_STANDARD: "standard",
    task_pb2.TASK_KIND_BIG_DATA: "big_data",
}
DATA_MODES = {trigger_pb2.DATA_MODE_UNSPECIFIED: "string", trigger_pb2.DATA_MODE_STRING: "string"}


def new_task(message: task_pb2.Task) -> NewTask:
    """A task as asked for."""
    return NewTask(
        account_id=message.account_id,
        name=message.name,
        kind=KINDS.get(message.kind, "unknown"),
        command=message.command,
        slots=dict(message.slots),
        parameters=tuple(Parameter(name=one.name, default_value=one.default_value) for one in message.parameters),
        timeout_seconds=_seconds(message.timeout) if message.HasField("timeout") else DEFAULT_TIMEOUT_SECONDS,
        allow_parallel_runs=message.allow_parallel_runs,
        max_attempts=message.max_attempts or 1,
        environment_id=message.environment_id or 1,
        environment_name=message.environment_name or "Production",
        project_id=message.project_id or 1,
        project_name=message.project_name or "Default",
        dbt_version=message.dbt_version,
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
        timeout=_duration(noun.timeout_seconds),
        allow_parallel_runs=noun.allow_parallel_runs,
        max_attempts=noun.max_attempts,
        environment_id=noun.environment_id,
        environment_name=noun.environment_name,
        project_id=noun.project_id,
        project_name=noun.project_name,
        dbt_version=noun.dbt_version,
        create_time=_time(noun.created_at),
    )


def new_trigger(message: trigger_pb2.Trigger) -> NewTrigger:
    """A trigger as asked for."""
    return NewTrigger(
        account_id=message.account_id,
        name=message.name,
        task_id=message.task_id,
        threshold=message.threshold,
        duration_seconds=_seconds(message.duration),
        data_mode=DATA_MODES.get(message.data_mode, "unknown"),
    )


def trigger(noun: Trigger) -> trigger_pb2.Trigger:
    """A trigger as stored."""
    return trigger_pb2.Trigger(
        trigger_id=noun.public_id,
        account_id=noun.account_id,
        name=noun.name,
        task_id=noun.task_id,
        threshold=noun.threshold,
        duration=_duration(noun.duration_seconds),
        enabled=noun.enabled,
        data_mode=trigger_pb2.DataMode.Value(f"DATA_MODE_{noun.data_mode.upper()}"),
        create_time=_time(noun.created_at),
    )


def window(noun: StoredWindow) -> trigger_pb2.Window:
    """A window as it is now."""
    return trigger_pb2.Window(
        window_id=noun.window_id,
        state=trigger_pb2.WindowState.Value(f"WINDOW_STATE_{noun.state}"),
        size=noun.size,
        threshold=noun.threshold,
        open_time=_time(noun.opened_at),
        deadline_time=_time(noun.deadline_at),
        close_time=_time(noun.closed_at),
        close_reason=noun.close_reason or "",
    )


def call(message: trigger_pb2.Call) -> Call:
    """An inbound request."""
    return Call(token=message.token, media_type=message.media_type, body=message.body)


def execution(noun: Execution) -> execution_pb2.Execution:
    """An execution with its runs."""
    return execution_pb2.Execution(
        execution_id=noun.public_id,
        account_id=noun.account_id,
        task_id=noun.task_id,
        trigger_id=noun.trigger_id,
        window_id=noun.window_id,
        state=execution_pb2.ExecutionState.Value(f"EXECUTION_STATE_{noun.state}"),
        reason=noun.reason,
        call_count=noun.call_count,
        runs=[run(one) for one in noun.runs],
        create_time=_time(noun.created_at),
        finish_time=_time(noun.finished_at),
    )


def run(noun: Run) -> run_pb2.Run:
    """A run."""
    return run_pb2.Run(
        run_id=noun.run_id,
        account_id=noun.account_id,
        task_id=noun.task_id,
        execution_id=noun.execution_id,
        state=run_pb2.RunState.Value(f"RUN_STATE_{noun.state}"),
        reason=noun.reason,
        message=noun.message,
        exit_code=noun.exit_code,
        create_time=_time(noun.created_at),
        start_time=_time(noun.started_at),
        finish_time=_time(noun.finished_at),
        artifact_names=noun.artifact_names,
    )


def lease(message: run_pb2.RunLease, account_id: int | None) -> Lease:
    """A runner's proof, for the account that the runner may see."""
    return Lease(run_id=message.run_id, lease_id=message.lease_id, account_id=account_id)


def order(noun: Order) -> run_pb2.RunOrder:
    """What a runner executes."""
    return run_pb2.RunOrder(
        run_id=noun.run_id,
        account_id=noun.account_id,
        execution_id=noun.execution_id,
        command=noun.command,
        slots=noun.slots,
        parameters=noun.parameters,
        has_payload=noun.has_payload,
        timeout=_duration(noun.timeout_seconds),
    )


def _seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos / 1e9


def _duration(seconds: float) -> Duration:
    return Duration(seconds=int(seconds))


def _time(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
