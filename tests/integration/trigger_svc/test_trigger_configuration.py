"""Triggers edited, deleted, revealed, regenerated and looked into: no accepted call is lost by it, and no secret is told."""

import json
from typing import Any, cast

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from runhook.trigger.v1 import trigger_pb2
from tests.support.trigger import ACCOUNT, KEY_RING, call
from tests.support.trigger_house import House, Refused, refused
from tests.support.trigger_service import Service, trigger_message

CODE = grpc.StatusCode
GITHUB = trigger_pb2.VERIFICATION_PRESET_GITHUB
NOT_FOUND: Refused = (CODE.NOT_FOUND, "TRIGGER_NOT_FOUND", [])


@pytest.fixture
def house(trigger_svc: Service) -> House:
    return House(trigger_svc)


def edit(trigger: trigger_pb2.Trigger, **changes: Any) -> trigger_pb2.Trigger:
    """The trigger as its owner would send it back."""
    made = trigger_pb2.Trigger()
    made.CopyFrom(trigger)
    made.ClearField("etag")
    made.MergeFrom(trigger_pb2.Trigger(**{name: value for name, value in changes.items() if value}))
    for name, value in changes.items():
        if not value:
            made.ClearField(cast(Any, name))
    return made


async def statuses(house: House, *tokens: str) -> list[str]:
    """What a call to each gets: "" or the reason of its refusal."""
    return [answer.refused.reason for answer in await house.service.receive(*(call(token) for token in tokens))]


async def test_an_open_window_keeps_what_it_was_opened_with(house: House) -> None:
    trigger, token = await house.service.trigger(threshold=3)
    await statuses(house, token)
    changed = (await house.UpdateTrigger(trigger=edit(trigger, threshold=2, name="renamed"))).trigger
    assert (changed.threshold, changed.name, changed.enabled) == (2, "renamed", True)
    assert await statuses(house, token, token, token, token) == [""] * 4
    windows = (await house.of("ListWindows", trigger)).windows
    assert [(one.size, one.threshold, one.close_reason) for one in windows] == [
        (2, 2, "threshold"),
        (3, 3, "threshold"),
    ]


async def test_a_disabled_trigger_is_not_there_and_its_open_window_is_executed(house: House) -> None:
    trigger, token = await house.service.trigger(threshold=3)
    await statuses(house, token, token)
    off = (await house.UpdateTrigger(trigger=edit(trigger, enabled=False))).trigger
    assert not off.enabled
    [window] = (await house.of("ListWindows", trigger)).windows
    assert (window.size, window.close_reason) == (2, "disabled")
    [execution] = (await house.ListExecutions(account_id=ACCOUNT)).executions
    assert (execution.window_id, execution.call_count) == (window.window_id, 2)
    assert await statuses(house, token) == ["TRIGGER_NOT_FOUND"]
    await house.UpdateTrigger(trigger=edit(off, enabled=True))
    assert await house.pool.fetchval("select enabled from trigger.head")
    assert await house.pool.fetchval("select enabled from trigger.trigger")


async def test_a_deleted_trigger_leaves_its_calls_to_an_execution(house: House) -> None:
    trigger, token = await house.service.trigger(threshold=3)
    await statuses(house, token)
    await house.of("DeleteTrigger", trigger)
    [execution] = (await house.ListExecutions(account_id=ACCOUNT)).executions
    assert execution.call_count == 1
    assert await statuses(house, token) == ["TRIGGER_NOT_FOUND"]
    assert await refused(house.of("DeleteTrigger", trigger)) == NOT_FOUND
    for table in ("trigger", "head", "token", "target"):
        assert await house.pool.fetchval(f"select count(*) from trigger.{table}") == 0


