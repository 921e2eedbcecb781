"""The gRPC door of TriggerService: what it stores, what it refuses and how it names it, who may do what."""

import hashlib
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from chassis.status import refusal_of
from runhook.trigger.v1 import task_pb2, trigger_pb2
from runhook.trigger.v1 import trigger_service_pb2 as pb
from tests.support.grpc_peer import bearer
from tests.support.trigger import ACCOUNT, KEY_RING, call
from tests.support.trigger_service import METADATA, Service, task_message, trigger_message

PERMISSION_SETS = (
    "account_admin",
    "admin",
    "developer",
    "member",
    "webhooks_only",
    "read_only",
    "publisher",
    "runner",
)
INSERT_ACCOUNT = "insert into subscription.account (account_id, public_id, name) values ($1, $2, 'test')"
INSERT_TOKEN = """
insert into subscription.service_token (account_id, token_hash, name, permission_set) values ($1, $2, 'test', $3)
"""


async def test_a_task_is_stored_with_its_defaults(trigger_svc: Service) -> None:
    task = await _create_task(trigger_svc, task_message())
    assert (task.kind, task.timeout.seconds, task.max_attempts) == (task_pb2.TASK_KIND_STANDARD, 3600, 1)
    assert (task.environment_id, task.environment_name) == (1, "Production")
    assert (task.project_id, task.project_name, task.dbt_version) == (1, "Default", "")
    assert not task.allow_parallel_runs
    answer = await trigger_svc.triggers.GetTask(
        pb.GetTaskRequest(account_id=ACCOUNT, task_id=task.task_id), metadata=METADATA
    )
    assert answer.task == task


async def test_a_task_is_stored_to_the_letter(trigger_svc: Service) -> None:
    wanted = task_message(
        name='Täglich "😀"',
        kind=task_pb2.TASK_KIND_BIG_DATA,
        slots={"target": "a b\n'\"", "x": ""},
        parameters=[
            task_pb2.ContextParameter(name="resource_webhook_payload"),
            task_pb2.ContextParameter(name="_b", default_value="ü\n"),
            task_pb2.ContextParameter(name="A9", default_value="x"),
        ],
        timeout=Duration(seconds=60),
        allow_parallel_runs=True,
        max_attempts=10,
        environment_id=2**63 - 1,
        environment_name="E",
        project_id=7,
        project_name="P",
        dbt_version="1.11.0",
        queue_limit=task_pb2.QueueLimit(
            executions=7, mode=task_pb2.QUEUE_MODE_HOLD, count=task_pb2.QUEUE_COUNT_ROLLING
        ),
    )
    stored = await _create_task(trigger_svc, wanted)
    wanted.task_id, wanted.etag = stored.task_id, stored.etag
    wanted.create_time.CopyFrom(stored.create_time)
    assert stored == wanted


async def test_a_trigger_is_made_enabled_with_a_token_that_is_kept_sealed(trigger_svc: Service) -> None:
    trigger, token = await trigger_svc.trigger(threshold=10_000, seconds=86_400)
    assert trigger.trigger_id.startswith("trg_")
    assert trigger.enabled
    assert trigger.data_mode == trigger_pb2.DATA_MODE_STRING
    assert len(token) == 43
    row = await trigger_svc.pool.fetchrow("select token_hash, trigger_id, sealed from trigger.token")
    assert row is not None
    assert row["token_hash"] == hashlib.sha256(token.encode()).digest()
    assert token.encode() not in row["sealed"]
    assert KEY_RING.open(row["sealed"], f"trigger_token:{row['trigger_id']}") == token.encode()
    answer = await _get_trigger(trigger_svc, trigger.trigger_id)
    assert answer.trigger == trigger
    assert not answer.HasField("newest_window")


async def test_a_trigger_shows_its_newest_window(trigger_svc: Service) -> None:
    trigger, token = await trigger_svc.trigger(threshold=2)
    await trigger_svc.receive(call(token))
    window = (await _get_trigger(trigger_svc, trigger.trigger_id)).newest_window
    assert (window.state, window.size, window.threshold) == (trigger_pb2.WINDOW_STATE_OPEN, 1, 2)
    assert window.deadline_time.seconds - window.open_time.seconds == 60
    await trigger_svc.receive(call(token))
    window = (await _get_trigger(trigger_svc, trigger.trigger_id)).newest_window
    assert (window.state, window.size, window.close_reason) == (trigger_pb2.WINDOW_STATE_CLOSED, 2, "threshold")


