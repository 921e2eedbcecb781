"""An overview from nouns to protobuf."""

from runhook.trigger.v1 import overview_pb2 as pb
from runhook.trigger.v1.execution_pb2 import ExecutionState
from trigger_svc.overview import Loss, OpenWindow, Overview, Pod
from trigger_svc.wire import timestamp


def overview(taken: Overview) -> pb.Overview:
    """The overview as callers see it."""
    return pb.Overview(
        take_time=timestamp(taken.taken_at),
        trigger_count=taken.work.triggers,
        open_window_count=taken.open_windows,
        open_windows=[_window(one) for one in taken.windows],
        pending_execution_count=taken.work.pending_executions,
        oldest_pending_time=timestamp(taken.work.oldest_pending_at),
        running_execution_count=taken.work.running_executions,
        free_run_count=taken.work.free_runs,
        oldest_free_run_time=timestamp(taken.work.oldest_free_run_at),
        running_run_count=taken.work.running_runs,
        losses=[_loss(one) for one in taken.losses],
        pods=[_pod(one) for one in taken.pods],
    )


def _window(one: OpenWindow) -> pb.OpenWindow:
    return pb.OpenWindow(
        trigger_id=one.trigger_id,
        trigger_name=one.trigger_name,
        window_id=one.window_id,
        size=one.size,
        threshold=one.threshold,
        open_time=timestamp(one.opened_at),
        deadline_time=timestamp(one.deadline_at),
    )


def _loss(one: Loss) -> pb.LostExecution:
    return pb.LostExecution(
        execution_id=one.execution_id,
        task_id=one.task_id,
        plan_id=one.plan_id,
        target_name=one.target_name,
        state=ExecutionState.Value(f"EXECUTION_STATE_{one.state}"),
        reason=one.reason,
        explanation=one.explanation,
        run_id=one.run_id,
        create_time=timestamp(one.created_at),
        finish_time=timestamp(one.finished_at),
    )


def _pod(one: Pod) -> pb.TriggerPod:
    return pb.TriggerPod(
        name=one.name,
        start_time=timestamp(one.started_at),
        heartbeat_time=timestamp(one.heartbeat_at),
        runners=[pb.ConnectedRunner(name=runner.name, free_slots=runner.free_slots) for runner in one.runners],
    )
