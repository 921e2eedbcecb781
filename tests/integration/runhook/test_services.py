"""Every room of the client against the services themselves, as `runhook standalone` runs them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import pytest

from runhook import Client, errors, job_run_event
from runhook.messages import (
    ContextParameter,
    CreateSubscriptionResponse,
    DeliverySettings,
    DeliveryState,
    ErasureState,
    Event,
    ExecutionState,
    GetDeliveryResponse,
    Plan,
    QueueMode,
    RecoveryState,
    RunState,
    Step,
    Task,
)
from runhook.verify import verify_signature, verify_standard_webhook
from tests.support.certificates import pair
from tests.support.linux import need_linux
from tests.support.receiver import Receiver
from tests.support.standalone import Standalone

ACCOUNT = 1
UNKNOWN = "wsu_" + "0" * 27


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """The whole platform, once for this file."""
    need_linux()
    with Standalone(tmp_path_factory.mktemp("platform") / "data") as running:
        yield running


@pytest.fixture
async def client(platform: Standalone) -> AsyncIterator[Client]:
    """A client with the first account's token."""
    async with Client(**platform.facts["grpc"], token=platform.facts["token"]) as made:
        yield made


@pytest.fixture
async def operator(platform: Standalone) -> AsyncIterator[Client]:
    """A client with the platform's own credential."""
    credential = (platform.data_dir / "secrets" / "service-credential").read_text()
    async with Client(**platform.facts["grpc"], service_credential=credential) as made:
        yield made


async def subscribe(client: Client, url: str = "https://example.com/", name: str = "one") -> CreateSubscriptionResponse:
    """A subscription to completed runs."""
    return await client.subscriptions.create(ACCOUNT, name=name, client_url=url, event_types=["job.run.completed"])


def completed(run_id: int, **changes: str) -> Event:
    """A run that succeeded just now."""
    now = datetime.now(UTC)
    return job_run_event(
        "job.run.completed",
        account_id=ACCOUNT,
        job_id=7,
        run_id=run_id,
        environment_id=1,
        project_id=1,
        run_status="Success",
        run_start_time=now - timedelta(minutes=1),
        run_finish_time=now,
        **changes,  # type: ignore[arg-type]
    )


async def test_a_subscription_is_made_read_changed_listed_and_deleted(client: Client) -> None:
    made = await subscribe(client, name="first")
    own = made.subscription.subscription_id
    assert len(made.signing_secret) == 40
    assert await client.subscriptions.get(ACCOUNT, own) == made.subscription

    made.subscription.description = "changed"
    made.subscription.job_ids[:] = [7, 8]
    changed = await client.subscriptions.update(made.subscription)
    assert (changed.description, list(changed.job_ids), changed.name) == ("changed", [7, 8], "first")
    with pytest.raises(errors.FailedPrecondition) as stale:
        await client.subscriptions.update(changed, etag=made.subscription.etag)
    assert stale.value.reason == "ETAG_MISMATCH"
    assert (await client.subscriptions.update(changed, etag=changed.etag)).description == "changed"

    others = [(await subscribe(client, name=f"other {number}")).subscription.subscription_id for number in range(3)]
    listed = [one.subscription_id async for one in client.subscriptions.list(ACCOUNT, page_size=2)]
    assert [one for one in listed if one in {own, *others}] == [own, *others]

    await client.subscriptions.delete(ACCOUNT, own)
    for call in (client.subscriptions.get, client.subscriptions.delete):
        with pytest.raises(errors.NotFound):
            await call(ACCOUNT, own)


async def test_a_bad_subscription_is_refused_with_every_bad_field(client: Client) -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        await client.subscriptions.create(ACCOUNT, name="", client_url="ftp://x", event_types=["job.run.cancelled"])
    told = {field.rpartition(".")[2].partition("[")[0] for field, _ in caught.value.fields}
    assert told >= {"name", "client_url", "event_types"}


async def test_another_accounts_things_are_refused(client: Client) -> None:
    with pytest.raises(errors.PermissionDenied) as caught:
        await client.subscriptions.get(ACCOUNT + 1, UNKNOWN)
    assert caught.value.reason == "WRONG_ACCOUNT"


async def test_an_unknown_token_is_refused(platform: Standalone) -> None:
    async with Client(**platform.facts["grpc"], token="rhk_" + "x" * 43) as stranger:
        with pytest.raises(errors.Unauthenticated):
            await stranger.subscriptions.get(ACCOUNT, UNKNOWN)


