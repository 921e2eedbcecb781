"""The operator's Job templates: the only pods that a runner ever starts, read from files at start.

Guards that a template is complete before any run asks for it, and that what it leaves open is closed: slots stand in
arguments, values of variables and resources alone, so that a task chooses neither image nor program nor mount, and what
makes a Job a run's (its names, its end, its retries) is the runner's to set. Every bad thing is named at once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from runner.commands import OWN_VARIABLES, check_template

#: Where the run's own directory is in its containers.
RUN_DIRECTORY = "/runhook/run"
PAYLOAD_DIRECTORY = "/runhook/payload"
OWN_NAMES = "runhook-"
SPEC_KEYS = frozenset({"template", "ttlSecondsAfterFinished"})
SPOTS = frozenset({"run_directory"})
Document = dict[str, Any]
#: From a template's root to a string in it.
Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A Job as the operator wrote it, checked."""

    document: Document

    @property
    def variables(self) -> frozenset[str]:
        """Names of the variables that its command gets from the template."""
        return frozenset(one["name"] for one in command_of(self.document).get("env", []))

    def fill(self, values: Mapping[str, str]) -> Document:
        """A copy with its slots filled; "$" of a value is doubled where Kubernetes would read $(NAME) as a variable."""
        escaped = {name: value.replace("$", "$$") for name, value in values.items()}
        filled: Document = _filled(self.document, (), values, escaped)
        return filled


def read_template(path: Path) -> object:
    """What a YAML (or JSON) file holds. ValueError says what is wrong with it."""
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid YAML: {error}") from error


def command_of(document: Document) -> Document:
    """The container that is the command."""
    [container] = document["spec"]["template"]["spec"]["containers"]
    return dict(container)


def check_document(document: object, slots: frozenset[str], *, wrapped: bool) -> list[str]:
    """What is wrong with a template. `wrapped`: its command is started by ours, and so must be named."""
    problems = _shape_problems(document)
    if problems:
        return problems
    assert isinstance(document, dict)
    pod = document["spec"]["template"]["spec"]
    problems += _pod_problems(pod)
    container = command_of(document)
    if wrapped and not container.get("command"):
        problems.append(
            "containers.0.command: is missing: name the program that the image would start, or set "
            "payload_variable = false in the commands file"
        )
    used: set[str] = set()
    for path, text in _strings(document, ()):
        if _is_open(path):
            used |= check_template(".".join(map(str, path)), text, slots | SPOTS, problems)
    problems += [f"slot {slot} is nowhere in the template" for slot in sorted(slots - used)]
    return problems


def _shape_problems(document: object) -> list[str]:
    if not isinstance(document, dict) or (document.get("apiVersion"), document.get("kind")) != ("batch/v1", "Job"):
        return ["must be one document of apiVersion batch/v1, kind Job"]
    spec = document.get("spec")
    pod = spec.get("template", {}).get("spec") if isinstance(spec, dict) else None
    containers = pod.get("containers") if isinstance(pod, dict) else None
    if not isinstance(containers, list) or len(containers) != 1 or not isinstance(containers[0], dict):
        return [
            "spec.template.spec.containers: must hold one container, the command; a sidecar goes in initContainers with "
            "restartPolicy: Always"
        ]
    assert isinstance(spec, dict)
    problems = [f"spec.{key}: is set by the runner: leave it out" for key in sorted(spec.keys() - SPEC_KEYS)]
    metadata = document.get("metadata", {})
    return problems + [
        f"metadata.{key}: is set by the runner: leave it out" for key in ("name", "namespace") if key in metadata
    ]


def _pod_problems(pod: Document) -> list[str]:
    problems = []
    if pod.get("restartPolicy", "Never") != "Never":
        problems.append("spec.template.spec.restartPolicy: must be Never: a run is tried once")
    for kind in ("initContainers", "containers", "volumes"):
        problems += [
            f"{kind}.{one['name']}: names that begin with {OWN_NAMES} are the runner's"
            for one in pod.get(kind, [])
            if str(one.get("name", "")).startswith(OWN_NAMES)
        ]
    for variable in pod["containers"][0].get("env", []):
        if variable["name"] in OWN_VARIABLES or variable["name"].startswith("RUNHOOK_"):
            problems.append(f"containers.0.env.{variable['name']}: is set by the runner")
    return problems


def _strings(value: object, path: Path_) -> Iterator[tuple[Path_, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _strings(one, (*path, key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _strings(one, (*path, number))


def _is_open(path: Path_) -> bool:
    """Whether slots may stand there: the command's (or an init container's) arguments, variables and resources."""
    if path[:3] != ("spec", "template", "spec") or path[3:4] not in (("containers",), ("initContainers",)):
        return False
    match path[5:]:
        case ("command", int(number)):
            return number > 0
        case ("args", _) | ("env", _, "value") | ("resources", "requests" | "limits", _):
            return True
    return False


def _filled(value: Any, path: Path_, values: Mapping[str, str], escaped: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(one, (*path, key), values, escaped) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, (*path, number), values, escaped) for number, one in enumerate(value)]
    if isinstance(value, str) and _is_open(path):
        return value.format_map(values if "resources" in path else escaped)
    return value
