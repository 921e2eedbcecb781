"""E42 to E49: rates, a service that cannot, and queues that are full."""

import asyncio
import contextlib

from chassis import fault_points
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.task_pb2 import QueueLimit, QueueMode
from runhook.trigger.v1.trigger_pb2 import CallRules
from tests.support import trigger_service
from tests.support.gateway import NOWHERE, gateway
from tests.support.rows.row import House, Row, check_form
from tests.support.trigger_service import METADATA

LOCK = "select from trigger.head h join trigger.trigger t using (trigger_id) where t.public_id = $1 for update of h"
REFUSING = """
create function trigger.refusing() returns trigger language plpgsql as
$$ begin raise 'of the test' using errcode = 'SQLSTATE'; end $$;
create trigger refusing before insert on trigger.ingest_group execute function trigger.refusing();
"""
REFUSING_NO_MORE = "drop trigger refusing on trigger.ingest_group; drop function trigger.refusing;"


async def a_rate_of_a_trigger_is_kept(house: House) -> None:
    """E42."""
    trigger, token = await house.trigger(call_rules=CallRules(rate_per_second=1))
    answers = [await house.post(token) for _ in range(6)]
    assert {answer.status for answer in answers} == {204, 429}
    check_form(answers[-1], [], "RATE_LIMIT")
    assert len(await house.calls(trigger)) == [answer.status for answer in answers].count(204)


async def a_rate_of_an_address_is_kept(house: House) -> None:
    """E42."""
    trigger, token = await house.trigger()
    target, credential = house.service.target, trigger_service.CREDENTIAL
    async with gateway(trigger_svc=target, credential=credential, gateway_call_rate=1) as call:
        sent = {"data": b"x", "token": None, "headers": {"Content-Type": "text/plain"}}
        answers = [await call("POST", f"/t/{token}", **sent) for _ in range(3)]
        assert [answer.status for answer in answers] == [204, 204, 429]
        assert int(answers[-1].headers["Retry-After"]) >= 1
    assert len(await house.calls(trigger)) == 2


async def a_locked_trigger_is_503_and_delays_nobody_else(house: House) -> None:
    """E43: a real lock on the row."""
    trigger, token = await house.trigger()
    _, other = await house.trigger()
    async with house.service.pool.acquire() as holder, holder.transaction():
        await holder.execute(LOCK, trigger.trigger_id)
        waiting = asyncio.create_task(house.post(token))
        async with asyncio.timeout(1.5):
            for _ in range(20):
                assert (await house.post(other)).status == 204
        assert not waiting.done()
        answer = await waiting
    assert answer.status == 503
    check_form(answer, [token.encode()])
    assert await house.calls(trigger) == []


async def a_service_that_is_away_is_503(house: House) -> None:
    """E43."""
    async with gateway(trigger_svc=NOWHERE) as call:
        answers = await asyncio.gather(*(call("POST", f"/t/{'x' * 43}", data=b"", token=None) for _ in range(30)))
        assert {answer.status for answer in answers} == {503}
        assert len({answer.headers["Retry-After"] for answer in answers}) > 1, "spread by chance"


async def a_database_that_only_reads_is_503(house: House) -> None:
    """E43."""
    await _refused_by_the_database(house, "25006")


async def a_lost_commit_is_looked_up(house: House) -> None:
    """E44: of two calls, the first loses its connection after the commit, the second before."""
    trigger, token = await house.trigger()
    lost = {
        "ENVIRONMENT": "development",
        "FAULT_POINTS": f"{fault_points.AFTER_RECEIVE_COMMIT_BEFORE_ANSWER}:lose_connection,"
        f"{fault_points.IN_RECEIVE_BEFORE_COMMIT}:lose_connection:2",
    }
    async with house.another(**lost) as (_, call):
        sent = {"token": None, "headers": {"Content-Type": "text/plain"}}
        found = await call("POST", f"/t/{token}", data=b"1", **sent)
        absent = await call("POST", f"/t/{token}", data=b"2", **sent)
    assert (found.status, absent.status) == (204, 503)
    assert [one["call_id"] for one in await house.calls(trigger)] == [found.headers["X-Call-Id"]]


