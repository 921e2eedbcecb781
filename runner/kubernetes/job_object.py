"""What is sent to the cluster for a run: a Job made from the operator's template, and a Secret with the run's token.

Pure. Guards that no byte of a payload is in either: the Job names a run and a lease, and an init container of ours
fetches the payload with the token. The Job's name is made of run and lease alone, so a create that is sent twice makes
one Job; its labels say whose it is, so that whoever finds it knows whether it may live.
"""

import hashlib
import json
import math
import re
from dataclasses import dataclass

from chassis import identity
from runner.invocation import PAYLOAD_FILE_VARIABLES, TRACE_VARIABLE, Order
from runner.kubernetes.jobs import Job
from runner.kubernetes.template import PAYLOAD_DIRECTORY, RUN_DIRECTORY, Document

TOKEN_DIRECTORY = "/runhook/token"
IDENTITY_DIRECTORY = "/runhook/identity"
IDENTITY_FILES = {identity.CERT: "tls.crt", identity.KEY: "tls.key", identity.CA: "ca.crt"}
FETCH = "runhook-fetch"
HAND_OVER = "runhook-artifacts"
MANAGED = {"app.kubernetes.io/name": "runhook-job", "app.kubernetes.io/managed-by": "runhook"}
RUN_LABEL, LEASE_LABEL = "runhook/run-id", "runhook/lease-id"
RUNNER_LABEL, LIFE_LABEL = "runhook/runner", "runhook/runner-life"
#: How long a Job lives on where its runner cannot end it.
BACKSTOP_SECONDS = 60
TTL_SECONDS = 300
#: What is left to the container that hands over the artifacts, once the command has ended.
HAND_OVER_SECONDS = 30
OUR_USER = 65532
AFTERWARDS = """\
trap ended=1 TERM
while [ -z "$ended" ]; do sleep 3600 & wait $!; done
kill $!
exec python -m runner.kubernetes.hand_over
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all Jobs of a runner share. `image` is ours, `runner` a label's value, `life` this process's own one,
    `owner` name and uid of the runner's pod, `trigger_svc` what pods call it, `tls_secret` the Secret with which, if any."""

    image: str
    trigger_svc: str
    runner: str
    life: str
    owner: tuple[str, str] | None
    passthrough: bool | None
    kill_seconds: float
    tls_secret: str = ""


def job_name(run_id: int, lease_id: int) -> str:
    """The name of a run's Job under a lease, and of its Secret."""
    return f"runhook-{run_id}-{lease_id}"


def label_of(name: str) -> str:
    """A name as the value of a label: itself, or what of it may stand there with a hash of the whole.

    >>> label_of("runner-7d4b9c-x2x")
    'runner-7d4b9c-x2x'
    """
    if re.fullmatch(r"[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?", name):
        return name
    allowed = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40]
    return f"{allowed}-{hashlib.sha256(name.encode()).hexdigest()[:16]}".lstrip("-")


def job_object(job: Job, order: Order, lease_id: int, around: Surroundings) -> Document:
    """The Job of a run."""
    document = job.template.fill({**order.slots, "run_directory": RUN_DIRECTORY})
    labels = _labels(order.run_id, lease_id, around)
    _label(document, labels)
    document["metadata"]["name"] = job_name(order.run_id, lease_id)
    if around.owner is not None:
        name, uid = around.owner
        document["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}]
    spec = document["spec"]
    spec |= {
        "backoffLimit": 0,
        "completions": 1,
        "parallelism": 1,
        "activeDeadlineSeconds": math.ceil(order.timeout_seconds) + BACKSTOP_SECONDS,
    }
    spec.setdefault("ttlSecondsAfterFinished", TTL_SECONDS)
    _label(spec["template"], labels)
    _complete_pod(spec["template"]["spec"], job, order, lease_id, around)
    return document


def secret_object(order: Order, lease_id: int, job_uid: str, around: Surroundings) -> Document:
    """The Secret with the run's token. The cluster removes it with its Job."""
    name = job_name(order.run_id, lease_id)
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job_uid}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": _labels(order.run_id, lease_id, around), "ownerReferences": [owner]},
        "immutable": True,
        "stringData": {"token": order.run_token},
    }


def _labels(run_id: int, lease_id: int, around: Surroundings) -> dict[str, str]:
    return {
        **MANAGED,
        RUN_LABEL: str(run_id),
        LEASE_LABEL: str(lease_id),
        RUNNER_LABEL: around.runner,
        LIFE_LABEL: around.life,
    }


def _label(document: Document, labels: dict[str, str]) -> None:
    metadata = document["metadata"] = dict(document.get("metadata") or {})
    metadata["labels"] = {**(metadata.get("labels") or {}), **labels}


