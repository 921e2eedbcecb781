"""delivery_svc as a process under load: its settings, and a publisher that insists until it is answered."""

import asyncio
import base64
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from chassis.caller import CREDENTIAL_KEY
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1 import event_pb2
from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from tests.support.delivery import CREDENTIAL, an_event
from tests.support.postgres import Database

if TYPE_CHECKING:
    from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceAsyncStub

BATCH = 20
CALLER = ((CREDENTIAL_KEY, CREDENTIAL),)


def settings(database: Database, directory: Path, port: int, pod: str, **more: object) -> dict[str, object]:
    """For a ServiceProcess; `directory` gets the files it reads."""
    (directory / "ring").write_text("k1:" + base64.b64encode(bytes(range(32))).decode())
    (directory / "credential").write_text(CREDENTIAL)
    return {
        "DATABASE_URL": database.delivery_url,
        "GRPC_ADDRESS": f"127.0.0.1:{port}",
        "KEY_RING_FILE": directory / "ring",
        "SERVICE_CREDENTIAL_FILE": directory / "credential",
        "POD_NAME": pod,
        "DELIVERY_ALLOWED_NETWORKS": "127.0.0.0/8",
        "DELIVERY_HEARTBEAT_SECONDS": 0.3,
        "DELIVERY_DEAD_AFTER_SECONDS": 4,
        **more,
    }


class Publisher:
    """Publishes batches until told to stop, each for one of the jobs in turn; a call that fails is repeated with the same
    request ids until it is answered, and counted in `refused`. `pause` is the seconds between two batches."""

    def __init__(
        self,
        target: str,
        jobs: tuple[int, ...] = (123,),
        pause: float = 0.0,
        dial: Callable[[str], grpc.aio.Channel] = grpc.aio.insecure_channel,
    ) -> None:
        self.acknowledged: list[str] = []
        self.refused: Counter[str] = Counter()
        self.stopped = False
        self._dial = dial
        self._target = target
        self._jobs = jobs
        self._pause = pause

    async def run(self, number: int) -> None:
        """One of several that publish at once."""
        async with self._dial(self._target) as channel:
            stub = DeliveryServiceStub(channel)
            batch = 0
            while not self.stopped:
                batch += 1
                job = self._jobs[(number + batch) % len(self._jobs)]
                ids = [f"{number}-{batch}-{index}" for index in range(BATCH)]
                await self._publish(
                    stub, [an_event(job_id=job, run_id=index + 1, request_id=one) for index, one in enumerate(ids)]
                )
                await asyncio.sleep(self._pause)

    async def _publish(self, stub: "DeliveryServiceAsyncStub", events: list[event_pb2.Event]) -> None:
        while True:
            try:
                answer = await stub.PublishEvents(pb.PublishEventsRequest(events=events), timeout=5, metadata=CALLER)
                self.acknowledged += answer.event_ids
                return
            except grpc.aio.AioRpcError as error:
                self.refused[error.code().name] += 1
            await asyncio.sleep(0.05)