async def test_the_executions_of_a_deleted_trigger_are_found_by_its_id(house: House) -> None:
    """The symptom: with the trigger its id was gone, from the list's filter and from the executions."""
    trigger, token = await house.service.trigger(threshold=1)
    other, another = await house.service.trigger(threshold=1)
    assert await statuses(house, token, another) == ["", ""]
    of_it = {"account_id": ACCOUNT, "trigger_id": trigger.trigger_id}
    [before] = (await house.ListExecutions(**of_it)).executions
    await house.of("DeleteTrigger", trigger)
    assert list((await house.ListExecutions(**of_it)).executions) == [before]
    assert list((await house.ListExecutions(**of_it, state=before.state)).executions) == [before]
    assert (await house.GetExecution(account_id=ACCOUNT, execution_id=before.execution_id)).execution == before
    assert not (await house.ListExecutions(**(of_it | {"account_id": ACCOUNT + 1}))).executions
    await house.of("DeleteTrigger", other)
    await house.pool.execute("delete from trigger.execution")  # as the pruner does in the end
    assert not (await house.ListExecutions(**of_it)).executions


async def test_calls_are_thrown_away_only_in_so_many_words_and_that_is_noted(house: House) -> None:
    trigger, token = await house.service.trigger(threshold=3)
    await statuses(house, token)
    await house.of("DeleteTrigger", trigger, discard_open_window=True)
    assert not (await house.ListExecutions(account_id=ACCOUNT)).executions
    assert await house.pool.fetchval("select count(*) from trigger.call") == 0
    notes = await house.pool.fetch("select what, public_trigger_id, account_id from trigger.audit")
    whats = ["window_discarded", "trigger_deleted"]
    assert [tuple(note) for note in notes] == [(what, trigger.trigger_id, ACCOUNT) for what in whats]


async def test_what_was_fixed_when_a_trigger_was_made_cannot_change(house: House) -> None:
    trigger, _ = await house.service.trigger()
    other = (await house.task()).task_id
    for changes, field in (
        ({"task_id": other}, "trigger.task_id"),
        ({"kind": trigger_pb2.TRIGGER_KIND_CRON}, "trigger.kind"),
        ({"plan_id": 7}, "trigger.plan_id"),
        ({"threshold": 0}, "trigger.threshold"),
        ({"name": "a-b"}, "trigger.name"),
    ):
        answer = await refused(house.UpdateTrigger(trigger=edit(trigger, **changes)))
        assert answer == (CODE.INVALID_ARGUMENT, "INVALID_INPUT", [field])
    same = edit(trigger, kind=None, task_id=0)  # what is not said is what it was
    assert (await house.UpdateTrigger(trigger=same)).trigger.task_id == trigger.task_id


async def test_a_regenerated_url_answers_at_once_and_the_old_one_for_the_grace(house: House) -> None:
    trigger, first = await house.service.trigger(threshold=100)
    second = (await house.of("RegenerateTriggerToken", trigger, grace=Duration(seconds=3600))).token
    assert await statuses(house, first, second) == ["", ""]
    assert (await house.of("ListWindows", trigger)).windows[0].size == 2
    shown = await house.of("RevealTriggerToken", trigger)
    assert (shown.token, shown.old_token, shown.HasField("old_token_expire_time")) == (second, first, True)
    third = (await house.of("RegenerateTriggerToken", trigger)).token
    shown = await house.of("RevealTriggerToken", trigger)
    assert (shown.token, shown.old_token, shown.HasField("old_token_expire_time")) == (third, "", False)
    assert await house.pool.fetchval("select count(*) from trigger.token") == 1
    for seconds in (-1, 7 * 86_400 + 1):
        asked = house.of("RegenerateTriggerToken", trigger, grace=Duration(seconds=seconds))
        assert await refused(asked) == (CODE.INVALID_ARGUMENT, "INVALID_INPUT", ["grace"])
    whats = await house.pool.fetch("select what from trigger.audit order by audit_id")
    assert [row["what"] for row in whats] == ["token_regenerated", "token_revealed"] * 2


async def test_a_schedule_has_no_url(house: House) -> None:
    trigger = await house.cron(task_id=(await house.task()).task_id)
    for ask in ("RevealTriggerToken", "RegenerateTriggerToken"):
        assert await refused(house.of(ask, trigger)) == (CODE.FAILED_PRECONDITION, "NOT_A_WEBHOOK", [])
    assert await refused(house.of("FlushWindow", trigger)) == (CODE.FAILED_PRECONDITION, "NO_OPEN_WINDOW", [])


