"""Reads what a pod's command prints, from its beginning to its end, over as many connections as that takes.

Guards that nothing is told twice: a broken stream is read again from the beginning, and as much as was told is skipped.
(A node that has rotated the log away meanwhile, beyond 10 MiB, has lost that part of it for everybody.)
"""

import asyncio
from collections.abc import Callable

from chassis.logs import get_logger
from runner.executor import Output
from runner.kubernetes.cluster import Cluster, ClusterError

log = get_logger()
PAUSE_SECONDS = 0.5


class LogReader:
    """Of one pod's command, the pod's first container."""

    def __init__(self, cluster: Cluster, pod: str, container: str) -> None:
        self._cluster = cluster
        self._pod = pod
        self._container = container
        self._told = 0

    async def read(self, output: Output, *, over: Callable[[], bool]) -> None:
        """Until the log ends after the command was `over`, or the pod is gone."""
        while True:
            over_before = over()
            try:
                await self._follow(output)
            except ClusterError as error:
                if error.code in (403, 404):
                    log.warning("kubernetes.log_unreadable", pod=self._pod, code=error.code, problem=str(error))
                    return
            else:
                if over_before or over():
                    return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _follow(self, output: Output) -> None:
        skip = self._told
        async for data in self._cluster.log(self._pod, self._container, follow=True):
            new = data[skip:]
            skip = max(0, skip - len(data))
            if new:
                self._told += len(new)
                await output.write(new)
