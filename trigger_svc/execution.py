"""What one window set going, as it is read."""

from dataclasses import dataclass
from datetime import datetime

from trigger_svc.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """An execution with its runs. `trigger_id` is the public one; `key` orders and pages."""

    key: int
    public_id: str
    account_id: int
    task_id: int
    trigger_id: str
    window_id: int
    state: str
    reason: str
    call_count: int
    created_at: datetime
    finished_at: datetime | None
    runs: tuple[Run, ...]
