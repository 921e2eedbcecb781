"""The simulation sees what it is there to see: each rule broken on purpose, in the model or in the SQL, is found."""

from collections.abc import Callable, Sequence

import asyncpg
import pytest

from tests.simulation_triggers.history import History
from tests.simulation_triggers.postgres import simulated
from tests.simulation_triggers.queueing import Wish
from tests.simulation_triggers.receiving import Flush
from tests.simulation_triggers.rows import FAILED, PENDING, RUNNING, SUCCEEDED, Call, Execution, Head, Run, Window
from tests.simulation_triggers.running import Model
from tests.simulation_triggers.test_real_functions import first_difference
from tests.support.postgres import Database
from trigger_svc import plan

WITHIN = 400
WITHIN_SQL = 100  # each is played on Postgres


def found(model: type[Model] = Model, *, within: int = WITHIN) -> str:
    """What the first history says that finds the fault."""
    for seed in range(within):
        try:
            History(seed, model=model).run()
        except AssertionError as error:
            return f"{seed}: {error}"
    pytest.fail(f"{within} histories saw nothing")


def test_a_window_with_one_call_too_many_is_found() -> None:
    class Roomy(Model):
        def is_full(self, head: Head) -> bool:
            return (head.window_count or 0) > (head.window_threshold or 0)

    assert "I3" in found(Roomy)


def test_a_window_that_closes_before_its_deadline_is_found() -> None:
    class Hasty(Model):
        def due(self, deadline_at: int) -> bool:
            return deadline_at <= self.now + 500

    assert found(Hasty)


def test_a_call_that_joins_a_window_that_is_over_is_found() -> None:
    class Late(Model):
        def due(self, deadline_at: int) -> bool:
            return deadline_at <= self.now - 300

    assert found(Late)


def test_a_window_over_its_bytes_is_found() -> None:
    class Fat(Model):
        def fits(self, head: Head, size: int) -> bool:
            return True

    assert found(Fat)


def test_a_closed_window_without_its_execution_is_found() -> None:
    class Forgetful(Model):
        def _set_going(self, closed: Sequence[Window], execution_ids: Sequence[str]) -> list[tuple[object, ...]]:  # type: ignore[override]
            return super()._set_going(list(closed)[:1], execution_ids)

    assert found(Forgetful)


def test_a_number_that_is_given_twice_is_found() -> None:
    class Stuttering(Model):
        def _store(self, head: Head, call: Call) -> None:
            super()._store(head, call)
            if self.now % 7 == 0:
                head.next_seq -= 1

    assert "I5" in found(Stuttering) or "head" in found(Stuttering)


def test_a_repeated_call_that_counts_is_found() -> None:
    class Trusting(Model):
        def _known(self, head: Head, calls: Sequence[Call]) -> dict[int, str]:
            for number, original in super()._known(head, calls).items():
                del number, original
            return {}

    class Answering(Trusting):
        def receive(self, flush: Flush) -> list[tuple[object, ...]]:
            repeated: dict[str, str] = {}
            for trigger_id, calls in flush.calls:
                known = Model._known(self, self.tables.heads[trigger_id], calls)
                repeated |= {calls[number].call_id: original for number, original in known.items()}
            answers = super().receive(flush)
            place = 0
            for _, calls in flush.calls:
                for call in calls:
                    place += 1
                    if call.call_id in repeated:
                        answers.append(("DUPLICATE", place, repeated[call.call_id]))
            return answers

    assert "I10" in found(Answering)


def test_an_acknowledged_call_that_is_thrown_away_is_found() -> None:
    class Wasteful(Model):
        def close_window(self, trigger_id: int, reason: str, execution_id: str) -> list[tuple[object, ...]]:
            return super().close_window(trigger_id, "discarded" if reason == "disabled" else reason, execution_id)

    assert "lost" in found(Wasteful, within=1_000)


def test_a_queue_over_its_limit_is_found() -> None:
    class Open(Model):
        def room(self, target: int) -> int:
            return super().room(target) + 1

    assert "in the queue" in found(Open)


def test_an_execution_that_overtakes_is_found() -> None:
    class Unfair(Model):
        def _nobody_before(self, target: int) -> bool:
            return not any(one.exclusive and one.has_turn for one in self._of(target))

        def give_turns(self, target: int) -> None:
            waiting = [one for one in self._of(target) if one.waiting and one.exclusive]
            if len(waiting) > 1 and not any(one.exclusive and one.has_turn for one in self._of(target)):
                waiting[-1].turn_at = self.now
            super().give_turns(target)

    assert found(Unfair)


def test_two_turns_at_once_are_found() -> None:
    class Crowded(Model):
        def _nobody_before(self, target: int) -> bool:
            return True

    assert "have the turn" in found(Crowded)


def test_a_turn_that_is_not_handed_on_is_found() -> None:
    class Greedy(Model):
        def end_execution(self, execution: Execution, state: str, reason: str) -> None:
            execution.state, execution.reason, execution.finished_at = state, reason, self.now

    assert "nobody has the turn" in found(Greedy) or "waits for no turn" in found(Greedy)


def test_a_rejection_in_silence_is_found() -> None:
    class Silent(Model):
        def tell(self, subject: str, event_type: str, at: int, state: str) -> None:
            if event_type != "execution.rejected":
                super().tell(subject, event_type, at, state)

    assert "in silence" in found(Silent)


