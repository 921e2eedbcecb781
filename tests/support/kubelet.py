"""A node's kubelet and the Job controller, for tests/support/kube_api.py: pods whose containers really run, as processes here.

What a process cannot have, a root of its own, is made up for: a mount's path in arguments and variables is replaced by the
directory that plays the volume. Everything else is a pod's: init containers in their order, sidecars, SIGTERM and SIGKILL
after the grace, exit codes, logs, the conditions of pod and Job.
"""

import asyncio
import contextlib
import copy
import os
import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.kube_api import Document, KubeApi

ROOT = Path(__file__).parents[2]
#: Containers of this image run our own code.
OUR_IMAGE = "registry.example.com/runhook:test"
MISSING_IMAGE = "registry.example.com/missing:1"


class Kubelet:
    """Runs what appears in `api`. `running` are the pods under way by their Jobs' names."""

    def __init__(self, api: KubeApi, directory: Path) -> None:
        self._api = api
        self._directory = directory
        self._tasks: set[asyncio.Task[None]] = set()
        self.pods: dict[str, Pod] = {}

    async def work(self) -> None:
        """Takes Jobs until cancelled; then kills all."""
        try:
            while True:
                job = await self._api.jobs_made.get()
                pod = Pod(self._api, job, self._directory / job["metadata"]["name"])
                self.pods[job["metadata"]["name"]] = pod
                for work in (pod.live(), pod.obey()):
                    task = asyncio.create_task(work)
                    self._tasks.add(task)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for pod in self.pods.values():
                await pod.end()


