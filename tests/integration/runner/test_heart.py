"""Leases: kept by beats, and a run whose lease cannot be kept is dead here before it can live elsewhere."""

import asyncio
import time

from chassis.channel import open_channel
from runhook.trigger.v1.run_service_pb2_grpc import RunServiceStub
from runner.client import Client
from runner.crew import Crew
from runner.heart import Heart
from runner.held import HeldRun
from tests.support.run_service import MemoryRunService


async def test_a_lease_is_kept_by_beats_and_its_run_stopped_when_it_cannot_be(service: MemoryRunService) -> None:
    async with open_channel(service.target) as channel:
        client = Client(RunServiceStub(channel), ())

        async def work(held: HeldRun) -> None:
            await client.start(held)
            await held.stop.wait()

        crew = Crew(1, work, kill_seconds=5)
        heart = Heart(client, crew, beat_seconds=10, kill_seconds=5)
        run_id = await service.add("any")
        service.take_away(run_id)
        crew.take(run_id, service.runs[run_id].lease_id)
        await service.until(run_id, "running")
        (held,) = crew.held
        async with asyncio.timeout(5):
            while held.kept_at is None:  # noqa: ASYNC110 - the answer is on its way
                await asyncio.sleep(0.01)

        await heart.tick()
        assert service.runs[run_id].beats == 0, "a beat is not due yet"
        held.kept_at = time.monotonic() - 11
        await heart.tick()
        assert service.runs[run_id].beats == 1
        assert time.monotonic() - held.kept_at < 5

        await service.stop()
        lost_after: dict[int, bool] = {}
        for seconds in (24, 26):  # at 25 s the run is killed, to be dead at 30 s
            held.kept_at = time.monotonic() - seconds
            await heart.tick()
            lost_after[seconds] = held.lost
        assert lost_after == {24: False, 26: True}
        await crew.close(0)
        await service.serve()
