"""What a Job and its pod say about a run, case by case."""

from typing import Any

import pytest

from runner.ending import How
from runner.kubernetes.state import State, look

JOB: dict[str, Any] = {"metadata": {"name": "runhook-1-2"}}
LIMITED = [{"name": "etl", "resources": {"limits": {"memory": "512Mi"}}}]


def pod(state: dict[str, Any] | None = None, *, first: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    """A pod whose command is in this state, `first` that of the container that fetches the payload."""
    commands = [] if state is None else [{"name": "etl", "image": "etl:1", "state": state}]
    before = [] if first is None else [{"name": "runhook-fetch", "image": "runhook:1", "state": first}]
    return {
        "metadata": {"name": "p"},
        "spec": {"containers": LIMITED},
        "status": {"phase": "Pending", "containerStatuses": commands, "initContainerStatuses": before, **status},
    }


def ended(code: int, reason: str = "Error", **more: Any) -> dict[str, Any]:
    """A container that has ended."""
    return {"terminated": {"exitCode": code, "reason": reason, **more}}


def waits(reason: str, message: str = "said so") -> dict[str, Any]:
    """A container that waits."""
    return {"waiting": {"reason": reason, "message": message}}


def job(*conditions: tuple[str, str], **metadata: Any) -> dict[str, Any]:
    """A Job with these conditions: type and reason."""
    listed = [{"type": kind, "status": "True", "reason": reason, "message": "said so"} for kind, reason in conditions]
    return {"metadata": {"name": "runhook-1-2", **metadata}, "status": {"conditions": listed}}


@pytest.mark.parametrize(("code", "reason"), [(0, "Completed"), (3, "Error"), (137, "Error"), (143, "Error")])
def test_an_exit_code_is_the_commands_own(code: int, reason: str) -> None:
    ending = look(JOB, pod(ended(code, reason))).ending
    assert ending is not None
    assert (ending.how, ending.exit_code, ending.problem) == (How.EXITED, code, "")


@pytest.mark.parametrize(
    ("seen", "how", "words"),
    [
        (
            pod(ended(137, "OOMKilled")),
            How.EXITED,
            "more memory than its limit of 512Mi: raise resources.limits.memory",
        ),
        (pod(ended(128, "StartError", message="no such file")), How.NOT_STARTED, "cannot be started: no such file"),
        (
            pod(phase="Failed", reason="Evicted", message="low on memory"),
            How.EXITED,
            "took its pod away: Evicted: low on",
        ),
        (
            pod(ended(137), conditions=[{"type": "DisruptionTarget", "status": "True", "message": "drained"}]),
            How.EXITED,
            "took its pod away: drained",
        ),
        (
            pod(first=ended(1, message="trigger_svc answered X")),
            How.NOT_STARTED,
            "not be fetched: trigger_svc answered X",
        ),
    ],
    ids=["memory", "no-program", "evicted", "drained", "no-payload"],
)
def test_an_end_that_is_not_the_commands_own_says_whose_it_is(seen: dict[str, Any], how: How, words: str) -> None:
    ending = look(JOB, seen).ending
    assert ending is not None
    assert (ending.how, ending.exit_code) == (how, None)
    assert words in ending.problem


@pytest.mark.parametrize(
    ("seen", "hopeless", "words"),
    [
        (pod(), False, "being made ready"),
        (pod(waits("ContainerCreating")), False, "being made ready"),
        (
            pod(waits("ImagePullBackOff")),
            False,
            "image etl:1 cannot be pulled (ImagePullBackOff): said so: see its name",
        ),
        (pod(waits("InvalidImageName")), True, "image etl:1 cannot be pulled (InvalidImageName)"),
        (pod(first=waits("ErrImagePull")), False, "image runhook:1 cannot be pulled"),
        (pod(waits("CreateContainerConfigError")), False, "container etl cannot start (CreateContainerConfigError)"),
        (
            pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3"}]),
            False,
            "no node takes its pod: 0/3: free or add nodes",
        ),
        (None, False, "its Job has no pod yet: see kubectl describe job runhook-1-2"),
    ],
)
def test_a_pod_that_waits_says_for_what(seen: dict[str, Any] | None, hopeless: bool, words: str) -> None:
    state = look(JOB, seen)
    assert (state.ending, state.running, state.hopeless) == (None, False, hopeless)
    assert words in state.problem


def test_a_command_that_runs_runs() -> None:
    assert look(JOB, pod({"running": {}})) == State(running=True)


def test_a_job_that_failed_is_not_believed_before_its_pod() -> None:
    assert look(job(("Failed", "BackoffLimitExceeded")), pod({"running": {}})) == State(running=True)
    without = look(job(("Failed", "BackoffLimitExceeded")), None)
    assert without.doubtful
    assert without.ending is not None
    assert "left no pod: said so" in without.ending.problem
    complete = look(job(("Complete", "")), None)
    assert complete.doubtful
    assert complete.ending is not None
    assert complete.ending.exit_code == 0


def test_a_jobs_own_deadline_is_a_timeout() -> None:
    for seen in (None, pod({"running": {}})):
        ending = look(job(("Failed", "DeadlineExceeded")), seen).ending
        assert ending is not None
        assert ending.how is How.TIMED_OUT


def test_a_job_that_somebody_deletes_says_so() -> None:
    deleted = job(deletionTimestamp="2026-11-22T00:00:00Z")
    for of_job, seen in [(None, None), (None, pod({"running": {}})), (deleted, pod(ended(143)))]:
        ending = look(of_job, seen).ending
        assert ending is not None
        assert ending.problem == "its Job was deleted by somebody else"
    finished = look(deleted, pod(ended(0))).ending
    assert finished is not None
    assert finished.exit_code == 0
