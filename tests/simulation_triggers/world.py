"""What a history is played in: a few tasks, plans and triggers with odd settings, small enough that all limits are met."""

from random import Random
from typing import Any

from tests.simulation_triggers.rows import Head, Plan, Tables, Task

LARGEST_CALL = 40


def peopled(random: Random) -> Tables:
    """Tasks 1 to 4, plans 1 and 2, and a webhook on some of them."""
    tables = Tables()
    for task_id in range(1, 5):
        tables.tasks[task_id] = Task(
            task_id=task_id,
            takes_payload=task_id != 4,
            max_attempts=random.choice((1, 1, 2)),
            **_queue(random),
        )
    for plan_id in (1, 2):
        steps = [[1, 2], [3], [2, 4]] if plan_id == 1 else [[random.choice((1, 3))], [2]]
        tables.plans[plan_id] = Plan(
            plan_id=plan_id,
            steps=steps[: random.randint(1, 3)],
            handler=random.choice((None, 4)),
            timeout=60_000 * random.choice((1, 2)),
            **_queue(random),
        )
    for trigger_id, target in enumerate(random.sample((1, 2, 3, -1, -2), random.randint(1, 3)), 1):
        tables.heads[trigger_id] = Head(
            trigger_id=trigger_id,
            target=target,
            threshold=random.choice((1, 2, 3, 5)),
            duration=1000 * random.choice((1, 2, 10, 30)),
            max_bytes=random.choice((LARGEST_CALL + 2, 120, 5120)),
            pausing=random.random() < 0.3,
            rejecting=random.random() < 0.6,
        )
    return tables


def _queue(random: Random) -> dict[str, Any]:
    return {
        "allow_parallel_runs": random.random() < 0.3,
        "queue_limit": random.choice((1, 2, 3, 6)),
        "queue_mode": random.choice(("fail", "reject", "hold")),
        "queue_count": random.choice(("concurrent", "concurrent", "rolling")),
    }