async def test_a_secret_is_rotated_and_promoted(client: Client) -> None:
    own = (await subscribe(client)).subscription.subscription_id
    before = datetime.now(UTC)
    rotated = await client.subscriptions.rotate_secret(ACCOUNT, own, overlap=timedelta(hours=2))
    assert len(rotated.signing_secret) == 40
    assert timedelta(hours=1) < rotated.old_expire_time.ToDatetime(UTC) - before < timedelta(hours=3)
    old, new = await client.subscriptions.list_secrets(ACCOUNT, own)
    assert (old.signs_authorization, new.signs_authorization) == (True, False)
    with pytest.raises(errors.FailedPrecondition) as caught:
        await client.subscriptions.rotate_secret(ACCOUNT, own)
    assert caught.value.reason == "ROTATION_UNDER_WAY"
    await client.subscriptions.promote_secret(ACCOUNT, own)
    assert [one.signs_authorization for one in await client.subscriptions.list_secrets(ACCOUNT, own)] == [True]
    with pytest.raises(errors.FailedPrecondition) as caught:
        await client.subscriptions.promote_secret(ACCOUNT, own)
    assert caught.value.reason == "NO_ROTATION"


async def test_delivery_settings_are_replaced_and_left_to_the_platform_again(client: Client) -> None:
    own = (await subscribe(client)).subscription.subscription_id
    rooms = client.subscriptions
    assert await rooms.get_delivery_settings(ACCOUNT, own) == DeliverySettings()
    delays = [timedelta(milliseconds=100), timedelta(days=1)]
    made = await rooms.set_delivery_settings(
        ACCOUNT, own, retry_delays=delays, jitter=0.0, concurrency=4, rate_per_second=0.5
    )
    assert [delay.ToTimedelta() for delay in made.retry_schedule.delays] == delays
    assert (made.retry_schedule.jitter, made.concurrency, made.rate_per_second) == (0.0, 4, 0.5)
    assert await rooms.get_delivery_settings(ACCOUNT, own) == made
    assert (await rooms.set_delivery_settings(ACCOUNT, own, retry_delays=[])).HasField("retry_schedule")
    with pytest.raises(errors.InvalidInput) as caught:
        await rooms.set_delivery_settings(ACCOUNT, own, retry_delays=[timedelta()], concurrency=1_001)
    assert len(caught.value.fields) == 2
    with pytest.raises(ValueError, match="retry_delays"):
        await rooms.set_delivery_settings(ACCOUNT, own, jitter=0.5)
    for nothing in ({"concurrency": 0}, {"rate_per_second": 0}):
        with pytest.raises(ValueError, match="None"):
            await rooms.set_delivery_settings(ACCOUNT, own, **nothing)  # type: ignore[arg-type]
    assert await rooms.set_delivery_settings(ACCOUNT, own) == DeliverySettings()


async def test_deliveries_follow_the_settings_from_the_next_event_on(client: Client) -> None:
    async with Receiver(503, 503, 204) as receiver:
        own = (await subscribe(client, receiver.url)).subscription.subscription_id
        await client.subscriptions.set_delivery_settings(ACCOUNT, own, retry_delays=[])
        (first,) = await client.events.publish([completed(60)])
        found = await finished(client, own, first)
        assert found.delivery.state == DeliveryState.DELIVERY_STATE_FAILED
        assert [attempt.status_code for attempt in found.attempts] == [503]
        soon = [timedelta(milliseconds=100)]
        await client.subscriptions.set_delivery_settings(ACCOUNT, own, retry_delays=soon, jitter=0.0)
        (second,) = await client.events.publish([completed(61)])
        found = await finished(client, own, second)
    assert found.delivery.state == DeliveryState.DELIVERY_STATE_SUCCEEDED
    one, two = found.attempts
    assert two.send_time.ToDatetime(UTC) - one.send_time.ToDatetime(UTC) < timedelta(seconds=0.8)


