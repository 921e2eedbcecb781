"""Protobuf to nouns and back, and nothing else."""

from runhook.trigger.v1.run_pb2 import RunLease, RunOrder
from runhook.trigger.v1.run_service_pb2 import FinishRunRequest
from runner.ending import Report
from runner.held import HeldRun
from runner.invocation import Order

LONGEST_TIMEOUT_SECONDS = 86_400.0


def lease_of(held: HeldRun) -> RunLease:
    """What proves that the runner holds the run."""
    return RunLease(run_id=held.run_id, lease_id=held.lease_id)


def order_of(message: RunOrder, *, traceparent: str = "") -> Order:
    """What a run asks for. An absent timeout is the longest that there is."""
    seconds = message.timeout.seconds + message.timeout.nanos / 1e9
    return Order(
        run_id=message.run_id,
        account_id=message.account_id,
        execution_id=message.execution_id,
        command=message.command,
        slots=dict(message.slots),
        parameters=dict(message.parameters),
        has_payload=message.has_payload,
        timeout_seconds=seconds if seconds > 0 else LONGEST_TIMEOUT_SECONDS,
        log_bytes=message.log_bytes,
        run_token=message.run_token,
        traceparent=traceparent,
    )


def finish_request(held: HeldRun, report: Report) -> FinishRunRequest:
    """How the run ended."""
    return FinishRunRequest(
        lease=lease_of(held),
        exit_code=report.exit_code,
        reason=report.reason,
        message=report.message,
        summary=report.summary,
    )
