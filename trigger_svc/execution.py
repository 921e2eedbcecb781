"""What a closed window, a schedule or a hand set going, as it is read; and what may be asked to be started."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from chassis.errors import BadField
from chassis.ids import is_id
from trigger_svc.run import Run
from trigger_svc.task import LONGEST_VALUE, PAYLOAD

LONGEST_REASON = 255
LONGEST_REQUEST_ID = 128
#: What a list may ask for; "" stands for all.
STATES = frozenset({"", "PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "REJECTED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """An execution with its runs. `trigger_id` is the public one; `key` orders and pages; 0 and "" stand for none."""

    key: int
    public_id: str
    account_id: int
    task_id: int
    plan_id: int
    trigger_id: str
    window_id: int
    state: str
    reason: str
    call_count: int
    created_at: datetime
    finished_at: datetime | None
    cause: str
    rerun_of: str
    step: int
    payload_bytes: int
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An execution as somebody asks for it; one of `task_id` and `plan_id` is 0. Empty texts and bytes stand for none."""

    account_id: int
    task_id: int
    plan_id: int
    parameters: Mapping[str, str]
    payload: bytes
    reason: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which executions a list shows: those for which all hold that are named. 0 and "" name nothing; `trigger_id` is public."""

    task_id: int = 0
    plan_id: int = 0
    trigger_id: str = ""
    window_id: int = 0
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Takers:
    """What the tasks that a wish starts with take: names of parameters, and bytes of payload (0: none takes one)."""

    parameters: frozenset[str]
    payload_bytes: int


def bad_fields(wish: Wish) -> Iterator[BadField]:
    """Every rule that a wish breaks by itself."""
    if (wish.task_id > 0) == (wish.plan_id > 0) or min(wish.task_id, wish.plan_id) < 0:
        yield BadField("task_id", "must name a task, or plan_id a plan, and not both")
    if len(wish.reason) > LONGEST_REASON or any(ord(sign) < 32 or ord(sign) == 127 for sign in wish.reason):
        yield BadField("reason", f"must be at most {LONGEST_REASON} characters, none a control character")
    if wish.request_id and not _is_request_id(wish.request_id):
        yield BadField("request_id", f"must be 1 to {LONGEST_REQUEST_ID} printable ASCII characters")
    for name, value in wish.parameters.items():
        if len(value) > LONGEST_VALUE or "\x00" in value:
            yield BadField(f"parameters[{name!r:.80}]", f"must be at most {LONGEST_VALUE} characters, none of them NUL")
    try:
        wish.payload.decode()
    except UnicodeDecodeError:
        yield BadField("payload", "must be UTF-8")


def bad_wanted(wanted: Wanted) -> Iterator[BadField]:
    """Every rule that what is asked of a list breaks."""
    for name, number in (("task_id", wanted.task_id), ("plan_id", wanted.plan_id), ("window_id", wanted.window_id)):
        if number < 0:
            yield BadField(name, "must not be below 0")
    if wanted.task_id and wanted.plan_id:
        yield BadField("plan_id", "must not be given beside task_id: an execution is of one of them")
    if wanted.trigger_id and not is_id("trg_", wanted.trigger_id):
        yield BadField("trigger_id", 'must be "trg_" and 27 base62 characters')
    if wanted.state not in STATES:
        yield BadField("state", "is not known here")


def bad_for(wish: Wish, takers: Takers) -> Iterator[BadField]:
    """Every rule that a wish breaks because of what it would start."""
    for name in wish.parameters:
        if name == PAYLOAD:
            yield BadField(f"parameters[{name!r:.80}]", "is given as payload")
        elif name not in takers.parameters:
            yield BadField(f"parameters[{name!r:.80}]", "is declared by no task that would start with it")
    if wish.payload and not takers.payload_bytes:
        yield BadField("payload", f"is taken by no task that would start with it: {PAYLOAD} is not declared")
    elif len(wish.payload) > takers.payload_bytes:
        yield BadField("payload", f"must be at most {takers.payload_bytes:,} bytes")


def _is_request_id(text: str) -> bool:
    return len(text) <= LONGEST_REQUEST_ID and all(32 <= ord(sign) < 127 for sign in text)