async def test_a_client_certificate_is_set_told_of_and_cleared(client: Client) -> None:
    own = (await subscribe(client)).subscription.subscription_id
    rooms, mine, other = client.subscriptions, pair("mine"), pair("other")
    assert await rooms.get_client_certificate(ACCOUNT, own) is None
    made = await rooms.set_client_certificate(ACCOUNT, own, certificate_chain=mine.chain, private_key=mine.key)
    assert made.subject == "CN=mine"
    with pytest.raises(errors.InvalidInput) as caught:
        await rooms.set_client_certificate(ACCOUNT, own, certificate_chain=mine.chain, private_key=other.key)
    assert [bad.field for bad in caught.value.fields] == ["private_key"]
    for chain, key in (("", ""), (mine.chain, ""), ("", mine.key)):
        with pytest.raises(ValueError, match="go together"):
            await rooms.set_client_certificate(ACCOUNT, own, certificate_chain=chain, private_key=key)
    assert await rooms.get_client_certificate(ACCOUNT, own) == made
    await rooms.clear_client_certificate(ACCOUNT, own)
    assert await rooms.get_client_certificate(ACCOUNT, own) is None


async def test_events_are_published_delivered_and_found_again(client: Client) -> None:
    async with Receiver(503, 204) as receiver:
        made = await subscribe(client, receiver.url)
        own = made.subscription.subscription_id
        await client.subscriptions.set_headers(ACCOUNT, own, {"X-Api-Key": "abc"})
        assert list(await client.subscriptions.list_headers(ACCOUNT, own)) == ["X-Api-Key"]
        (event_id,) = await client.events.publish([completed(70)])
        for number in (1, 2):
            request = await receiver.request(number)
            verify_signature(made.signing_secret, request.body, request.headers["authorization"])
            verify_standard_webhook(made.signing_secret, request.headers, request.body)
            assert request.headers["x-api-key"] == "abc"
        found = await finished(client, own, event_id)
    assert found.delivery.state == DeliveryState.DELIVERY_STATE_SUCCEEDED
    assert [attempt.status_code for attempt in found.attempts] == [503, 204]
    assert found.delivery.body == request.body
    assert await client.deliveries.get(ACCOUNT, found.delivery.delivery_id) == found
    failed = DeliveryState.DELIVERY_STATE_FAILED
    assert [one async for one in client.deliveries.list(ACCOUNT, own, state=failed)] == []
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert [one async for one in client.deliveries.list(ACCOUNT, own, published_after=later)] == []


async def finished(client: Client, subscription_id: str, event_id: str) -> GetDeliveryResponse:
    """The delivery, once it is final. There is no event to await in another process."""
    async with asyncio.timeout(20):
        while True:
            try:
                found = await client.deliveries.get(ACCOUNT, subscription_id=subscription_id, event_id=event_id)
            except errors.NotFound:  # its first attempt is not recorded yet
                found = GetDeliveryResponse()
            if found.delivery.HasField("finish_time"):
                return found
            await asyncio.sleep(0.05)


async def test_deliveries_are_listed_newest_first_over_pages(client: Client) -> None:
    async with Receiver(204) as receiver:
        own = (await subscribe(client, receiver.url)).subscription.subscription_id
        published = [(await client.events.publish([completed(100 + number)]))[0] for number in range(5)]
        for event_id in published:
            await finished(client, own, event_id)
    listed = [one.event_id async for one in client.deliveries.list(ACCOUNT, own, page_size=2)]
    assert listed == published[::-1]


async def test_publishing_again_is_answered_with_the_first_ids(client: Client) -> None:
    events = [completed(80, request_id="run-80-completed"), completed(81)]
    first = await client.events.publish(events)
    assert list(await client.events.publish(events)) == list(first)
    with pytest.raises(errors.AlreadyExists):
        await client.events.publish([completed(82, request_id="run-80-completed")])


async def test_a_test_tells_what_the_endpoint_does(client: Client) -> None:
    async with Receiver(418) as receiver:
        own = (await subscribe(client, receiver.url)).subscription.subscription_id
        told = await client.deliveries.send_test(ACCOUNT, own)
    assert (told.status_code, told.error_message) == (418, "")
    told = await client.deliveries.send_test(ACCOUNT, own)
    assert told.status_code == 0
    assert told.error_message


async def test_a_delivery_is_sent_again_under_its_event_id(client: Client) -> None:
    async with Receiver(204) as receiver:
        own = (await subscribe(client, receiver.url)).subscription.subscription_id
        (event_id,) = await client.events.publish([completed(90)])
        first = await finished(client, own, event_id)
        again = await client.deliveries.redeliver(ACCOUNT, first.delivery.delivery_id)
        assert again.state == DeliveryState.DELIVERY_STATE_PENDING
        request = await receiver.request(2)
        second = await finished(client, own, event_id)
    assert (request.headers["webhook-id"], request.body) == (event_id, first.delivery.body)
    assert [(attempt.number, attempt.manual) for attempt in second.attempts] == [(1, False), (2, True)]
    with pytest.raises(errors.NotFound):
        await client.deliveries.redeliver(ACCOUNT, 2**62)