async def test_a_window_is_flushed_by_hand(house: House) -> None:
    trigger, token = await house.service.trigger(threshold=3)
    assert await refused(house.of("FlushWindow", trigger)) == (CODE.FAILED_PRECONDITION, "NO_OPEN_WINDOW", [])
    await statuses(house, token)
    flushed = await house.of("FlushWindow", trigger)
    assert (flushed.window.size, flushed.window.close_reason) == (1, "flush")
    [execution] = (await house.ListExecutions(account_id=ACCOUNT)).executions
    assert (execution.execution_id, execution.window_id) == (flushed.execution_id, flushed.window.window_id)
    assert await refused(house.of("FlushWindow", trigger)) == (CODE.FAILED_PRECONDITION, "NO_OPEN_WINDOW", [])


async def test_windows_and_calls_are_listed_in_pages(house: House) -> None:
    trigger, token = await house.service.trigger(threshold=3)
    bodies = [b"\x00\xf0\x9f\x98\x80"[:1] + b"%d" % number for number in range(7)]
    await house.service.receive(*(call(token, body, "text/plain") for body in bodies))
    first = await house.of("ListWindows", trigger, page_size=2)
    rest = await house.of("ListWindows", trigger, page_token=first.next_page_token)
    windows = [*first.windows, *rest.windows]
    assert ([one.size for one in windows], rest.next_page_token) == ([1, 3, 3], "")
    for window in windows:
        assert (await house.of("GetWindow", trigger, window_id=window.window_id)).window == window
    seen = []
    for window in reversed(windows):
        page = await house.of("ListCalls", trigger, window_id=window.window_id, page_size=2, with_bodies=True)
        more = await house.of(
            "ListCalls", trigger, window_id=window.window_id, page_token=page.next_page_token, with_bodies=True
        )
        seen += [*page.calls, *(more.calls if page.next_page_token else ())]
    assert [one.body for one in seen] == bodies
    assert [one.sequence_number for one in seen] == list(range(1, 8))
    assert {(one.media_type, one.size_bytes) for one in seen} == {("text/plain", 2)}
    [bare] = (await house.of("ListCalls", trigger, window_id=windows[0].window_id)).calls
    assert (bare.body, bare.size_bytes) == (b"", 2)


async def test_a_window_is_that_of_its_trigger_alone(house: House) -> None:
    (one, token), (other, _) = [await house.service.trigger(threshold=3) for _ in range(2)]
    await statuses(house, token)
    window_id = (await house.of("GetTrigger", one)).newest_window.window_id
    for trigger, number in ((other, window_id), (one, window_id + 1), (one, 0), (one, -1), (one, 2**63 - 1)):
        for ask in ("GetWindow", "ListCalls"):
            answer = await refused(house.of(ask, trigger, window_id=number))
            assert answer == (CODE.NOT_FOUND, "WINDOW_NOT_FOUND", [])


async def test_calls_of_a_window_are_listed_whichever_day_they_came_on(house: House) -> None:
    trigger, token = await house.service.trigger(threshold=3)
    await statuses(house, token, token)
    await house.pool.execute("update trigger.call set received_day = received_day + 1 where seq = 2")
    window_id = (await house.of("GetTrigger", trigger)).newest_window.window_id
    for what, closes in ("deadline_at", False), ("closed_at", True):
        if closes:
            await house.of("FlushWindow", trigger)
        await house.pool.execute(f"update trigger.window set {what} = {what} + interval '1 day'")
        listed = await house.of("ListCalls", trigger, window_id=window_id, with_bodies=True)
        assert [one.sequence_number for one in listed.calls] == [1, 2]


async def test_a_page_of_large_calls_fits_a_message(house: House) -> None:
    trigger, token = await house.service.trigger(threshold=7)
    body = b"x" * (1024 * 1024 - 10)
    await house.service.receive(*(call(token, body, "text/plain") for _ in range(7)))
    [window] = (await house.of("ListWindows", trigger)).windows
    sizes: list[int] = []
    page_token = ""
    while not sizes or page_token:
        page = await house.of("ListCalls", trigger, window_id=window.window_id, with_bodies=True, page_token=page_token)
        sizes.append(len(page.calls))
        page_token = page.next_page_token
    assert sizes == [4, 3]