def test_an_end_that_is_told_too_early_is_found() -> None:
    class Early(Model):
        def tell_end(self, runs: "list[Run]", *, completed: bool) -> None:  # type: ignore[override]
            super().tell_end(runs, completed=True)

    assert "its end is told" in found(Early)


def test_a_rerun_with_another_payload_is_found() -> None:
    class Careless(Model):
        def enqueue(self, wishes: Sequence[Wish]) -> list[Execution]:
            made = super().enqueue(wishes)
            for one in made:
                one.payload_of = one.rerun_of and None
            return made

    assert "I13" in found(Careless)


def test_a_lost_run_that_is_tried_for_ever_is_found() -> None:
    class Stubborn(Model):
        def rescue(self) -> None:
            for run in self.tables.runs.values():
                if run.state == RUNNING and (run.lease_until or 0) <= self.now:
                    run.state, run.due_at, run.started_at, run.lease = PENDING, self.now, None, None
                    run.lease_until = None
            super().rescue()

    assert "was started" in found(Stubborn)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("no wait for the other runs", lambda at: plan.Move.STEP if at.step < at.steps and not at.failed else None),
        ("no handler", lambda at: plan.Move.FAIL if at.failed and not at.unfinished else None),
        ("a step after a failure", lambda at: plan.Move.STEP if not at.unfinished and at.step < at.steps else None),
        ("a handler that makes it good", lambda at: plan.Move.SUCCEED if at.handling and not at.unfinished else None),
        (
            "a handler before the others have ended",
            lambda at: plan.Move.HANDLER if at.failed and not at.handling else None,
        ),
    ],
)
def test_a_broken_step_rule_is_found(
    name: str, wrong: Callable[[plan.Progress], plan.Move | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = plan.next_move

    def next_move(at: plan.Progress) -> plan.Move:
        return wrong(at) or right(at)

    monkeypatch.setattr(plan, "next_move", next_move)
    assert found(), name


def test_a_cancel_that_runs_the_handler_is_found() -> None:
    class Busy(Model):
        def cancel(self, execution_id: int) -> str:
            execution = self.tables.executions[execution_id]
            if execution.plan is not None and execution.unfinished and execution.plan[1] is not None:
                self.make_runs(execution, 0)
            return super().cancel(execution_id)

    assert "handler" in found(Busy)


def test_a_run_that_ends_with_its_execution_unended_is_found() -> None:
    class Loose(Model):
        def end_runs(self, execution: Execution, state: str, reason: str) -> None:
            for run in self.runs_of(execution):
                if run.state not in (PENDING, SUCCEEDED, FAILED):
                    super().end_runs(execution, state, reason)

    assert "its runs are not" in found(Loose)


#: (function, what stands in it, what stands there instead)
IN_SQL = [
    ("receive_calls", "when h.deadline_at <= t then 'deadline'", "when h.deadline_at < t then 'deadline'"),
    ("receive_calls", "when h.window_count = h.window_threshold then", "when h.window_count > h.window_threshold then"),
    (
        "receive_calls",
        "h.window_bytes + p_sizes[i] > h.max_bytes then",
        "h.window_bytes + p_sizes[i] >= h.max_bytes then",
    ),
    ("receive_calls", "interval '7 days'", "interval '3 days'"),
    ("receive_calls", "v_going := cardinality(v_closed);", ""),
    ("close_expired", "d.deadline_at <= v_now", "d.deadline_at < v_now - interval '1 second'"),
    ("close_window", "then 'deadline' else p_reason", "then p_reason else p_reason"),
    ("room", "interval '60 minutes'", "interval '61 minutes'"),
    ("enqueue", "l.place_in_target > l.room", "l.place_in_target >= l.room"),
    ("enqueue", "(d.free and d.place_in_target = 1)", "d.free"),
    (
        "give_turns",
        "order by e.target, e.execution_id\n         limit 1;",
        "order by e.target, e.execution_id desc\n         limit 1;",
    ),
    ("advance_plan", "r.finished_at is null", "r.started_at is not null and r.finished_at is null"),
    ("end_run", "and x.failed_step is null", ""),
    ("cancel_execution", "perform trigger.end_runs(e.execution_id, 'CANCELLED', '', '', t);", ""),
    (
        "pause_target",
        "update trigger.execution e set turn_at = null",
        "update trigger.execution e set turn_at = turn_at",
    ),
    ("time_out_plan", "deadline_at = null,", ""),
]


@pytest.mark.parametrize(("function", "before", "after"), IN_SQL, ids=lambda text: text[:40])
async def test_a_function_that_does_otherwise_is_found(
    database: Database, function: str, before: str, after: str
) -> None:
    await _rewrite(database, function, before, after)
    connection = await simulated(database)
    try:
        for seed in range(WITHIN_SQL):
            try:
                if await first_difference(connection, seed):
                    return
            except asyncpg.PostgresError:  # a constraint of the tables saw it first
                return
    finally:
        await connection.close()
    pytest.fail(f"{WITHIN_SQL} histories saw nothing")


async def _rewrite(database: Database, function: str, before: str, after: str) -> None:
    """Puts another text in the place of one in a function's newest form."""
    owner = await asyncpg.connect(database.owner_url)
    try:
        sources = await owner.fetch(
            "select pg_get_functiondef(oid) as text from pg_proc where proname = $1 and pronamespace = 'trigger'::regnamespace",
            function,
        )
        changed = [row["text"].replace(before, after) for row in sources if before in row["text"]]
        assert changed, f"{function} has no {before!r}"
        for text in changed:
            await owner.execute(text)
    finally:
        await owner.close()