async def test_what_was_not_delivered_is_recovered(client: Client) -> None:
    before = datetime.now(UTC) - timedelta(minutes=1)
    async with Receiver(500) as broken, Receiver(204) as mended:
        made = (await subscribe(client, broken.url)).subscription
        own = made.subscription_id
        (event_id,) = await client.events.publish([completed(91)])
        await broken.request(1)
        made.active = False
        await client.subscriptions.update(made)
        lost = await finished(client, own, event_id)
        assert lost.delivery.state == DeliveryState.DELIVERY_STATE_CANCELLED
        with pytest.raises(errors.FailedPrecondition) as caught:
            await client.recoveries.start(ACCOUNT, own, published_after=before)
        assert caught.value.reason == "SUBSCRIPTION_INACTIVE"

        made.client_url, made.active = mended.url, True
        await client.subscriptions.update(made)
        begun = await client.recoveries.start(ACCOUNT, own, published_after=before, job_id=7)
        ended = await client.recoveries.wait(ACCOUNT, begun.recovery_id, interval=0.05)
        request = await mended.request(1)
        found = await finished(client, own, event_id)
    assert (ended.state, ended.found, ended.requeued) == (RecoveryState.RECOVERY_STATE_FINISHED, 1, 1)
    assert request.headers["webhook-id"] == event_id
    assert found.delivery.state == DeliveryState.DELIVERY_STATE_SUCCEEDED
    assert list(await client.recoveries.list(ACCOUNT, own)) == [ended]
    assert await client.recoveries.cancel(ACCOUNT, begun.recovery_id) == ended
    with pytest.raises(errors.NotFound):
        await client.recoveries.get(ACCOUNT, 2**62)


async def test_the_bodies_of_an_event_are_erased(client: Client) -> None:
    async with Receiver(204) as receiver:
        own = (await subscribe(client, receiver.url)).subscription.subscription_id
        (event_id,) = await client.events.publish([completed(92)])
        await finished(client, own, event_id)
    begun = await client.erasures.erase_event(ACCOUNT, event_id)
    ended = await client.erasures.wait(ACCOUNT, begun.erasure_id, interval=0.05)
    assert (ended.state, ended.event_id, ended.erased) == (ErasureState.ERASURE_STATE_FINISHED, event_id, 1)
    assert (await finished(client, own, event_id)).delivery.body == b""
    month_ago = datetime.now(UTC) - timedelta(days=29)
    older = await client.erasures.erase_account(ACCOUNT, published_before=month_ago)
    older = await client.erasures.wait(ACCOUNT, older.erasure_id, interval=0.05)
    assert (older.event_id, older.erased) == ("", 0)
    assert list(await client.erasures.list(ACCOUNT))[:2] == [older, ended]
    with pytest.raises(errors.NotFound):
        await client.erasures.erase_event(ACCOUNT, "wev_" + "0" * 27)
    with pytest.raises(ValueError, match="erase_account"):
        await client.erasures.erase_event(ACCOUNT, "")


async def test_a_token_is_made_listed_and_revoked(client: Client, platform: Standalone) -> None:
    ends = datetime.now(UTC) + timedelta(days=1)
    made = await client.accounts.create_token(ACCOUNT, name="ci", permission_set="read_only", expire_time=ends)
    own = made.service_token.token_id
    async with Client(**platform.facts["grpc"], token=made.token) as reader:
        assert [one.account_id async for one in reader.accounts.list()] == [ACCOUNT]
        with pytest.raises(errors.PermissionDenied) as caught:
            await subscribe(reader)
        assert caught.value.reason == "MISSING_PERMISSION"
        revoked = await client.accounts.revoke_token(ACCOUNT, own)
        assert revoked.HasField("revoke_time")
        with pytest.raises(errors.Unauthenticated):  # at once where the token was never seen before
            _ = [one async for one in reader.tasks.list(ACCOUNT)]
    listed = [one async for one in client.accounts.list_tokens(ACCOUNT, page_size=1)]
    assert [one.revoke_time for one in listed if one.token_id == own] == [revoked.revoke_time]
    with pytest.raises(errors.NotFound):
        await client.accounts.revoke_token(ACCOUNT, 2**62)


