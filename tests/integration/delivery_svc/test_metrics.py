"""/metrics of a running delivery_svc, scraped after real deliveries, tells what became of them, and what the docs list."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from chassis.caller import CREDENTIAL_KEY
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from tests.support import metrics_page
from tests.support.delivery import CREDENTIAL, add_subscription, an_event
from tests.support.postgres import Database
from tests.support.receiver import Peer, Receiver, Request
from tests.support.scrape import Scrape, scrape, scraped
from tests.support.service_process import ServiceProcess, free_port, running

LANE_LIMIT = 2
ATTEMPTS = "runhook_delivery_attempts_total"
LATENCY = "runhook_delivery_latency_seconds"


def _settings(database: Database, directory: Path, port: int) -> dict[str, object]:
    (directory / "ring").write_text("k1:" + base64.b64encode(bytes(range(32))).decode())
    (directory / "credential").write_text(CREDENTIAL)
    return {
        "DATABASE_URL": database.delivery_url,
        "GRPC_ADDRESS": f"127.0.0.1:{port}",
        "KEY_RING_FILE": directory / "ring",
        "SERVICE_CREDENTIAL_FILE": directory / "credential",
        "DELIVERY_LANE_LIMIT": LANE_LIMIT,
        "DELIVERY_RETRY_DELAYS_SECONDS": "0.05,0.05",
        "DELIVERY_BREAKER_SECONDS": 600,
        "DELIVERY_ALLOWED_NETWORKS": "127.0.0.0/8",
    }


class Service:
    """A running delivery_svc and its door."""

    def __init__(self, process: ServiceProcess, port: int) -> None:
        self.metrics = process.metrics
        self._target = f"127.0.0.1:{port}"

    async def publish(self, job_id: int, count: int) -> None:
        """Publishes so many events of a job in one call."""
        events = [an_event(job_id=job_id, run_id=run + 1) for run in range(count)]
        async with grpc.aio.insecure_channel(self._target) as channel:
            await DeliveryServiceStub(channel).PublishEvents(
                pb.PublishEventsRequest(events=events), timeout=20, metadata=((CREDENTIAL_KEY, CREDENTIAL),)
            )

    async def finished(self, state: str, count: int) -> Scrape:
        """A scrape once so many deliveries ended in that state."""
        return await scraped(
            self.metrics, lambda one: one.value("runhook_delivery_finished_total", state=state) == count
        )


@pytest.fixture
async def service(database: Database, tmp_path: Path) -> AsyncIterator[Service]:
    """A running one, as a process of its own."""
    port = free_port()
    async with running("delivery_svc", _settings(database, tmp_path, port)) as process:
        yield Service(process, port)


async def test_all_that_the_docs_list_is_there_with_its_kind_labels_and_sentence(
    database: Database, service: Service
) -> None:
    async with Receiver(503, 200) as receiver:
        await add_subscription(database, receiver.url)
        await service.publish(123, 1)
        found = await service.finished("SUCCEEDED", 1)
    listed = [*metrics_page.metrics_of("chassis"), *metrics_page.metrics_of("delivery_svc")]
    shown = {name for name in found.families if name.startswith("runhook_") and not name.endswith("_created")}
    assert shown == {metric.name.removesuffix("_total") for metric in listed}
    for metric in listed:
        family = found.families[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.kind, metric.docstring)
        assert found.labels_of(family.name) <= {frozenset(metric.labels)}


async def test_deliveries_are_told_by_outcome_and_their_times_by_stage(database: Database, service: Service) -> None:
    async with Receiver() as receiver:
        await add_subscription(database, receiver.url, job_ids=[1])
        await service.publish(1, LANE_LIMIT)
        await service.finished("SUCCEEDED", LANE_LIMIT)
        await service.publish(1, 1)
        await service.finished("SUCCEEDED", LANE_LIMIT + 1)
        found = await scraped(service.metrics, lambda one: one.value("runhook_sender_idle_connections") == LANE_LIMIT)
    count = LANE_LIMIT + 1
    assert found.value("runhook_delivery_published_events_total") == count
    assert found.value(ATTEMPTS, outcome="succeeded", status="2xx") == count
    for stage in ("answer", "first_attempt", "end_to_end"):
        assert found.value(f"{LATENCY}_count", stage=stage) == count
        assert found.value(f"{LATENCY}_bucket", stage=stage, le="+Inf") == count
        assert 0 <= found.value(f"{LATENCY}_sum", stage=stage) < 5 * count
    assert found.value(f"{LATENCY}_sum", stage="end_to_end") == pytest.approx(
        found.value(f"{LATENCY}_sum", stage="answer") + found.value(f"{LATENCY}_sum", stage="first_attempt")
    )
    assert found.value("runhook_delivery_retries_total") == 0
    assert found.value("runhook_sender_dialed_total") == LANE_LIMIT
    assert found.value("runhook_sender_reused_total") == 1
    assert found.value("runhook_sender_connections") == LANE_LIMIT
    assert found.value("runhook_group_items_count", group="publish") == 2
    assert found.value("runhook_delivery_held") == found.value("runhook_delivery_in_flight") == 0


async def test_failures_are_told_by_status_and_by_error_and_phase(database: Database, service: Service) -> None:
    async with Receiver(503, 302, 200) as receiver:
        await add_subscription(database, receiver.url, job_ids=[1])
        await service.publish(1, 1)
        await service.finished("SUCCEEDED", 1)
    await add_subscription(database, f"http://127.0.0.1:{receiver.port}/hook", job_ids=[2])
    await service.publish(2, 1)
    found = await service.finished("FAILED", 1)
    assert found.value(ATTEMPTS, outcome="succeeded", status="2xx") == 1
    assert found.value(ATTEMPTS, outcome="retryable", status="5xx") == 1
    assert found.value(ATTEMPTS, outcome="retryable", status="3xx") == 1
    assert found.value(ATTEMPTS, outcome="retryable", status="none") == 3
    assert found.value("runhook_delivery_attempt_errors_total", error="connect", phase="connect") == 3
    assert found.value("runhook_delivery_retries_total") == 4
    assert found.value(f"{LATENCY}_count", stage="answer") == 6
    assert found.value(f"{LATENCY}_count", stage="first_attempt") == 2
    assert found.value(f"{LATENCY}_count", stage="end_to_end") == 1


async def test_what_waits_is_told_while_it_waits(database: Database, service: Service) -> None:
    released = asyncio.Event()

    async def hold(peer: Peer, request: Request) -> None:
        await released.wait()
        await peer.answer(200)

    count = 20
    async with Receiver(hold) as receiver:
        await add_subscription(database, receiver.url, job_ids=[1])
        await service.publish(1, count)
        leased = 3 * LANE_LIMIT  # in flight and waiting
        found = await scraped(service.metrics, lambda one: one.value("runhook_delivery_parked_rows") == count - leased)
        assert found.value("runhook_delivery_in_flight") == LANE_LIMIT
        assert found.value("runhook_delivery_waiting") == 2 * LANE_LIMIT
        assert found.value("runhook_delivery_held") == leased
        assert found.value("runhook_delivery_parked_lanes") == 1
        released.set()
        found = await service.finished("SUCCEEDED", count)
        assert found.value("runhook_delivery_finished_total", state="FAILED") == 0
    found = await scraped(service.metrics, lambda one: one.value("runhook_delivery_parked_rows") == 0)
    assert found.value("runhook_delivery_parked_lanes") == 0


async def test_a_breaker_that_opens_is_counted_and_seen_open(database: Database, service: Service) -> None:
    async with Receiver(500) as receiver:
        await add_subscription(database, receiver.url, job_ids=[1])
        await service.publish(1, 12)
        found = await scraped(service.metrics, lambda one: one.value("runhook_delivery_breakers", state="open") == 1)
    assert found.value("runhook_delivery_breaker_opened_total") == 1
    assert found.value("runhook_delivery_breakers", state="closed") == 0
    assert found.value("runhook_delivery_breakers", state="half_open") == 0


async def test_the_process_tells_of_its_pool_its_loop_and_its_partitions(service: Service) -> None:
    found = await scraped(service.metrics, lambda one: one.value("runhook_event_loop_lag_seconds_count") >= 3)
    again = await scrape(service.metrics)
    states = [again.value("runhook_database_pool_connections", state=state) for state in ("idle", "in_use")]
    assert 1 <= sum(states) <= again.value("runhook_database_pool_limit")
    assert again.value("runhook_database_acquire_seconds_count") > 0
    assert again.value("runhook_process_ready") == 1
    end, started = (
        found.value(name) for name in ("runhook_database_partitions_end_seconds", "process_start_time_seconds")
    )
    assert 6 * 86_400 < end - started <= 8 * 86_400
