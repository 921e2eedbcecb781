"""Holds the tables against what the load client was told: every 204 stored, every window closed into one execution.

Invariant: what is said here are failures of the platform and never of the machine.
"""

from collections.abc import Mapping

from bench.webhooks import Ground, Webhooks

STORED = "select count(*) from trigger.call where trigger_id = any($1)"
WINDOWS = """
select count(*) filter (where w.state = 'CLOSED') as closed, count(*) filter (where w.size > w.threshold) as too_large,
       count(e.window_id) as executions, count(*) filter (where e.state = 'REJECTED') as rejected
  from trigger.window w left join trigger.execution e on e.window_id = w.window_id
 where w.trigger_id = any($1)
"""
OVER_LIMIT = """
select count(*) from (select e.task_id from trigger.execution e join trigger.trigger g on g.task_id = e.task_id
                       where g.trigger_id = any($1) and e.finished_at is null group by e.task_id having count(*) > 50) o
"""


async def settle(ground: Ground, webhooks: Webhooks, answers: Mapping[str, int]) -> list[str]:
    """A sentence for each thing that must not be. `answers` are all that the triggers' callers ever got, by status code."""
    acknowledged = answers.get("204", 0)
    stored = await ground.database.fetchval(STORED, webhooks.ids)
    windows = await ground.database.fetchrow(WINDOWS, webhooks.ids)
    assert windows is not None
    said = []
    if stored != acknowledged:
        said.append(f"{acknowledged} calls were answered 204, {stored} are stored")
    if windows["closed"] != windows["executions"]:
        said.append(f"{windows['closed']} windows closed, {windows['executions']} executions")
    if windows["too_large"]:
        said.append(f"{windows['too_large']} windows hold more than their threshold")
    if over := await ground.database.fetchval(OVER_LIMIT, webhooks.ids):
        said.append(f"{over} queues are over their limit of 50")
    # Beyond 50 for each task, everything must have been rejected.
    if windows["rejected"] != max(0, windows["executions"] - 50 * len(webhooks.ids)) and len(webhooks.ids) == 1:
        said.append(f"{windows['rejected']} of {windows['executions']} executions were rejected")
    return said


async def rejected_share(ground: Ground, webhooks: Webhooks) -> float:
    """Of the executions, how many the queue limit rejected."""
    windows = await ground.database.fetchrow(WINDOWS, webhooks.ids)
    assert windows is not None
    return float(windows["rejected"] / max(1, windows["executions"]))