BAD_TASKS: list[tuple[dict[str, Any], list[str]]] = [
    ({"name": "", "command": "RM -rf"}, ["task.name", "task.command"]),
    ({"account_id": 0}, ["task.account_id"]),
    ({"kind": 9}, ["task.kind"]),
    ({"timeout": Duration(seconds=60, nanos=1)}, ["task.timeout"]),
    ({"timeout": Duration(seconds=-1)}, ["task.timeout"]),
    ({"max_attempts": 11, "project_id": -1}, ["task.project_id", "task.max_attempts"]),
    ({"slots": {"a b": "x"}, "dbt_version": "\n"}, ["task.dbt_version", "task.slots['a b']"]),
]


async def test_every_bad_field_of_a_task_is_named_and_nothing_is_stored(trigger_svc: Service) -> None:
    for changes, fields in BAD_TASKS:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await _create_task(trigger_svc, task_message(**changes))
        _names(refused.value, fields)
    assert await trigger_svc.pool.fetchval("select count(*) from trigger.task") == 0


BAD_TRIGGERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"name": "a-b", "threshold": 0, "seconds": 0}, ["trigger.name", "trigger.threshold", "trigger.duration"]),
    ({"threshold": 10_001, "seconds": 86_401}, ["trigger.threshold", "trigger.duration"]),
    ({"threshold": -1, "seconds": 1.5, "data_mode": 7}, ["trigger.threshold", "trigger.duration", "trigger.data_mode"]),
    ({"account_id": 0}, ["trigger.account_id"]),
    ({"task_id": 0}, ["trigger.task_id"]),
]


async def test_every_bad_field_of_a_trigger_is_named_and_nothing_is_stored(trigger_svc: Service) -> None:
    task = await _create_task(trigger_svc, task_message())
    for changes, fields in BAD_TRIGGERS:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await _create_trigger(trigger_svc, trigger_message(**({"task_id": task.task_id} | changes)))
        _names(refused.value, fields)
    assert await trigger_svc.pool.fetchval("select count(*) from trigger.trigger") == 0


async def test_an_empty_request_is_refused_with_every_field(trigger_svc: Service) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _create_task(trigger_svc, task_pb2.Task())
    _names(refused.value, ["task.name", "task.command", "task.account_id"])
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _create_trigger(trigger_svc, trigger_pb2.Trigger())
    _names(
        refused.value,
        ["trigger.account_id", "trigger.name", "trigger.task_id", "trigger.threshold", "trigger.duration"],
    )