async def a_full_disk_is_503(house: House) -> None:
    """E45. The readiness of a pod does not follow its database (ARCHITECTURE, invariant 25)."""
    await _refused_by_the_database(house, "53100")


async def _refused_by_the_database(house: House, code: str) -> None:
    trigger, token = await house.trigger()
    await house.service.pool.execute(REFUSING.replace("SQLSTATE", code))
    try:
        answer = await house.post(token)
    finally:
        await house.service.pool.execute(REFUSING_NO_MORE)
    assert answer.status == 503
    check_form(answer, [], "DATABASE_UNAVAILABLE")
    assert await house.calls(trigger) == []


async def beyond_the_limit_executions_are_rejected_and_keep_their_calls(house: House) -> None:
    """E46."""
    trigger, token = await house.trigger(threshold=1, task={"queue_limit": QueueLimit(executions=2)})
    assert {(await house.post(token)).status for _ in range(4)} == {204}
    executions = await house.executions(trigger)
    assert [one["state"] for one in executions] == ["PENDING", "PENDING", "REJECTED", "REJECTED"]
    assert {one["reason"] for one in executions[2:]} == {"queue_limit"}
    assert len(await house.calls(trigger)) == 4


async def beyond_the_limit_no_window_opens(house: House) -> None:
    """E47."""
    limit = QueueLimit(executions=1, mode=QueueMode.QUEUE_MODE_REJECT)
    trigger, token = await house.trigger(threshold=2, task={"queue_limit": limit})
    for _ in range(2):
        assert (await house.post(token)).status == 204
    answer = await house.post(token)
    assert answer.status == 429
    check_form(answer, [], "QUEUE_LIMIT")
    assert len(await house.executions(trigger)) == 1
    assert len(await house.calls(trigger)) == 2


async def beyond_the_limit_executions_wait(house: House) -> None:
    """E48."""
    limit = QueueLimit(executions=1, mode=QueueMode.QUEUE_MODE_HOLD)
    trigger, token = await house.trigger(threshold=1, task={"queue_limit": limit})
    assert {(await house.post(token)).status for _ in range(3)} == {204}
    assert [one["state"] for one in await house.executions(trigger)] == ["PENDING"] * 3


async def a_task_without_the_parameter_fails_and_keeps_the_calls(house: House) -> None:
    """E49: the task's code is another one now."""
    trigger, token = await house.trigger(threshold=1)
    await house.service.pool.execute("update trigger.task set parameters = '[]' where task_id = $1", trigger.task_id)
    assert (await house.post(token)).status == 204
    [execution] = await house.executions(trigger)
    assert (execution["state"], execution["reason"]) == ("FAILED", "parameter_missing")
    assert len(await house.calls(trigger)) == 1


async def a_task_with_a_trigger_is_not_deleted_under_it(house: House) -> None:
    """E49."""
    trigger, token = await house.trigger(threshold=1)
    wish = pb.DeleteTaskRequest(account_id=trigger.account_id, task_id=trigger.task_id)
    with contextlib.suppress(Exception):
        await house.service.triggers.DeleteTask(wish, metadata=METADATA)
    assert (await house.post(token)).status == 204
    assert len(await house.calls(trigger)) == 1


ROWS = (
    Row(number=42, case="of a trigger", check=a_rate_of_a_trigger_is_kept),
    Row(number=42, case="of an address", check=a_rate_of_an_address_is_kept),
    Row(number=43, case="a locked trigger", check=a_locked_trigger_is_503_and_delays_nobody_else),
    Row(number=43, case="trigger_svc away", check=a_service_that_is_away_is_503),
    Row(number=43, case="a database that only reads", check=a_database_that_only_reads_is_503),
    Row(number=44, case="a commit of unknown outcome", check=a_lost_commit_is_looked_up),
    Row(number=45, case="no space", check=a_full_disk_is_503),
    Row(number=46, case="mode fail", check=beyond_the_limit_executions_are_rejected_and_keep_their_calls),
    Row(number=47, case="mode reject", check=beyond_the_limit_no_window_opens),
    Row(number=48, case="mode hold", check=beyond_the_limit_executions_wait),
    Row(number=49, case="no parameter", check=a_task_without_the_parameter_fails_and_keeps_the_calls),
    Row(number=49, case="a task deleted", check=a_task_with_a_trigger_is_not_deleted_under_it),
)
