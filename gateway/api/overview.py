"""/api/v1 overviews: an account's deliveries, and its windows and executions, at a glance."""

from google.protobuf.duration_pb2 import Duration
from starlette.responses import Response

from gateway.answers import JsonAnswer
from gateway.times import shown as shown_time
from gateway.visit import Visit
from runhook.delivery.v1 import delivery_service_pb2
from runhook.delivery.v1 import overview_pb2 as deliveries_pb
from runhook.delivery.v1.delivery_pb2 import DeliveryState
from runhook.trigger.v1 import overview_pb2 as triggers_pb
from runhook.trigger.v1 import trigger_service_pb2
from runhook.trigger.v1.execution_pb2 import ExecutionState


async def deliveries(visit: Visit) -> Response:
    """GET .../overview/deliveries"""
    request = delivery_service_pb2.GetOverviewRequest(account_id=visit.account_id)
    answer = await visit.ask(visit.services.deliveries.GetOverview, request)
    return JsonAnswer(_deliveries(answer.overview))


async def triggers(visit: Visit) -> Response:
    """GET .../overview/triggers"""
    request = trigger_service_pb2.GetOverviewRequest(account_id=visit.account_id)
    answer = await visit.ask(visit.services.triggers.GetOverview, request)
    return JsonAnswer(_triggers(answer.overview))


def _deliveries(seen: deliveries_pb.Overview) -> dict[str, object]:
    return {
        "taken_at": shown_time(seen.take_time),
        "since": shown_time(seen.since_time),
        "whole_hour": seen.whole_hour,
        "total": _slice(seen.total),
        "slice_seconds": seen.slice_duration.seconds,
        "slices": [_slice(one) for one in seen.slices],
        "due_count": seen.due_count,
        "oldest_due_at": shown_time(seen.oldest_due_time),
        "subscription_count": seen.subscription_count,
        "trouble_count": seen.trouble_count,
        "troubles": [_trouble(one) for one in seen.troubles],
        "losses": [_lost_delivery(one) for one in seen.losses],
        "pods": [_pod(one) for one in seen.pods],
    }


def _slice(one: deliveries_pb.OverviewSlice) -> dict[str, object]:
    return {
        "started_at": shown_time(one.start_time),
        "succeeded": one.succeeded,
        "failed": one.failed,
        "cancelled": one.cancelled,
        "answer_p50_seconds": _seconds(one.answer_p50) if one.HasField("answer_p50") else None,
        "answer_p95_seconds": _seconds(one.answer_p95) if one.HasField("answer_p95") else None,
    }


def _trouble(one: deliveries_pb.TroubledSubscription) -> dict[str, object]:
    return {
        "subscription_id": one.subscription_id,
        "name": one.name,
        "deactivate_reason": one.deactivate_reason,
        "held_until": shown_time(one.held_until_time),
        "failing_since": shown_time(one.failing_since_time),
        "last_status_code": one.last_status_code,
    }


def _lost_delivery(one: deliveries_pb.LostDelivery) -> dict[str, object]:
    return {
        "delivery_id": str(one.delivery_id),
        "event_id": one.event_id,
        "event_type": one.event_type,
        "subscription_id": one.subscription_id,
        "subscription_name": one.subscription_name,
        "state": DeliveryState.Name(one.state).removeprefix("DELIVERY_STATE_"),
        "reason": one.reason,
        "explanation": one.explanation,
        "attempt_count": one.attempt_count,
        "test": one.test,
        "created_at": shown_time(one.create_time),
        "finished_at": shown_time(one.finish_time),
    }


def _triggers(seen: triggers_pb.Overview) -> dict[str, object]:
    return {
        "taken_at": shown_time(seen.take_time),
        "trigger_count": seen.trigger_count,
        "open_window_count": seen.open_window_count,
        "open_windows": [_window(one) for one in seen.open_windows],
        "pending_execution_count": seen.pending_execution_count,
        "oldest_pending_at": shown_time(seen.oldest_pending_time),
        "running_execution_count": seen.running_execution_count,
        "free_run_count": seen.free_run_count,
        "oldest_free_run_at": shown_time(seen.oldest_free_run_time),
        "running_run_count": seen.running_run_count,
        "losses": [_lost_execution(one) for one in seen.losses],
        "pods": [_pod(one) | {"runners": _runners(one)} for one in seen.pods],
    }


def _window(one: triggers_pb.OpenWindow) -> dict[str, object]:
    return {
        "trigger_id": one.trigger_id,
        "trigger_name": one.trigger_name,
        "window_id": str(one.window_id),
        "size": one.size,
        "threshold": one.threshold,
        "opened_at": shown_time(one.open_time),
        "deadline_at": shown_time(one.deadline_time),
    }


def _lost_execution(one: triggers_pb.LostExecution) -> dict[str, object]:
    return {
        "execution_id": one.execution_id,
        "task_id": str(one.task_id) if one.task_id else None,
        "plan_id": str(one.plan_id) if one.plan_id else None,
        "target_name": one.target_name,
        "state": ExecutionState.Name(one.state).removeprefix("EXECUTION_STATE_"),
        "reason": one.reason,
        "explanation": one.explanation,
        "run_id": str(one.run_id) if one.run_id else None,
        "created_at": shown_time(one.create_time),
        "finished_at": shown_time(one.finish_time),
    }


def _pod(one: deliveries_pb.DeliveryPod | triggers_pb.TriggerPod) -> dict[str, object]:
    return {
        "name": one.name,
        "started_at": shown_time(one.start_time),
        "heartbeat_at": shown_time(one.heartbeat_time),
    }


def _runners(one: triggers_pb.TriggerPod) -> list[dict[str, object]]:
    return [{"name": runner.name, "free_slots": runner.free_slots} for runner in one.runners]


def _seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos / 1e9