async def test_the_operator_makes_an_account_with_its_first_token(operator: Client, platform: Standalone) -> None:
    made = await operator.accounts.create("Second", account_id=4712)
    with pytest.raises(errors.AlreadyExists):
        await operator.accounts.create("Again", account_id=4712)
    assert {one.account_id async for one in operator.accounts.list(page_size=1)} >= {ACCOUNT, 4712}
    async with Client(**platform.facts["grpc"], token=made.token) as second:
        assert [one async for one in second.subscriptions.list(4712)] == []
        with pytest.raises(errors.PermissionDenied):
            await second.accounts.create("Third")


async def test_a_task_is_triggered_and_its_execution_found(client: Client, platform: Standalone) -> None:
    wanted = Task(
        account_id=ACCOUNT,
        name="count",
        command="echo-payload",
        parameters=[ContextParameter(name="resource_webhook_payload")],
    )
    task = await client.tasks.create(wanted)
    assert await client.tasks.get(ACCOUNT, task.task_id) == task
    made = await client.triggers.create(
        ACCOUNT, name="orders", task_id=task.task_id, threshold=2, duration=timedelta(minutes=1)
    )
    async with httpx.AsyncClient() as caller:
        for number in range(2):
            answer = await caller.post(f"{platform.facts['public_url']}/t/{made.token}", json={"order": number})
            assert answer.status_code == 204
    trigger = await client.triggers.get(ACCOUNT, made.trigger.trigger_id)
    assert trigger.newest_window.close_reason == "threshold"
    of_trigger = client.executions.list(ACCOUNT, trigger_id=made.trigger.trigger_id, task_id=task.task_id)
    (execution,) = [one async for one in of_trigger]
    rejected = client.executions.list(ACCOUNT, state=ExecutionState.EXECUTION_STATE_REJECTED, task_id=task.task_id)
    assert [one async for one in rejected] == []
    async with asyncio.timeout(30):
        while execution.state != ExecutionState.EXECUTION_STATE_SUCCEEDED:
            await asyncio.sleep(0.1)
            execution = await client.executions.get(ACCOUNT, execution.execution_id)
    run = await client.runs.get(ACCOUNT, execution.runs[0].run_id)
    assert (run.state, run.exit_code) == (RunState.RUN_STATE_SUCCEEDED, 0)


async def counting(client: Client, name: str) -> Task:
    """A task that prints how large its payload is."""
    wanted = Task(account_id=ACCOUNT, name=name, command="echo-payload")
    wanted.parameters.append(ContextParameter(name="resource_webhook_payload"))
    return await client.tasks.create(wanted)


async def test_a_task_is_changed_copied_paused_and_deleted_and_nobodys_change_is_lost(client: Client) -> None:
    stale = await counting(client, "first")
    task = await client.tasks.get(ACCOUNT, stale.task_id)
    task.queue_limit.mode = QueueMode.QUEUE_MODE_HOLD
    task = await client.tasks.update(task)
    stale.name = "other"
    with pytest.raises(errors.FailedPrecondition) as caught:
        await client.tasks.update(stale)
    assert caught.value.reason == "ETAG_MISMATCH"
    copied = await client.tasks.copy(ACCOUNT, task.task_id, name="second")
    assert (copied.name, copied.queue_limit) == ("second", task.queue_limit)
    assert (await client.tasks.pause(ACCOUNT, copied.task_id)).paused
    assert not (await client.tasks.resume(ACCOUNT, copied.task_id)).paused
    await client.tasks.delete(ACCOUNT, copied.task_id)
    listed = [one.task_id async for one in client.tasks.list(ACCOUNT, page_size=1)]
    assert task.task_id in listed
    assert copied.task_id not in listed