class Pod:
    """One Job's one pod."""

    def __init__(self, api: KubeApi, job: Document, directory: Path) -> None:
        self._api = api
        self._job = job
        self._name = f"{job['metadata']['name']}-abcde"
        self._spec: Document = copy.deepcopy(job["spec"]["template"]["spec"])
        self._directory = directory
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._reading: set[asyncio.Task[None]] = set()
        self._gone = False
        self.document: Document = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": self._name,
                "uid": f"pod-of-{job['metadata']['uid']}",
                "labels": {
                    **job["spec"]["template"]["metadata"]["labels"],
                    "batch.kubernetes.io/job-name": job["metadata"]["name"],
                },
            },
            "spec": self._spec,
            "status": {"phase": "Pending", "conditions": [], "initContainerStatuses": [], "containerStatuses": []},
        }

    async def live(self) -> None:
        """From its making to its end."""
        await self._show()
        if "nodeSelector" in self._spec:
            message = "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."
            await self._condition("PodScheduled", "False", "Unschedulable", message)
            return
        await self._make_volumes()
        for container in self._spec.get("initContainers", []):
            process = await self._start("initContainerStatuses", container)
            if container.get("restartPolicy") == "Always":
                continue
            if process is None or await self._end("initContainerStatuses", container, process):
                await self._finish("Failed")
                return
        [command] = self._spec["containers"]
        process = await self._start("containerStatuses", command)
        if process is None:
            await self._finish("Failed")
            return
        code = await self._end("containerStatuses", command, process)
        await self._end_sidecars()
        await self._finish("Failed" if code else "Succeeded")

    async def obey(self) -> None:
        """The garbage collector: once the Job is to be deleted, the pod is stopped, then pod and Job are gone."""
        name = self._job["metadata"]["name"]
        await self._api.until(lambda: self._is_to_go(name), 600)
        self._signal(signal.SIGTERM)
        waiting = [asyncio.create_task(process.wait()) for process in self._processes.values()]
        if waiting:
            await asyncio.wait(waiting, timeout=self._spec["terminationGracePeriodSeconds"])
        self.kill()
        for key in [key for key in self._api.logs if key[0] == self._name]:
            self._api.ended_logs.add(key)
        await asyncio.sleep(0.05)
        self._gone = True
        await self._api.remove("pods", self._name)
        await self._api.remove("jobs", name)

    async def _show(self) -> None:
        """Tells what it looks like now; what is gone stays gone, however late its processes are seen to end."""
        if not self._gone:
            await self._api.put("pods", self.document)

    def _is_to_go(self, job: str) -> bool:
        known = self._api.objects["jobs"].get(job)
        return known is None or "deletionTimestamp" in known["metadata"]

    def volume(self, name: str) -> Path:
        """The directory that plays a volume."""
        return self._directory / name

    async def until_running(self, container: str) -> None:
        """Waits until a container has started."""
        await self._api.until(lambda: container in self._processes)

    async def evict(self) -> None:
        """The node needs its memory back."""
        self.document["status"] |= {
            "phase": "Failed",
            "reason": "Evicted",
            "message": "The node was low on resource: memory.",
        }
        await self._show()
        self.kill()

    def kill(self) -> None:
        """Ends every process."""
        self._signal(signal.SIGKILL)

    async def end(self) -> None:
        """Ends every process and waits for it."""
        self.kill()
        await asyncio.gather(*(process.wait() for process in self._processes.values()), *self._reading)

    def _signal(self, number: int) -> None:
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):  # whoever is left of its group dies with its container
                os.killpg(process.pid, number)

    async def _make_volumes(self) -> None:
        for volume in self._spec.get("volumes", []):
            place = self._directory / volume["name"]
            place.mkdir(parents=True)
            if "secret" in volume:
                name = volume["secret"]["secretName"]
                await self._api.until(lambda name=name: name in self._api.objects["secrets"])
                for key, text in self._api.objects["secrets"][name]["stringData"].items():
                    (place / key).write_text(text)

    async def _start(self, kind: str, container: Document) -> asyncio.subprocess.Process | None:
        status = {
            "name": container["name"],
            "image": container["image"],
            "state": {},
            "ready": False,
            "restartCount": 0,
            "imageID": "",
        }
        self.document["status"][kind].append(status)
        if container["image"] == MISSING_IMAGE:
            waiting = {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{MISSING_IMAGE}"'}
            status["state"] = {"waiting": waiting}
            await self._show()
            await asyncio.Event().wait()
        key = (self._name, container["name"])
        self._api.logs[key] = bytearray()
        try:
            process = await self._launch(container)
        except OSError as error:
            terminated = {"exitCode": 128, "reason": "StartError", "message": f"exec failed: {error.strerror}"}
            status["state"] = {"terminated": terminated}
            await self._show()
            return None
        self._processes[container["name"]] = process
        self._reading.add(asyncio.create_task(self._read(container["name"], process)))
        status["state"] = {"running": {"startedAt": "2026-11-22T00:00:00Z"}}
        self.document["status"]["phase"] = "Running" if kind == "containerStatuses" else "Pending"
        await self._show()
        return process

    async def _launch(self, container: Document) -> asyncio.subprocess.Process:
        places = {
            mount["mountPath"]: str(self._directory / mount["name"]) for mount in container.get("volumeMounts", [])
        }
        variables: dict[str, str] = {}
        for one in container.get("env", []):
            variables[one["name"]] = _expanded(_placed(one["value"], places), variables)
        argv = [
            _expanded(_placed(one, places), variables) for one in [*container["command"], *container.get("args", [])]
        ]
        search = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        ours = container["image"] == OUR_IMAGE
        return await asyncio.create_subprocess_exec(
            *argv,
            env={"PATH": search, **variables},
            cwd=ROOT if ours else self._directory,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )

    async def _read(self, container: str, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while data := await process.stdout.read(1 << 16):
            await self._api.print(self._name, container, data)
        await self._api.print(self._name, container, b"", end=True)

    async def _end(self, kind: str, container: Document, process: asyncio.subprocess.Process) -> int:
        code = await process.wait()
        [status] = [one for one in self.document["status"][kind] if one["name"] == container["name"]]
        limited = "memory" in container.get("resources", {}).get("limits", {})
        reason = "Completed" if code == 0 else "OOMKilled" if code == -signal.SIGKILL and limited else "Error"
        code = code if code >= 0 else 128 - code
        terminated: Document = {"exitCode": code, "reason": reason}
        if code and container.get("terminationMessagePolicy") == "FallbackToLogsOnError":
            await self._api.until(lambda: (self._name, container["name"]) in self._api.ended_logs)
            terminated["message"] = bytes(self._api.logs[self._name, container["name"]][-2048:]).decode(
                errors="replace"
            )
        status["state"] = {"terminated": terminated}
        await self._show()
        return code

    async def _end_sidecars(self) -> None:
        sidecars = [process for process in self._processes.values() if process.returncode is None]
        for process in sidecars:
            os.kill(process.pid, signal.SIGTERM)
        if sidecars:
            waiting = [asyncio.create_task(process.wait()) for process in sidecars]
            await asyncio.wait(waiting, timeout=self._spec["terminationGracePeriodSeconds"])
        self.kill()

    async def _finish(self, phase: str) -> None:
        if self.document["status"]["phase"] != "Failed":
            self.document["status"]["phase"] = phase
        await self._show()
        job = self._api.objects["jobs"].get(self._job["metadata"]["name"])
        if job is not None:
            failed = {
                "type": "Failed",
                "status": "True",
                "reason": "BackoffLimitExceeded",
                "message": "Job has reached the specified backoff limit",
            }
            job["status"] = {"conditions": [failed if phase == "Failed" else {"type": "Complete", "status": "True"}]}
            await self._api.put("jobs", job)

    async def _condition(self, kind: str, status: str, reason: str, message: str) -> None:
        condition = {"type": kind, "status": status, "reason": reason, "message": message}
        self.document["status"]["conditions"].append(condition)
        await self._show()


def _placed(text: str, places: Mapping[str, str]) -> str:
    for path, place in places.items():
        text = text.replace(path, place)
    return text


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    """As Kubernetes does: $(NAME) of a variable that was named before, $$ for a dollar."""

    def one(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return variables.get(found[1], found[0])

    return re.sub(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_]*)\)", one, text)
