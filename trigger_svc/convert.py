"""Between protobuf and nouns. Defaults are filled in here; rules are checked elsewhere."""

from runhook.trigger.v1 import execution_pb2, run_pb2, trigger_pb2, trigger_service_pb2
from trigger_svc.call import Answer, Call
from trigger_svc.execution import Execution, Wanted, Wish
from trigger_svc.run import Lease, Order, Run
from trigger_svc.wire import duration, timestamp


def call(message: trigger_pb2.Call) -> Call:
    """An inbound request."""
    headers: dict[str, bytes] = {}
    for header in message.headers:
        before = headers.get(header.name)
        headers[header.name] = header.value if before is None else before + b", " + header.value
    return Call(
        token=message.token,
        media_type=message.media_type,
        body=message.body,
        headers=headers,
        method=message.method or "POST",
    )


def accepted(noun: Answer) -> trigger_service_pb2.CallAccepted:
    """What a call gets that is not refused."""
    message = trigger_service_pb2.CallAccepted(call_id=noun.call_id, duplicate=noun.duplicate)
    if noun.reply is not None:
        message.reply.status_code = 200
        message.reply.media_type = noun.reply.media_type
        message.reply.body = noun.reply.body
    return message


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
        create_time=timestamp(noun.created_at),
        finish_time=timestamp(noun.finished_at),
        plan_id=noun.plan_id,
        rerun_of=noun.rerun_of,
        cause=noun.cause,
        step=noun.step,
        payload_bytes=noun.payload_bytes,
    )


def wish(message: trigger_service_pb2.StartExecutionRequest) -> Wish:
    """An execution as somebody asks for it."""
    return Wish(
        account_id=message.account_id,
        task_id=message.task_id,
        plan_id=message.plan_id,
        parameters=dict(message.parameters),
        payload=message.payload,
        reason=message.reason,
        request_id=message.request_id,
    )


def wanted(message: trigger_service_pb2.ListExecutionsRequest) -> Wanted:
    """Which executions somebody asks for; a state that is unknown here stays a number."""
    number = message.state
    known = number in execution_pb2.ExecutionState.values()
    name = execution_pb2.ExecutionState.Name(number).removeprefix("EXECUTION_STATE_") if known else str(number)
    return Wanted(
        task_id=message.task_id,
        plan_id=message.plan_id,
        trigger_id=message.trigger_id,
        window_id=message.window_id,
        state="" if name == "UNSPECIFIED" else name,
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
        create_time=timestamp(noun.created_at),
        start_time=timestamp(noun.started_at),
        finish_time=timestamp(noun.finished_at),
        artifact_names=noun.artifact_names,
        step=noun.step,
        log_bytes=noun.log_bytes,
        log_truncated=noun.log_truncated,
        summary=noun.summary,
    )


def lease(message: run_pb2.RunLease, account_id: int | None) -> Lease:
    """A runner's proof, for the account that the runner may see."""
    return Lease(run_id=message.run_id, lease_id=message.lease_id, account_id=account_id)


def order(noun: Order, run_token: str) -> run_pb2.RunOrder:
    """What a runner executes, with the token that it may pass on."""
    return run_pb2.RunOrder(
        run_id=noun.run_id,
        account_id=noun.account_id,
        execution_id=noun.execution_id,
        command=noun.command,
        slots=noun.slots,
        parameters=noun.parameters,
        has_payload=noun.has_payload,
        timeout=duration(noun.timeout_seconds),
        log_bytes=noun.log_bytes,
        run_token=run_token,
    )