async def test_a_trigger_needs_a_task_of_the_account_that_takes_a_payload_and_has_no_trigger(
    trigger_svc: Service,
) -> None:
    without = await _create_task(trigger_svc, task_message(parameters=[]))
    theirs = await _create_task(trigger_svc, task_message(account_id=ACCOUNT + 1))
    trigger, _ = await trigger_svc.trigger()
    for task_id, code, reason in (
        (without.task_id, grpc.StatusCode.INVALID_ARGUMENT, "PARAMETER_MISSING"),
        (theirs.task_id, grpc.StatusCode.NOT_FOUND, "TASK_NOT_FOUND"),
        (99, grpc.StatusCode.NOT_FOUND, "TASK_NOT_FOUND"),
        (trigger.task_id, grpc.StatusCode.ALREADY_EXISTS, "TRIGGER_EXISTS"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await _create_trigger(trigger_svc, trigger_message(task_id=task_id))
        refusal = refusal_of(refused.value)
        assert (refusal.code, refusal.reason) == (code, reason)
    assert await trigger_svc.pool.fetchval("select count(*) from trigger.head") == 1


async def test_only_our_own_processes_may_bring_calls(trigger_svc: Service) -> None:
    stream = trigger_svc.triggers.ReceiveCalls(metadata=await _a_token(trigger_svc, "account_admin"))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stream.read()
    assert refusal_of(refused.value).reason == "SERVICE_ONLY"


@pytest.mark.parametrize("permission_set", PERMISSION_SETS)
async def test_a_permission_set_may_do_what_the_table_says(trigger_svc: Service, permission_set: str) -> None:
    metadata = await _a_token(trigger_svc, permission_set)
    writes = permission_set in ("account_admin", "admin", "developer", "member")
    reads = writes or permission_set == "read_only"
    trigger, _ = await trigger_svc.trigger()
    task = pb.CreateTaskRequest(task=task_message())
    assert await _is_allowed(trigger_svc.triggers.CreateTask(task, metadata=metadata)) == writes
    again = pb.CreateTriggerRequest(
        trigger=trigger_message(task_id=(await _create_task(trigger_svc, task.task)).task_id)
    )
    assert await _is_allowed(trigger_svc.triggers.CreateTrigger(again, metadata=metadata)) == writes
    for reading in (
        trigger_svc.triggers.GetTask(pb.GetTaskRequest(account_id=ACCOUNT, task_id=trigger.task_id), metadata=metadata),
        trigger_svc.triggers.GetTrigger(
            pb.GetTriggerRequest(account_id=ACCOUNT, trigger_id=trigger.trigger_id), metadata=metadata
        ),
        trigger_svc.triggers.ListExecutions(pb.ListExecutionsRequest(account_id=ACCOUNT), metadata=metadata),
    ):
        assert await _is_allowed(reading) == reads


async def test_another_accounts_things_are_not_there(trigger_svc: Service) -> None:
    trigger, token = await trigger_svc.trigger(threshold=1)
    await trigger_svc.receive(call(token))
    [execution] = (await _list(trigger_svc)).executions
    other = ACCOUNT + 1
    for reading in (
        trigger_svc.triggers.GetTask(pb.GetTaskRequest(account_id=other, task_id=trigger.task_id), metadata=METADATA),
        trigger_svc.triggers.GetTrigger(
            pb.GetTriggerRequest(account_id=other, trigger_id=trigger.trigger_id), metadata=METADATA
        ),
        trigger_svc.triggers.GetExecution(
            pb.GetExecutionRequest(account_id=other, execution_id=execution.execution_id), metadata=METADATA
        ),
        trigger_svc.triggers.GetRun(
            pb.GetRunRequest(account_id=other, run_id=execution.runs[0].run_id), metadata=METADATA
        ),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await reading
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert not (await _list(trigger_svc, account_id=other)).executions


async def test_executions_are_listed_newest_first_in_pages(trigger_svc: Service) -> None:
    trigger, token = await trigger_svc.trigger(threshold=1)
    _, other = await trigger_svc.trigger(threshold=1)
    await trigger_svc.receive(*(call(token) for _ in range(25)), call(other))
    first = await _list(trigger_svc)
    assert len(first.executions) == 20
    rest = await _list(trigger_svc, page_token=first.next_page_token)
    assert (len(rest.executions), rest.next_page_token) == (6, "")
    keys = [execution.runs[0].run_id for execution in (*first.executions, *rest.executions)]
    assert keys == sorted(keys, reverse=True)
    mine = await _list(trigger_svc, task_id=trigger.task_id, page_size=1000)
    assert (len(mine.executions), mine.next_page_token) == (25, "")
    assert {execution.trigger_id for execution in mine.executions} == {trigger.trigger_id}
    assert len((await _list(trigger_svc, page_size=26)).executions) == 26


BAD_PAGES: list[tuple[dict[str, Any], list[str]]] = [
    ({"page_size": -1}, ["page_size"]),
    ({"page_token": "x"}, ["page_token"]),
    ({"page_token": "9" * 30}, ["page_token"]),
    ({"page_token": "٣", "page_size": -2}, ["page_size", "page_token"]),
]


async def test_a_bad_page_is_refused(trigger_svc: Service) -> None:
    for changes, fields in BAD_PAGES:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await _list(trigger_svc, **changes)
        _names(refused.value, fields)


async def _create_task(trigger_svc: Service, task: task_pb2.Task) -> task_pb2.Task:
    return (await trigger_svc.triggers.CreateTask(pb.CreateTaskRequest(task=task), metadata=METADATA)).task


async def _create_trigger(trigger_svc: Service, trigger: trigger_pb2.Trigger) -> pb.CreateTriggerResponse:
    return await trigger_svc.triggers.CreateTrigger(pb.CreateTriggerRequest(trigger=trigger), metadata=METADATA)


async def _get_trigger(trigger_svc: Service, trigger_id: str) -> pb.GetTriggerResponse:
    request = pb.GetTriggerRequest(account_id=ACCOUNT, trigger_id=trigger_id)
    return await trigger_svc.triggers.GetTrigger(request, metadata=METADATA)


async def _list(trigger_svc: Service, **changes: Any) -> pb.ListExecutionsResponse:
    request = pb.ListExecutionsRequest(**({"account_id": ACCOUNT} | changes))
    return await trigger_svc.triggers.ListExecutions(request, metadata=METADATA)


def _names(error: grpc.aio.AioRpcError, fields: list[str]) -> None:
    refusal = refusal_of(error)
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [bad.field for bad in refusal.fields] == fields
    assert all(bad.message for bad in refusal.fields)


async def _is_allowed(calling: Any) -> bool:
    try:
        await calling
    except grpc.aio.AioRpcError as error:
        if refusal_of(error).reason == "MISSING_PERMISSION":
            return False
        raise
    return True


async def _a_token(trigger_svc: Service, permission_set: str) -> tuple[tuple[str, str], ...]:
    await trigger_svc.pool.execute(INSERT_ACCOUNT, ACCOUNT, f"act_{ACCOUNT:027}")
    token = f"{permission_set}-of-{ACCOUNT}"
    await trigger_svc.pool.execute(INSERT_TOKEN, ACCOUNT, hashlib.sha256(token.encode()).digest(), permission_set)
    return bearer(token)
