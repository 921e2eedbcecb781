"""What a Job and its pod say about a run: it waits for something, it goes on, or it has ended, and how.

Pure: objects as the cluster has them in, a State out. Guards that every way in which a pod can fail to run ends as a
sentence that says what to do, and that an exit code is the command's own and nobody else's.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from runner.ending import Ending, How
from runner.kubernetes.job_object import FETCH
from runner.kubernetes.template import Document

#: Reasons of a waiting container that no time mends.
HOPELESS = frozenset({"InvalidImageName", "ErrImageNeverPull"})
#: Reasons of an ended container that never ran.
NEVER_RAN = frozenset({"StartError", "ContainerCannotRun", "ContainerCreateError"})
IMAGE_REASONS = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`ending` once it has ended; `doubtful` while the pod, whose word counts more, may yet be seen.

    Until the command runs, `problem` says what it waits for; `hopeless`: for ever.
    """

    ending: Ending | None = None
    doubtful: bool = False
    running: bool = False
    problem: str = ""
    hopeless: bool = False


def look(job: Document | None, pod: Document | None) -> State:
    """The state of a run whose Job was made. `job` is None once it is gone, `pod` before it came or once it is gone."""
    state = _state_of_pod(pod) if pod is not None else None
    deleted = job is None or "deletionTimestamp" in job["metadata"]
    if state is not None and state.ending is not None and not (deleted and state.ending.exit_code):
        return state
    if job is None or deleted:
        return State(ending=_failed("its Job was deleted by somebody else"))
    of_job = _state_of_job(job)
    if state is None:
        return of_job or State(problem=f"its Job has no pod yet: see kubectl describe job {job['metadata']['name']}")
    timed_out = of_job is not None and of_job.ending is not None and of_job.ending.how is How.TIMED_OUT
    return of_job if of_job is not None and timed_out else state


def _state_of_job(job: Document) -> State | None:
    for condition in (job.get("status") or {}).get("conditions") or []:
        if condition.get("status") != "True":
            continue
        if condition.get("type") == "Complete":
            return State(ending=Ending(how=How.EXITED, exit_code=0), doubtful=True)
        if condition.get("type") == "Failed":
            if condition.get("reason") == "DeadlineExceeded":
                return State(ending=Ending(how=How.TIMED_OUT))
            said = condition.get("message") or condition.get("reason", "")
            return State(ending=_failed(f"its Job failed and left no pod: {said}"), doubtful=True)
    return None


def _state_of_pod(pod: Document) -> State:
    status = pod.get("status") or {}
    ended = _ended_by_cluster(status)
    command = next(_containers(status, "containerStatuses"), {})
    terminated = (command.get("state") or {}).get("terminated")
    if terminated is not None:
        return State(ending=_ending(terminated, pod, ended))
    if ended:
        return State(ending=_failed(ended))
    failed = _failed_before(status)
    if failed is not None:
        return State(ending=failed)
    if "running" in (command.get("state") or {}):
        return State(running=True)
    return _waiting(status)


def _ended_by_cluster(status: Document) -> str:
    """Why the cluster took the pod away; empty where it did not."""
    for condition in status.get("conditions") or []:
        if condition.get("type") == "DisruptionTarget" and condition.get("status") == "True":
            return f"the cluster took its pod away: {condition.get('message') or condition.get('reason')}"
    if status.get("phase") == "Failed" and status.get("reason"):
        return f"the cluster took its pod away: {status['reason']}: {status.get('message', '')}"
    return ""


def _ending(terminated: Document, pod: Document, ended: str) -> Ending:
    reason, said = terminated.get("reason", ""), (terminated.get("message") or "").strip()
    code = int(terminated.get("exitCode", -1))
    if reason in NEVER_RAN:
        return _not_started(f"the command cannot be started: {said or reason}: see command and image of the template")
    if reason == "OOMKilled":
        limit = _memory_limit(pod)
        return _failed(f"it used more memory than its limit{limit}: raise resources.limits.memory of the template")
    if ended and code != 0:
        return _failed(ended)
    return Ending(how=How.EXITED, exit_code=code)


def _failed_before(status: Document) -> Ending | None:
    """The end of a pod whose init container failed."""
    for container in _containers(status, "initContainerStatuses"):
        terminated = (container.get("state") or {}).get("terminated")
        if not terminated or not terminated.get("exitCode"):
            continue
        said = (terminated.get("message") or terminated.get("reason") or "").strip()
        if container["name"] == FETCH:
            return _not_started(f"the payload could not be fetched: {said}")
        return _not_started(f"init container {container['name']} ended with code {terminated['exitCode']}: {said}")
    return None


def _waiting(status: Document) -> State:
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            said = condition.get("message") or condition.get("reason", "")
            return State(problem=f"no node takes its pod: {said}: free or add nodes, or ask for less in the template")
    for kind in ("initContainerStatuses", "containerStatuses"):
        for container in _containers(status, kind):
            waiting = (container.get("state") or {}).get("waiting") or {}
            reason = waiting.get("reason", "")
            if reason in ("", "PodInitializing", "ContainerCreating"):
                continue
            said = waiting.get("message") or ""
            if reason in IMAGE_REASONS:
                problem = f"image {container.get('image')} cannot be pulled ({reason}): {said}: see its name, imagePullSecrets"
            else:
                problem = f"container {container['name']} cannot start ({reason}): {said}"
            return State(problem=problem, hopeless=reason in HOPELESS)
    return State(problem="its pod is being made ready")


def _containers(status: Document, kind: str) -> Iterator[Document]:
    yield from status.get(kind) or []


def _memory_limit(pod: Document) -> str:
    limits = (pod["spec"]["containers"][0].get("resources") or {}).get("limits") or {}
    return f" of {limits['memory']}" if "memory" in limits else ""


def _failed(problem: str) -> Ending:
    return Ending(how=How.EXITED, problem=problem)


def _not_started(problem: str) -> Ending:
    return Ending(how=How.NOT_STARTED, problem=problem)
