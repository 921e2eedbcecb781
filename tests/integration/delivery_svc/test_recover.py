"""Recoveries: what failed is delivered again, bit by bit, once, whatever pod does it, until it is done or cancelled."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from delivery_svc.recovery import NewRecovery
from delivery_svc.store import recovery as store
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_pb2 import Recovery, RecoveryState
from tests.support.delivery import ACCOUNT, DeliveryService, add_subscription, delivery_service
from tests.support.postgres import Database
from tests.support.receiver import Peer, Receiver, Request
from tests.support.recovery import CALLER, cancel, ended, fill, look, recover, refused

RUNNING = RecoveryState.RECOVERY_STATE_RUNNING
FINISHED = RecoveryState.RECOVERY_STATE_FINISHED
CANCELLED = RecoveryState.RECOVERY_STATE_CANCELLED
SINCE = Timestamp(seconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: How far a recovery has come, as the release before writes it.
ADVANCE_BEFORE = """
update delivery.recovery
   set requeued = requeued + $2, after_published_at = coalesce($3, after_published_at), after_id = coalesce($4, after_id),
       state = $5, finished_at = case when $5 = 'RUNNING' then null else clock_timestamp() end
 where recovery_id = $1
"""


async def _silence(peer: Peer, request: Request) -> None:
    await peer.closed_by_client()


async def _waits(service: DeliveryService) -> None:
    """Returns when a thousand deliveries are parked."""
    async with asyncio.timeout(30):
        while await service.pool.fetchval("select count(*) from delivery.queue where parked") < 1000:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def _owner(database: Database, statement: str) -> None:
    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_five_hundred_that_failed_are_each_delivered_once(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        key, public_id = await add_subscription(database, receiver.url)
        await fill(database, key, 500)
        begun = await recover(service, public_id)
        finished = await ended(service, begun.recovery_id)
        await receiver.request(500)
        await service.drained()
        states = await service.pool.fetch("select state, attempts, count(*) from delivery.delivery group by 1, 2")
        manual = await service.pool.fetchval("select count(*) from delivery.attempt where manual and number = 2")
    assert (begun.state, begun.found) == (RUNNING, 500)
    assert (finished.state, finished.found, finished.requeued) == (FINISHED, 500, 500)
    assert finished.HasField("finish_time")
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == len(receiver.requests) == 500
    assert ([tuple(row) for row in states], manual) == ([("SUCCEEDED", 2, 500)], 500)


async def test_what_would_be_found_is_said_and_nothing_begins(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        key, public_id = await add_subscription(database, receiver.url)
        await fill(database, key, 3)
        await fill(database, key, 2, first=10, event_type="job.run.errored")
        asked = [
            Recovery(account_id=ACCOUNT, subscription_id=public_id, published_after=SINCE, event_type=event_type)
            for event_type in ("", "job.run.errored")
        ]
        wishes = [pb.StartRecoveryRequest(recovery=one, validate_only=True) for one in asked]
        said = [await service.stub.StartRecovery(one, timeout=20, metadata=CALLER) for one in wishes]
        begun = await service.pool.fetchval("select count(*) from delivery.recovery")
    assert [(answer.recovery.found, answer.recovery.recovery_id) for answer in said] == [(5, 0), (2, 0)]
    assert (begun, len(receiver.requests)) == (0, 0)


async def test_only_what_the_filter_names_is_delivered_again(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        key, public_id = await add_subscription(database, receiver.url)
        other, _ = await add_subscription(database, receiver.url)
        await fill(database, key, 2, first=10)
        await fill(database, key, 2, first=20, state="CANCELLED")
        await fill(database, key, 2, first=30, state="SUCCEEDED")
        await fill(database, key, 2, first=40, test=True)
        await fill(database, other, 2, first=50)
        await fill(database, key, 2, first=60, event_type="job.run.errored")
        late = Timestamp()
        late.FromDatetime(await service.pool.fetchval("select max(published_at) from delivery.delivery where id < 60"))
        await asyncio.sleep(0.001)  # published a microsecond apart, so before the database's clock now
        typed = await ended(service, (await recover(service, public_id, event_type="job.run.errored")).recovery_id)
        await service.drained()
        moved = [row["id"] for row in await service.pool.fetch("select id from delivery.delivery where attempts = 2")]
        rest = await ended(service, (await recover(service, public_id, published_before=late)).recovery_id)
        await service.drained()
        tried = await service.pool.fetch("select id from delivery.delivery where attempts = 2 order by id")
    assert (typed.found, typed.requeued, sorted(moved)) == (2, 2, [60, 61])
    assert (rest.found, rest.requeued) == (4, 4)
    assert [row["id"] for row in tried] == [10, 11, 20, 21, 60, 61]


async def test_what_failed_of_one_job_is_found_behind_what_failed_of_others(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        key, public_id = await add_subscription(database, receiver.url)
        await fill(database, key, 450)  # more than two batches
        await fill(database, key, 3, first=1000, job_id=7)
        asked = Recovery(account_id=ACCOUNT, subscription_id=public_id, published_after=SINCE, job_id=7)
        foreseen = pb.StartRecoveryRequest(recovery=asked, validate_only=True)
        would = (await service.stub.StartRecovery(foreseen, timeout=20, metadata=CALLER)).recovery.found
        await asyncio.sleep(0.001)  # published a microsecond apart, so before the database's clock now
        done = await ended(service, (await recover(service, public_id, job_id=7)).recovery_id)
        await service.drained()
        tried = await service.pool.fetch("select id from delivery.delivery where attempts = 2 order by id")
    assert (would, done.job_id, done.state, done.found, done.requeued) == (3, 7, FINISHED, 3, 3)
    assert [row["id"] for row in tried] == [1000, 1001, 1002]


async def _step_before(pool: asyncpg.Pool, recovery_id: int | None, subscription_id: int, until: datetime) -> None:
    async with pool.acquire() as connection, connection.transaction():
        moved = await connection.fetchrow(store.MOVE, subscription_id, EPOCH, until, EPOCH, 0, None, None, 200)
        assert moved is not None
        assert moved["moved"] == 10
        await connection.execute(ADVANCE_BEFORE, recovery_id, 10, moved["published_at"], moved["id"], "FINISHED")


async def test_a_pod_of_the_release_before_sends_nothing_of_other_jobs(database: Database) -> None:
    """The symptom: during a roll-out it takes up a recovery of one job, and delivers what every job failed at."""
    key, _ = await add_subscription(database, "http://127.0.0.1:1/")
    await fill(database, key, 10)
    until = datetime.now(UTC) + timedelta(days=1)
    wish = NewRecovery(
        account_id=ACCOUNT, subscription_id="", published_after=EPOCH, published_before=until, event_type=None, job_id=7
    )
    left = "select count(*) from delivery.delivery"
    async with asyncpg.create_pool(database.delivery_url, min_size=1, max_size=2) as pool:
        number = await store.insert(pool, key, wish, until, 0)
        with pytest.raises(asyncpg.CheckViolationError, match="knows_of_jobs"):
            await _step_before(pool, number, key, until)
        kept = await pool.fetchval(left)
        assert await store.step(pool, 0, store.Limits(batch=200, parked=1000)) == (number, 0)
        state = await pool.fetchval("select state from delivery.recovery")
        assert (kept, await pool.fetchval(left), state) == (10, 10, "FINISHED")


async def test_one_runs_at_a_time_and_waits_while_a_thousand_are_parked_until_it_is_cancelled(
    database: Database,
) -> None:
    async with (
        Receiver(_silence) as receiver,
        delivery_service(database, delivery_timeout_seconds=30.0, grace_seconds=1) as service,
    ):
        key, public_id = await add_subscription(database, receiver.url)
        await fill(database, key, 1500)
        asked = [asyncio.create_task(recover(service, public_id)) for _ in range(4)]
        begun = [one for one in await asyncio.gather(*asked, return_exceptions=True) if hasattr(one, "recovery_id")]
        await _waits(service)
        assert await refused(service, public_id) == "RECOVERY_UNDER_WAY"
        await asyncio.sleep(1.5)  # longer than the recoverer rests: it looks, and moves nothing
        waiting = await look(service, begun[0].recovery_id)
        ends = [await cancel(service, begun[0].recovery_id) for _ in range(2)]
        left = await service.pool.fetchval("select count(*) from delivery.delivery")
        again = await recover(service, public_id)
        await cancel(service, again.recovery_id)
        listed = await service.stub.ListRecoveries(
            pb.ListRecoveriesRequest(account_id=ACCOUNT, subscription_id=public_id), timeout=20, metadata=CALLER
        )
        await _owner(database, "delete from delivery.queue")
    assert len(begun) == 1
    assert waiting.state == RUNNING
    assert 1000 <= waiting.requeued <= 1300
    assert ends[0] == ends[1]
    assert (ends[0].state, ends[0].requeued) == (CANCELLED, waiting.requeued)
    assert left == 1500 - waiting.requeued == again.found
    assert [one.recovery_id for one in listed.recoveries] == [again.recovery_id, begun[0].recovery_id]


async def test_a_recovery_goes_on_in_another_engine_and_nothing_is_left_out_or_delivered_twice(
    database: Database,
) -> None:
    async with Receiver(_silence) as mute:
        key, public_id = await add_subscription(database, mute.url)
        async with delivery_service(database, delivery_timeout_seconds=30.0, grace_seconds=1) as service:
            await fill(database, key, 1500)
            begun = await recover(service, public_id)
            await _waits(service)
            midway = await look(service, begun.recovery_id)
        port = mute.port
    async with Receiver(port=port) as receiver, delivery_service(database, name="pod-2") as service:
        finished = await ended(service, begun.recovery_id)
        await service.drained()
        states = await service.pool.fetch("select state, count(*) from delivery.delivery group by 1")
    assert midway.state == RUNNING
    assert midway.requeued < 1500
    assert (finished.state, finished.requeued) == (FINISHED, 1500)
    assert [tuple(row) for row in states] == [("SUCCEEDED", 1500)]
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == len(receiver.requests) == 1500


async def test_what_fails_again_is_not_taken_twice(database: Database) -> None:
    async with (
        Receiver(*(500, 200) * 225) as receiver,
        delivery_service(database, delivery_retry_delays_seconds="") as service,
    ):
        key, public_id = await add_subscription(database, receiver.url)
        await fill(database, key, 450)
        finished = await ended(service, (await recover(service, public_id)).recovery_id)
        await service.drained()
        states = await service.pool.fetch("select state, attempts, count(*) from delivery.delivery group by 1, 2")
    assert (finished.requeued, len(receiver.requests)) == (450, 450)
    assert {tuple(row) for row in states} == {("FAILED", 2, 225), ("SUCCEEDED", 2, 225)}


async def test_a_recovery_ends_when_its_subscription_is_deleted(database: Database) -> None:
    async with (
        Receiver(_silence) as receiver,
        delivery_service(database, delivery_timeout_seconds=30.0, grace_seconds=1) as service,
    ):
        key, public_id = await add_subscription(database, receiver.url)
        await fill(database, key, 1500)
        begun = await recover(service, public_id)
        await _waits(service)
        await _owner(
            database,
            "update subscription.subscription set deleted_at = clock_timestamp(), version = version + 1",
        )
        await _owner(database, "delete from delivery.queue where parked")
        stopped = await ended(service, begun.recovery_id)
        left = await service.pool.fetchval("select count(*) from delivery.delivery where attempts = 1")
        await _owner(database, "delete from delivery.queue")
    assert stopped.state == CANCELLED
    assert left > 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [("active = false", "SUBSCRIPTION_INACTIVE"), ("deleted_at = clock_timestamp()", "SUBSCRIPTION_NOT_FOUND")],
)
async def test_nothing_begins_for_a_subscription_that_is_sent_nothing(
    database: Database, change: str, reason: str
) -> None:
    async with delivery_service(database) as service:
        key, public_id = await add_subscription(database, "http://127.0.0.1:9/")
        await fill(database, key, 1)
        await _owner(database, f"update subscription.subscription set {change}, version = version + 1")
        assert await refused(service, public_id) == reason
        assert await service.pool.fetchval("select count(*) from delivery.recovery") == 0


async def test_an_odd_wish_is_refused(database: Database) -> None:
    async with delivery_service(database) as service:
        _, public_id = await add_subscription(database, "http://127.0.0.1:9/")
        assert await refused(service, public_id, published_after=None) == "INVALID_INPUT"
        assert await refused(service, public_id, event_type="odd") == "INVALID_INPUT"
        assert await refused(service, public_id, job_id=-1) == "INVALID_INPUT"
        assert await refused(service, public_id, published_after=Timestamp(seconds=-1)) == "INVALID_INPUT"
        same = Timestamp(seconds=9)
        assert await refused(service, public_id, published_after=same, published_before=same) == "INVALID_INPUT"
        assert await refused(service, "wsu_odd") == "SUBSCRIPTION_NOT_FOUND"
