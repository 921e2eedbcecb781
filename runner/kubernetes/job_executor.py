"""Carries out runs as Jobs: the second executor.Executor.

Guards that a run is one pod at a time and that nothing of it stays: before a Job is made, those of other leases of the
same run are gone (whoever held them has lost the run); when it is left, its own is deleted, pods first. What this
process cannot delete any more falls with its pod (owner reference), with its successor of the same name, or at the
Job's own deadline.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

from chassis.logs import get_logger
from runner.executor import Admitted, Output
from runner.held import HeldRun
from runner.invocation import NotRunnable, Order, check
from runner.kubernetes.cluster import Cluster, ClusterError, Jobs
from runner.kubernetes.job_object import (
    LEASE_LABEL,
    LIFE_LABEL,
    MANAGED,
    RUN_LABEL,
    RUNNER_LABEL,
    Surroundings,
    job_name,
    job_object,
    secret_object,
)
from runner.kubernetes.jobs import Job
from runner.kubernetes.running_job import RunningJob
from runner.kubernetes.template import Document
from runner.kubernetes.watcher import Watcher

T = TypeVar("T")
log = get_logger()
#: How long the API server may be away before a run is given up.
PATIENCE_SECONDS = 60.0
GOING_SECONDS = 90.0
LEAVING_SECONDS = 15.0
REFUSALS = {
    401: "the cluster does not know the runner: see its ServiceAccount",
    403: "the runner lacks a right: see the Role in deploy/components/kubernetes-jobs",
}


class JobExecutor:
    """`start_seconds` is how long a pod may wait before its command runs."""

    def __init__(
        self,
        cluster: Cluster,
        jobs: Mapping[str, Job],
        around: Surroundings,
        *,
        watching: tuple[Watcher, Watcher],
        start_seconds: float,
    ) -> None:
        self._cluster = cluster
        self.jobs = jobs
        self._around = around
        self._watching = watching
        self._start_seconds = start_seconds

    def admit(self, order: Order) -> Admitted:
        """Checks an order against its job. NotRunnable."""
        job = self.jobs[order.command]
        check(order, job)
        return Admitted(preset=job.preset, most_output_bytes=job.max_output_bytes)

    @asynccontextmanager
    async def start(self, held: HeldRun, order: Order, output: Output) -> AsyncIterator[RunningJob]:
        """Makes the run's Job and its Secret. NotRunnable."""
        job = self.jobs[order.command]
        await self._fence(order.run_id, held.lease_id)
        name = job_name(order.run_id, held.lease_id)
        try:
            made = await self._make(job, order, held.lease_id)
            yield RunningJob(
                self._cluster,
                made,
                held,
                output,
                watching=self._watching,
                start_seconds=self._start_seconds,
                has_artifacts=bool(job.artifacts),
            )
        finally:
            await asyncio.shield(self._leave(name))

    async def clear_leftovers(self) -> None:
        """Deletes what a runner of this name left behind when it died. ClusterError."""
        mine = f"{RUNNER_LABEL}={self._around.runner},{LIFE_LABEL}!={self._around.life}"
        found, _ = await self._cluster.list(Jobs, f"{labels_of(MANAGED)},{mine}")
        for one in found:
            log.warning("kubernetes.leftover_deleted", job=one["metadata"]["name"])
            await self._cluster.delete_job(one["metadata"]["name"])

    async def _make(self, job: Job, order: Order, lease_id: int) -> Document:
        document = job_object(job, order, lease_id, self._around)
        made = await self._insistently(lambda: self._cluster.create_job(document))
        if made["metadata"]["labels"].get(LIFE_LABEL) != self._around.life:
            raise NotRunnable([f"Job {made['metadata']['name']} is there already, and not this runner's: delete it"])
        if order.has_payload:
            secret = secret_object(order, lease_id, made["metadata"]["uid"], self._around)
            await self._insistently(lambda: self._cluster.create_secret(secret))
        return made

    async def _fence(self, run_id: int, lease_id: int) -> None:
        """Sees to it that no pod of an earlier lease of the run lives. NotRunnable where one will not go."""
        labels = f"{labels_of(MANAGED)},{RUN_LABEL}={run_id},{LEASE_LABEL}!={lease_id}"
        give_up_at = time.monotonic() + GOING_SECONDS
        while True:
            older, _ = await self._insistently(lambda: self._cluster.list(Jobs, labels))
            if not older:
                return
            for one in older:
                if "deletionTimestamp" not in one["metadata"]:
                    log.warning("kubernetes.lost_lease_deleted", job=one["metadata"]["name"])
                    await self._insistently(lambda name=one["metadata"]["name"]: self._cluster.delete_job(name))  # type: ignore[misc]
            if time.monotonic() > give_up_at:
                name = older[0]["metadata"]["name"]
                raise NotRunnable([f"Job {name} of an earlier attempt does not go: see kubectl describe job {name}"])
            await asyncio.sleep(0.5)

    async def _leave(self, name: str) -> None:
        try:
            await self._insistently(lambda: self._cluster.delete_job(name), LEAVING_SECONDS)
        except NotRunnable as problem:
            log.warning("kubernetes.job_left", job=name, problem=str(problem))

    async def _insistently(self, once: Callable[[], Awaitable[T]], seconds: float = PATIENCE_SECONDS) -> T:
        """Asks until there is an answer. NotRunnable where it is a refusal, or none came in time."""
        give_up_at = time.monotonic() + seconds
        pause = 0.1
        while True:
            try:
                return await once()
            except ClusterError as error:
                if not error.away or time.monotonic() + pause > give_up_at:
                    said = REFUSALS.get(error.code or 0, "see the template" if error.code else "see its health")
                    raise NotRunnable([f"the cluster does not make the Job: {error}: {said}"]) from error
            await asyncio.sleep(pause * random.uniform(0.7, 1.3))
            pause = min(3.0, pause * 2)


def labels_of(labels: Mapping[str, str]) -> str:
    """A selector of all of these."""
    return ",".join(f"{name}={value}" for name, value in labels.items())
