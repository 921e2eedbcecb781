"""The rows of the model, as the schema `trigger` has them. Times are milliseconds of the database's clock, ids count from 1."""

from dataclasses import dataclass, field

PENDING, RUNNING, SUCCEEDED, FAILED = "PENDING", "RUNNING", "SUCCEEDED", "FAILED"
CANCELLED, REJECTED = "CANCELLED", "REJECTED"


@dataclass(slots=True, kw_only=True)
class Task:
    """A task; `takes_payload`: it declares resource_webhook_payload."""

    task_id: int
    takes_payload: bool = True
    max_attempts: int = 1
    allow_parallel_runs: bool = False
    queue_limit: int = 50
    queue_mode: str = "fail"
    queue_count: str = "concurrent"
    paused: bool = False


@dataclass(slots=True, kw_only=True)
class Plan:
    """A plan: its tasks by step, its failure handler's task."""

    plan_id: int
    steps: list[list[int]]
    handler: int | None = None
    timeout: int = 60_000
    allow_parallel_runs: bool = False
    queue_limit: int = 50
    queue_mode: str = "fail"
    queue_count: str = "concurrent"
    paused: bool = False


@dataclass(slots=True, kw_only=True)
class Head:
    """A trigger with its head. `pausing`: takes nothing while its target is paused; `rejecting`: opens no window while that is
    full."""

    trigger_id: int
    target: int  # a task, or below 0 a plan
    threshold: int
    duration: int
    max_bytes: int
    pausing: bool = False
    rejecting: bool = False
    enabled: bool = True
    next_seq: int = 1
    window_id: int | None = None
    window_threshold: int | None = None
    window_count: int | None = None
    window_bytes: int | None = None
    opened_at: int | None = None
    deadline_at: int | None = None


@dataclass(slots=True, kw_only=True)
class Window:
    """A window; what it holds is counted in the head while it is open."""

    window_id: int
    trigger_id: int
    threshold: int
    first_seq: int
    opened_at: int
    deadline_at: int
    state: str = "OPEN"
    size: int | None = None
    bytes: int | None = None
    closed_at: int | None = None
    close_reason: str | None = None


@dataclass(slots=True, kw_only=True)
class Call:
    """A call; `size` is what it adds to a payload, `key` what it is known by again."""

    call_id: str
    trigger_id: int
    size: int
    key: str | None = None
    seq: int = 0
    window_id: int = 0
    received_at: int = 0


@dataclass(slots=True, kw_only=True)
class Execution:
    """An execution. `plan` is (steps, handler, timeout) as it was when this was made."""

    execution_id: int
    public_id: str
    target: int
    trigger_id: int | None
    window_id: int | None
    call_count: int
    exclusive: bool
    state: str
    reason: str
    created_at: int
    queued_at: int | None
    turn_at: int | None
    finished_at: int | None
    cause: str
    payload_bytes: int
    rerun_of: int | None = None
    payload_of: int | None = None
    step: int = 0
    plan: tuple[list[list[int]], int | None, int] | None = None
    started_at: int | None = None
    failed_step: int | None = None
    handling: bool = False
    failure: str = ""
    deadline_at: int | None = None

    @property
    def unfinished(self) -> bool:
        """Whether it waits or runs."""
        return self.finished_at is None

    @property
    def in_queue(self) -> bool:
        """Whether the queue limit counts it, but for its age."""
        return self.queued_at is not None and self.unfinished

    @property
    def waiting(self) -> bool:
        """In the queue, without a turn."""
        return self.in_queue and self.turn_at is None

    @property
    def has_turn(self) -> bool:
        """Has the turn and is not yet final."""
        return self.turn_at is not None and self.unfinished


@dataclass(slots=True, kw_only=True)
class Run:
    """A run; `step` is null outside of plans, 0 for a failure handler."""

    run_id: int
    task_id: int
    execution_id: int
    max_attempts: int
    state: str
    reason: str
    created_at: int
    due_at: int | None
    finished_at: int | None
    step: int | None
    takes_payload: bool
    attempts: int = 0
    lease: int | None = None
    lease_until: int | None = None
    started_at: int | None = None
    artifacts_due_at: int | None = None


@dataclass(slots=True, kw_only=True)
class Told:
    """A row of the outbox, of a run or (rejected) of an execution."""

    subject: str
    event_type: str
    event_at: int
    run_state: str


@dataclass(slots=True, kw_only=True)
class Tables:
    """All of them, in the order in which their rows were made."""

    tasks: dict[int, Task] = field(default_factory=dict)
    plans: dict[int, Plan] = field(default_factory=dict)
    heads: dict[int, Head] = field(default_factory=dict)
    windows: dict[int, Window] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    dedupe: dict[tuple[int, str], tuple[str, int]] = field(default_factory=dict)
    groups: dict[int, tuple[list[int], list[int] | None]] = field(default_factory=dict)
    executions: dict[int, Execution] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
    outbox: list[Told] = field(default_factory=list)
    windows_made: int = 0
    leases_made: int = 0
