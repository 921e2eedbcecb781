"""Plans between protobuf and nouns. Defaults are filled in here; rules are checked elsewhere."""

from chassis.etag import etag_of
from runhook.trigger.v1 import plan_pb2
from trigger_svc.convert_task import new_queue_limit, queue_limit
from trigger_svc.planned import NewPlan, Plan, Step
from trigger_svc.task import LONGEST_TIMEOUT
from trigger_svc.wire import duration, seconds, timestamp


def new_plan(message: plan_pb2.Plan) -> NewPlan:
    """A plan as asked for."""
    return NewPlan(
        account_id=message.account_id,
        name=message.name,
        steps=tuple(Step(name=one.name, task_ids=tuple(one.task_ids)) for one in message.steps),
        failure_handler_task_id=message.failure_handler_task_id,
        timeout_seconds=seconds(message.timeout) if message.HasField("timeout") else float(LONGEST_TIMEOUT),
        allow_parallel_runs=message.allow_parallel_runs,
        queue_limit=new_queue_limit(message.queue_limit),
    )


def plan(noun: Plan) -> plan_pb2.Plan:
    """A plan as stored."""
    return plan_pb2.Plan(
        plan_id=noun.plan_id,
        account_id=noun.account_id,
        name=noun.name,
        steps=[plan_pb2.Step(name=one.name, task_ids=one.task_ids) for one in noun.steps],
        failure_handler_task_id=noun.failure_handler_task_id,
        timeout=duration(noun.timeout_seconds),
        allow_parallel_runs=noun.allow_parallel_runs,
        queue_limit=queue_limit(noun.queue_limit),
        paused=noun.paused,
        etag=etag_of(noun.version),
        create_time=timestamp(noun.created_at),
    )