async def test_what_calls_are_verified_by_is_kept_without_its_secrets(house: House) -> None:
    verification = trigger_pb2.Verification(
        preset=GITHUB, secrets=["s3cret-one", "s3cret-two"], tolerance=Duration(seconds=60), dedupe_header="X-Id"
    )
    rules = trigger_pb2.CallRules(extra_media_types=["application/cloudevents+json"], rate_per_second=2.5)
    trigger, _ = await house.service.trigger(verification=verification, call_rules=rules)
    assert (trigger.verification.secret_count, list(trigger.verification.secrets)) == (2, [])
    assert (trigger.verification.tolerance.seconds, trigger.verification.dedupe_header) == (60, "X-Id")
    assert trigger.call_rules == rules
    row = await house.pool.fetchrow("select trigger_id, verification, call_rules from trigger.trigger")
    assert row is not None
    assert json.loads(row["verification"]) == {
        "preset": "VERIFICATION_PRESET_GITHUB",
        "tolerance": "60s",
        "dedupe_header": "X-Id",
    }
    assert "s3cret" not in row["verification"]
    sealed = await house.pool.fetch("select sealed from trigger.verification_secret order by place")
    opened = [KEY_RING.open(one["sealed"], f"verification:{row['trigger_id']}") for one in sealed]
    assert opened == [b"s3cret-one", b"s3cret-two"]


async def test_an_update_without_secrets_keeps_those_that_are_there(house: House) -> None:
    secrets = "select count(*) from trigger.verification_secret"
    verification = trigger_pb2.Verification(preset=GITHUB, secrets=["one", "two"])
    trigger, _ = await house.service.trigger(verification=verification)
    kept = (await house.UpdateTrigger(trigger=edit(trigger, threshold=9))).trigger
    assert (kept.verification.secret_count, kept.etag != trigger.etag) == (2, True)
    basic = edit(trigger)
    basic.verification.preset = trigger_pb2.VERIFICATION_PRESET_BASIC
    fields = ["trigger.verification.secrets[0]", "trigger.verification.secrets[1]"]  # those kept are no name:password
    assert await refused(house.UpdateTrigger(trigger=basic)) == (CODE.INVALID_ARGUMENT, "INVALID_INPUT", fields)
    basic.verification.secrets[:] = ["name:password"]
    assert (await house.UpdateTrigger(trigger=basic)).trigger.verification.secret_count == 1
    assert await house.pool.fetchval(secrets) == 1
    off = (await house.UpdateTrigger(trigger=edit(trigger, verification=None))).trigger
    assert (off.HasField("verification"), await house.pool.fetchval(secrets)) == (False, 0)


async def test_every_bad_field_of_an_agreement_is_named(house: House) -> None:
    task = await house.task()
    endless = Duration(seconds=2**62, nanos=-5)
    bad = trigger_message(
        task_id=task.task_id,
        verification=trigger_pb2.Verification(preset=GITHUB, tolerance=endless, dedupe_header="a b"),
        call_rules=trigger_pb2.CallRules(assumed_media_type="x", rate_per_second=float("nan")),
    )
    fields = [
        *(f"trigger.verification.{name}" for name in ("tolerance", "dedupe_header", "secrets")),
        *(f"trigger.call_rules.{name}" for name in ("assumed_media_type", "rate_per_second")),
    ]
    assert await refused(house.CreateTrigger(trigger=bad)) == (CODE.INVALID_ARGUMENT, "INVALID_INPUT", fields)


async def test_another_accounts_trigger_is_not_there_whatever_is_asked(house: House) -> None:
    trigger, token = await house.service.trigger()
    await statuses(house, token)
    other = {"account_id": ACCOUNT + 1, "trigger_id": trigger.trigger_id}
    for ask in ("DeleteTrigger", "RevealTriggerToken", "RegenerateTriggerToken", "ListWindows", "FlushWindow"):
        assert await refused(getattr(house, ask)(**other)) == NOT_FOUND
    for ask in ("GetWindow", "ListCalls"):
        assert await refused(getattr(house, ask)(**other, window_id=1)) == NOT_FOUND
    assert await refused(house.UpdateTrigger(trigger=edit(trigger, account_id=ACCOUNT + 1))) == NOT_FOUND
    assert not (await house.ListTriggers(account_id=ACCOUNT + 1)).triggers
    listed = await house.ListTriggers(account_id=ACCOUNT)
    assert [one.trigger_id for one in listed.triggers] == [trigger.trigger_id]
