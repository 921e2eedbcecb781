"""Runs: one task run inside an execution, its log and its artifacts."""

from functools import cached_property
from typing import TYPE_CHECKING

from runhook.connection import Connection
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.run_pb2 import Run
from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceStub

if TYPE_CHECKING:
    from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceAsyncStub


class Runs:
    """What the runner did: the run ids are the `runId` of the outbound events."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> "TriggerServiceAsyncStub":
        return TriggerServiceStub(self._connection.channel)

    async def get(self, account_id: int, run_id: int) -> Run:
        """One run; its `artifact_names` say what is kept of it. NotFound."""
        request = pb.GetRunRequest(account_id=account_id, run_id=run_id)
        return (await self._connection.call(self._stub.GetRun, request, repeatable=True)).run

    async def log(self, account_id: int, run_id: int, *, offset: int = 0) -> bytes:
        """Its log from a byte on, as far as it goes now: at most some MiB of UTF-8. NotFound."""
        request = pb.GetRunLogRequest(account_id=account_id, run_id=run_id, offset=offset)
        return await self._connection.download(self._stub.GetRunLog, request)

    async def artifact(self, account_id: int, run_id: int, name: str) -> bytes:
        """One artifact, at most 16 MiB. NotFound."""
        request = pb.GetArtifactRequest(account_id=account_id, run_id=run_id, name=name)
        return await self._connection.download(self._stub.GetArtifact, request)
