"""What the overview shows beside its figures: what waits, what is in trouble, what failed, who serves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from gateway.console.moment import Moment, moment
from gateway.console.overview.figures import Figures, figures
from gateway.console.sentence import sentence
from gateway.console.span import length
from runhook.delivery.v1 import overview_pb2 as deliveries_pb
from runhook.delivery.v1.delivery_pb2 import DeliveryState
from runhook.trigger.v1 import overview_pb2 as triggers_pb
from runhook.trigger.v1.execution_pb2 import ExecutionState

#: Where services stop counting.
MOST_COUNTED = 10_000
#: Seconds after which waiting is worth a look.
LONG = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A webhook in trouble."""

    path: str
    name: str
    kind: str
    word: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A delivery or an execution that came to nothing; `of` and `of_path` are its webhook, task or plan."""

    id: str
    path: str
    what: str
    of: str
    of_path: str
    kind: str
    word: str
    why: str
    ended: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """An open window; `path` is its trigger's, `calls_path` its own."""

    id: int
    path: str
    calls_path: str
    name: str
    size: int
    threshold: int
    closes: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A process that serves; `runners` are those connected to it."""

    service: str
    name: str
    started: Moment | None
    heard: Moment | None
    runners: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """The outbound half. `oldest_due` is how long the first waits, empty when none does; `waits` is whether that is long."""

    webhooks: int
    figures: Figures
    due: str
    oldest_due: str
    waits: bool
    trouble_count: int
    troubles: Sequence[Trouble]
    losses: Sequence[Loss]
    pods: Sequence[Pod]


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """The inbound half; texts of times as in Deliveries. `stuck` says that runs wait and no runner is there, `waits` that they
    wait for long."""

    triggers: int
    open_windows: int
    windows: Sequence[Window]
    pending: str
    oldest_pending: str
    running: str
    free_runs: str
    oldest_free_run: str
    running_runs: str
    stuck: bool
    waits: bool
    losses: Sequence[Loss]
    pods: Sequence[Pod]


def deliveries(seen: deliveries_pb.Overview, now: datetime) -> Deliveries:
    """The outbound half, for a page made at `now`."""
    waited = _waited(seen.oldest_due_time, seen.take_time)
    return Deliveries(
        webhooks=seen.subscription_count,
        figures=figures(seen),
        due=counted(seen.due_count),
        oldest_due=length(waited) if seen.due_count else "",
        waits=waited >= LONG,
        trouble_count=seen.trouble_count,
        troubles=[_trouble(one, now) for one in seen.troubles],
        losses=[_lost_delivery(one, now) for one in seen.losses],
        pods=[
            Pod(
                service="delivery_svc",
                name=one.name,
                started=moment(one.start_time, now),
                heard=moment(one.heartbeat_time, now),
                runners=(),
            )
            for one in seen.pods
        ],
    )


def triggers(seen: triggers_pb.Overview, now: datetime) -> Triggers:
    """The inbound half, for a page made at `now`."""
    return Triggers(
        triggers=seen.trigger_count,
        open_windows=seen.open_window_count,
        windows=[_window(one, now) for one in seen.open_windows],
        pending=counted(seen.pending_execution_count),
        oldest_pending=_told(seen.oldest_pending_time, seen.take_time),
        running=counted(seen.running_execution_count),
        free_runs=counted(seen.free_run_count),
        oldest_free_run=_told(seen.oldest_free_run_time, seen.take_time),
        running_runs=counted(seen.running_run_count),
        waits=_waited(seen.oldest_free_run_time, seen.take_time) >= LONG,
        stuck=seen.free_run_count > 0 and not any(pod.runners for pod in seen.pods),
        losses=[_lost_execution(one, now) for one in seen.losses],
        pods=[
            Pod(
                service="trigger_svc",
                name=one.name,
                started=moment(one.start_time, now),
                heard=moment(one.heartbeat_time, now),
                runners=[runner.name for runner in one.runners],
            )
            for one in seen.pods
        ],
    )


def counted(count: int) -> str:
    """A count; more than services count to is told so.

    >>> counted(1234), counted(10_000)
    ('1,234', '10,000+')
    """
    return f"{count:,}+" if count >= MOST_COUNTED else f"{count:,}"


def _waited(since: Timestamp, until: Timestamp) -> float:
    if not since.ByteSize():
        return 0.0
    return max(0.0, (until.ToDatetime(UTC) - since.ToDatetime(UTC)).total_seconds())


def _told(since: Timestamp, until: Timestamp) -> str:
    return length(_waited(since, until)) if since.ByteSize() else ""


def _trouble(one: deliveries_pb.TroubledSubscription, now: datetime) -> Trouble:
    path = f"/console/webhooks/{one.subscription_id}"
    if one.deactivate_reason:
        why = f"{sentence(one.deactivate_reason)} Nothing is sent until you activate it again."
        return Trouble(path=path, name=one.name, kind="bad", word="deactivated", why=why)
    last = f" (the last answer was {one.last_status_code})" if one.last_status_code >= 300 else ""
    until = moment(one.held_until_time, now)
    probe = f"; it is tried again {until.relative}" if until and one.held_until_time.ToDatetime(UTC) > now else ""
    return Trouble(
        path=path, name=one.name, kind="warn", word="held back", why=f"Too many attempts failed in a row{last}{probe}."
    )


def _lost_delivery(one: deliveries_pb.LostDelivery, now: datetime) -> Loss:
    state = DeliveryState.Name(one.state).removeprefix("DELIVERY_STATE_").lower()
    return Loss(
        id=f"delivery-{one.delivery_id}",
        path=f"/console/deliveries/{one.delivery_id}",
        what=f"{one.event_type} (test)" if one.test else one.event_type,
        of=one.subscription_name,
        of_path=f"/console/webhooks/{one.subscription_id}",
        kind="bad" if state == "failed" else "off",
        word=state,
        why=one.explanation,
        ended=moment(one.finish_time, now),
    )


def _lost_execution(one: triggers_pb.LostExecution, now: datetime) -> Loss:
    state = ExecutionState.Name(one.state).removeprefix("EXECUTION_STATE_").lower()
    noun, number = ("plan", one.plan_id) if one.plan_id else ("task", one.task_id)
    return Loss(
        id=one.execution_id,
        path=f"/console/executions/{one.execution_id}",
        what="Execution",
        of=one.target_name or f"{noun} {number}, which is gone",
        of_path=f"/console/{noun}s/{number}" if one.target_name else "",
        kind="bad" if state == "failed" else "warn",
        word=state,
        why=one.explanation,
        ended=moment(one.finish_time, now),
    )


def _window(one: triggers_pb.OpenWindow, now: datetime) -> Window:
    path = f"/console/triggers/{one.trigger_id}"
    return Window(
        id=one.window_id,
        path=path,
        calls_path=f"{path}/windows/{one.window_id}",
        name=one.trigger_name,
        size=one.size,
        threshold=one.threshold,
        closes=moment(one.deadline_time, now),
    )
