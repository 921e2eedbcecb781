"""The tests of executions notice: each rule is broken on purpose, once, and then a test that holds it fails."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import asyncpg
import pytest

from tests.integration.trigger_svc import test_asking as asking
from tests.integration.trigger_svc import test_plans as plans
from tests.integration.trigger_svc import test_queue_limit as queue
from tests.support.executions import Line
from tests.support.postgres import Database
from tests.support.trigger import pod

#: How a test fails; a missing exception is none of Exception's.
NOTICED = (Exception, pytest.fail.Exception)


class Break(NamedTuple):
    """A piece of a function that is replaced, and the test that must fail then."""

    function: str
    piece: str
    instead: str
    test: Callable[[Line], Awaitable[None]]


BREAKS = [
    Break("room", "interval '60 minutes'", "interval '1 day'", queue.test_only_the_last_hour_counts),
    Break(
        "room", " and e.finished_at is null", "", queue.test_mode_concurrent_forgets_what_has_ended_and_rolling_does_not
    ),
    Break("room", "'rolling'", "'never'", queue.test_mode_concurrent_forgets_what_has_ended_and_rolling_does_not),
    Break(
        "room", "p_limit - v_queued", "1", queue.test_of_a_flood_of_60_windows_10_are_rejected_and_keep_their_payloads
    ),
    Break(
        "enqueue",
        "l.place_in_target > l.room",
        "l.room <= 0",
        queue.test_of_windows_that_close_together_as_many_come_in_as_there_is_room_for,
    ),
    Break(
        "enqueue",
        "l.queue_mode <> 'hold' and",
        "",
        queue.test_mode_hold_keeps_what_is_beyond_the_limit_until_there_is_room,
    ),
    Break(
        "queue_is_full", "t.queue_mode = 'reject'", "true", queue.test_the_queue_is_full_for_calls_in_mode_reject_alone
    ),
    Break(
        "start_execution",
        "p_cause = 'manual' and",
        "",
        queue.test_mode_reject_tells_the_starter_and_accepted_calls_are_stored_all_the_same,
    ),
    Break(
        "admit_held",
        "return trigger.give_turns(p_target, t)",
        "return false",
        queue.test_held_executions_come_in_when_an_hour_is_over_and_newer_ones_do_not_overtake_them,
    ),
    Break(
        "give_turns",
        "order by e.target, e.execution_id\n                    limit",
        "order by e.target desc, e.execution_id desc\n                    limit",
        queue.test_held_executions_come_in_when_an_hour_is_over_and_newer_ones_do_not_overtake_them,
    ),
    Break(
        "give_turns",
        "order by e.target, e.execution_id\n         limit 1",
        "order by e.target desc, e.execution_id desc\n         limit 1",
        asking.test_a_paused_task_takes_calls_and_holds_its_executions_until_it_is_resumed,
    ),
    Break(
        "give_turns",
        "if c.paused then",
        "if false then",
        asking.test_what_a_runner_has_goes_on_while_its_task_is_paused_and_nothing_follows,
    ),
    Break(
        "enqueue",
        "not d.paused\n",
        "true\n",
        asking.test_all_executions_of_a_task_with_parallel_runs_are_released_at_once,
    ),
    Break(
        "pause_target",
        "set due_at = null",
        "set due_at = due_at",
        asking.test_a_paused_task_takes_calls_and_holds_its_executions_until_it_is_resumed,
    ),
    Break(
        "rerun_execution",
        "coalesce(o.payload_of, o.execution_id)",
        "o.execution_id",
        asking.test_a_rerun_gets_the_identical_array_whatever_happened_since,
    ),
    Break(
        "rerun_execution",
        "then o.failed_step else 1",
        "then 1 else 1",
        asking.test_a_rerun_from_the_failed_step_leaves_out_what_succeeded,
    ),
    Break(
        "rerun_execution",
        "then o.plan else",
        "then trigger.plan_as_it_is(o.plan_id) else",
        asking.test_a_rerun_from_the_failed_step_leaves_out_what_succeeded,
    ),
    Break(
        "end_runs",
        "lease_id = null, lease_until = null",
        "lease_until = null",
        asking.test_a_report_on_a_cancelled_run_is_not_believed,
    ),
    Break(
        "cancel_execution",
        "perform trigger.end_execution(e.execution_id, 'CANCELLED', '', t)",
        "perform trigger.advance_plan(e.execution_id, t)",
        asking.test_a_cancelled_plan_starts_neither_its_next_step_nor_its_handler,
    ),
    Break(
        "end_execution",
        "perform trigger.give_turns(v_target, p_now)",
        "null",
        asking.test_cancelled_in_each_state_the_runs_end_and_the_next_one_gets_the_turn,
    ),
    Break("enqueue", "k.takers = 0", "false", asking.test_a_task_that_lost_its_parameter_fails_and_keeps_the_payload),
    Break(
        "make_runs",
        "or p_step = 1) and e.payload",
        "or true) and e.payload",
        plans.test_the_payload_goes_to_the_tasks_of_the_first_step_that_declare_it_and_to_no_other,
    ),
    Break(
        "make_runs",
        "e.plan_id is null or p_step = 1 then e.parameters",
        "true then e.parameters",
        plans.test_parameters_of_a_start_take_the_place_of_defaults_in_the_first_step_alone,
    ),
    Break(
        "advance_plan",
        "r.finished_at is null",
        "false",
        plans.test_a_step_starts_when_every_run_of_the_step_before_succeeded,
    ),
    Break(
        "advance_plan",
        "not e.handling and",
        "",
        plans.test_a_handler_that_fails_changes_nothing_and_without_one_the_execution_fails_at_once,
    ),
    Break(
        "advance_plan",
        "deadline_at = null",
        "deadline_at = deadline_at",
        plans.test_a_handler_has_its_own_time,
    ),
    Break(
        "end_run",
        "p_state = 'FAILED'",
        "false",
        plans.test_after_a_failure_what_runs_goes_on_and_then_the_handler_runs_once,
    ),
    Break(
        "time_out_plan",
        "then 'timed_out'",
        "then 'run_failed'",
        plans.test_a_plan_whose_time_is_over_ends_its_runs_and_goes_to_its_handler,
    ),
    Break(
        "tell_end",
        "r.state = 'FAILED' else",
        "true else",
        plans.test_every_run_of_a_plan_is_told_of_exactly_once_errored_before_completed,
    ),
]


@pytest.fixture
async def line(database: Database) -> AsyncIterator[Line]:
    async with pod(database) as one:
        yield Line(pod=one)


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: f"{broken.function}: {broken.piece.strip()[:40]}")
async def test_a_broken_rule_is_noticed(database: Database, line: Line, broken: Break) -> None:
    owner = await asyncpg.connect(database.owner_url)
    try:
        [row] = await owner.fetch(
            "select pg_get_functiondef(p.oid) as made from pg_proc p where p.oid = $1::regproc",
            f"trigger.{broken.function}",
        )
        assert broken.piece in row["made"]
        await owner.execute(row["made"].replace(broken.piece, broken.instead))
    finally:
        await owner.close()
    with pytest.raises(NOTICED):
        await broken.test(line)