def _complete_pod(pod: Document, job: Job, order: Order, lease_id: int, around: Surroundings) -> None:
    pod["restartPolicy"] = "Never"
    pod.setdefault("automountServiceAccountToken", False)
    pod.setdefault("enableServiceLinks", False)
    grace = max(math.ceil(around.kill_seconds), HAND_OVER_SECONDS if job.artifacts else 1)
    pod.setdefault("terminationGracePeriodSeconds", grace)
    [command] = pod["containers"]
    volumes: list[Document] = [{"name": "runhook-run", "emptyDir": {}}]
    mounts: list[Document] = [{"name": "runhook-run", "mountPath": RUN_DIRECTORY}]
    ours: list[Document] = []
    if order.has_payload:
        volumes += [
            {"name": "runhook-payload", "emptyDir": {}},
            {"name": "runhook-token", "secret": {"secretName": job_name(order.run_id, lease_id)}},
        ]
        if around.tls_secret:
            volumes.append({"name": "runhook-identity", "secret": {"secretName": around.tls_secret}})
        mounts += [{"name": "runhook-payload", "mountPath": PAYLOAD_DIRECTORY, "readOnly": True}]
        ours.append(_fetch(order, lease_id, around))
        if job.payload_variable:
            command["command"] = ["/bin/sh", f"{PAYLOAD_DIRECTORY}/enter", *command["command"]]
    if job.artifacts:
        ours.append(_hand_over(job, around))
    for container in ours:
        container["securityContext"] = _security(pod, command)
    pod["initContainers"] = [*ours, *pod.get("initContainers", [])]
    pod["volumes"] = [*pod.get("volumes", []), *volumes]
    command["volumeMounts"] = [*command.get("volumeMounts", []), *mounts]
    command["env"] = [*command.get("env", []), *_variables(job, order)]


def _variables(job: Job, order: Order) -> list[Document]:
    own = {name: value.format(run_directory=RUN_DIRECTORY) for name, value in job.environment.items()}
    own |= {name: value.replace("$", "$$") for name, value in order.parameters.items()}
    own |= {"RUNHOOK_RUN_ID": str(order.run_id), "RUNHOOK_EXECUTION_ID": order.execution_id}
    if order.traceparent:
        own[TRACE_VARIABLE] = order.traceparent
    if order.has_payload:
        own |= dict.fromkeys(PAYLOAD_FILE_VARIABLES, f"{PAYLOAD_DIRECTORY}/payload")
    return [{"name": name, "value": value} for name, value in own.items()]


def _fetch(order: Order, lease_id: int, around: Surroundings) -> Document:
    variables = {
        "RUNHOOK_TRIGGER_SVC": around.trigger_svc,
        "RUNHOOK_RUN_ID": str(order.run_id),
        "RUNHOOK_LEASE_ID": str(lease_id),
        "RUNHOOK_RUN_TOKEN_FILE": f"{TOKEN_DIRECTORY}/token",
        "RUNHOOK_PAYLOAD_DIRECTORY": PAYLOAD_DIRECTORY,
        "RUNHOOK_PASSTHROUGH": json.dumps(around.passthrough),
    }
    mounts: list[Document] = [
        {"name": "runhook-payload", "mountPath": PAYLOAD_DIRECTORY},
        {"name": "runhook-token", "mountPath": TOKEN_DIRECTORY, "readOnly": True},
    ]
    if around.tls_secret:
        variables |= {variable: f"{IDENTITY_DIRECTORY}/{file}" for variable, file in IDENTITY_FILES.items()}
        mounts.append({"name": "runhook-identity", "mountPath": IDENTITY_DIRECTORY, "readOnly": True})
    return _ours(FETCH, ["python", "-m", "runner.kubernetes.fetch_payload"], around, variables, mounts)


def _hand_over(job: Job, around: Surroundings) -> Document:
    """A sidecar: started before the command, told by SIGTERM to end after it. A shell waits: it is there at once."""
    variables = {"RUNHOOK_RUN_DIRECTORY": RUN_DIRECTORY, "RUNHOOK_ARTIFACTS": json.dumps(job.artifacts)}
    mounts: list[Document] = [{"name": "runhook-run", "mountPath": RUN_DIRECTORY, "readOnly": True}]
    container = _ours(HAND_OVER, ["/bin/sh", "-c", AFTERWARDS], around, variables, mounts)
    return {**container, "restartPolicy": "Always"}


def _ours(
    name: str, command: list[str], around: Surroundings, variables: dict[str, str], mounts: list[Document]
) -> Document:
    return {
        "name": name,
        "image": around.image,
        "command": command,
        "env": [{"name": variable, "value": value} for variable, value in variables.items()],
        "volumeMounts": mounts,
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _security(pod: Document, command: Document) -> Document:
    """The restricted profile, as the command's own user, so that each reads what the other writes."""
    user = OUR_USER
    for where in (pod, command):
        user = (where.get("securityContext") or {}).get("runAsUser", user)
    return {
        "runAsUser": user,
        "runAsNonRoot": user != 0,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