async def test_a_plan_is_started_once_per_request_id_and_executed_again(client: Client) -> None:
    task = await counting(client, "step")
    plan = await client.plans.create(Plan(account_id=ACCOUNT, name="nightly", steps=[Step(task_ids=[task.task_id])]))
    plan.timeout.FromSeconds(600)
    assert (await client.plans.update(plan)).timeout.seconds == 600
    start = partial(client.executions.start, ACCOUNT, plan_id=plan.plan_id, payload="[]", request_id="nightly-1")
    first = await start()
    assert (await start()).execution_id == first.execution_id
    async with asyncio.timeout(30):
        first = await client.executions.wait(ACCOUNT, first.execution_id, interval=0.1)
        again = await client.executions.rerun(ACCOUNT, first.execution_id)
        again = await client.executions.wait(ACCOUNT, again.execution_id, interval=0.1)
    assert (again.state, again.rerun_of) == (ExecutionState.EXECUTION_STATE_SUCCEEDED, first.execution_id)
    assert await client.executions.payload(ACCOUNT, again.execution_id) == b"[]"
    assert await client.runs.log(ACCOUNT, again.runs[0].run_id, offset=8) == b"of 2 bytes\n"
    assert await client.runs.artifact(ACCOUNT, again.runs[0].run_id, "size.txt") == b"2\n"
    with pytest.raises(errors.FailedPrecondition):
        await client.executions.cancel(ACCOUNT, again.execution_id)
    copied = await client.plans.copy(ACCOUNT, plan.plan_id)
    await client.plans.pause(ACCOUNT, copied.plan_id)
    await client.plans.resume(ACCOUNT, copied.plan_id)
    await client.plans.delete(ACCOUNT, copied.plan_id)
    listed = {one.plan_id async for one in client.plans.list(ACCOUNT)}
    assert (plan.plan_id in listed, copied.plan_id in listed) == (True, False)


async def test_a_webhooks_windows_are_looked_into_flushed_and_its_url_is_made_anew(
    client: Client, platform: Standalone
) -> None:
    task = await counting(client, "hooked")
    made = await client.triggers.create(
        ACCOUNT, name="hook", task_id=task.task_id, threshold=9, duration=timedelta(hours=1)
    )
    own = made.trigger.trigger_id
    new = await client.triggers.regenerate(ACCOUNT, own, grace=timedelta(hours=1))
    told = await client.triggers.reveal(ACCOUNT, own)
    assert (told.token, told.old_token) == (new, made.token)
    async with httpx.AsyncClient() as caller:
        for token in (new, made.token):
            answer = await caller.post(f"{platform.facts['public_url']}/t/{token}", json={})
            assert answer.status_code == 204
    (window,) = [one async for one in client.triggers.list_windows(ACCOUNT, own)]
    assert await client.triggers.get_window(ACCOUNT, own, window.window_id) == window
    named = [one async for one in client.tasks.list(ACCOUNT, task_ids=[task.task_id])]
    assert [one.name for one in named] == [task.name]
    calls = [one async for one in client.triggers.list_calls(ACCOUNT, own, window.window_id, with_bodies=True)]
    assert [(one.sequence_number, one.body) for one in calls] == [(1, b"{}"), (2, b"{}")]
    flushed = await client.triggers.flush(ACCOUNT, own)
    assert (flushed.window.window_id, flushed.window.close_reason) == (window.window_id, "flush")
    changed = (await client.triggers.get(ACCOUNT, own)).trigger
    changed.enabled = False
    assert not (await client.triggers.update(changed)).enabled
    await client.triggers.delete(ACCOUNT, own, discard_open_window=True)
    at = datetime(2100, 1, 1, tzinfo=UTC)
    once = await client.triggers.create_once(ACCOUNT, name="once", at=at, task_id=task.task_id)
    cron = await client.triggers.create_cron(ACCOUNT, name="cron", expression="30 6 * * *", task_id=task.task_id)
    assert once.next_start_time.ToDatetime(UTC) == at
    listed = {one.trigger_id async for one in client.triggers.list(ACCOUNT)}
    assert listed >= {once.trigger_id, cron.trigger_id}
    assert own not in listed


async def test_what_is_not_there_is_not_found_in_any_room(client: Client) -> None:
    with pytest.raises(errors.NotFound):
        await client.triggers.get(ACCOUNT, "trg_" + "0" * 27)
    with pytest.raises(errors.NotFound):
        await client.runs.get(ACCOUNT, 2**62)
    with pytest.raises(errors.NotFound):
        await client.runs.log(ACCOUNT, 2**62)
    with pytest.raises(errors.NotFound):
        await client.deliveries.get(ACCOUNT, 2**62)
    with pytest.raises(errors.NotFound):
        await client.deliveries.send_test(ACCOUNT, UNKNOWN)
