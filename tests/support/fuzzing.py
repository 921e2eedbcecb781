"""What made-up requests need in order to get somewhere: ids that are there, rules that no schema says, nobody else's URLs.

Invariant: no request of the fuzz makes the platform send anything to anybody but a closed port of this machine.
"""

import itertools
import random
import re
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import requests
from schemathesis import Case
from schemathesis.core.parameters import ParameterLocation

from gateway.api.events import STATUSES
from gateway.openapi.operations.delivery_settings import LONGEST_PEM
from subscription_svc.custom_headers import CustomHeader, broken_rules
from tests.support.certificates import pair

ACCOUNT = 1
#: Nothing listens there, and no name is looked up: whatever is sent to it is refused at once.
NOWHERE = "http://127.0.0.1:9/hook"
LONG_AGO = "2026-01-31T19:29:35Z"
PAYLOAD = {"name": "resource_webhook_payload"}
EVENT = {
    "eventType": "job.run.started",
    "data": {"jobId": 1, "runId": 2, "environmentId": 3, "projectId": 4, "runStatus": "Running"},
}
#: Where an answer shows an id that the path of another operation takes.
SHOWN = {
    "webhook_id": r"wsu_[0-9A-Za-z]{27}",
    "subscription_id": r"wsu_[0-9A-Za-z]{27}",
    "event_id": r"wev_[0-9A-Za-z]{27}",
    "trigger_id": r"trg_[0-9A-Za-z]{27}",
    "execution_id": r"exe_[0-9A-Za-z]{27}",
    "token": r"/t/([A-Za-z0-9_-]{43})",
    "artifact_name": r'"name":"([a-z_]+\.(?:json|txt))"',
    **{
        name: rf'"{name}":"([0-9]+)"'
        for name in (
            *("token_id", "delivery_id", "task_id", "plan_id", "run_id", "recovery_id", "erasure_id", "window_id"),
        )
    },
}
#: Two names of one kind of thing.
WEBHOOKS = ("webhook_id", "subscription_id")
NEXT_PAGE = re.compile(r'"next_page_token":"([^"]+)"')
MOST_REMEMBERED = 30
_TIME = re.compile(r"2[0-9TZ:.-]+")
_CERTIFICATE = pair().body


class Memory:
    """What answers have shown: without it nearly every made-up request would end at an unknown id.

    `kept` is one of everything that belongs together and is never deleted, the fuzz's own token included.
    """

    def __init__(self) -> None:
        self.kept: dict[str, str] = {"account_id": str(ACCOUNT)}
        #: What some operations need instead, by their ids; nothing else is aimed at it.
        self.apart: dict[str, dict[str, str]] = {}
        self._seen: dict[str, list[str]] = defaultdict(list)
        self._random = random.Random(4711)

    def keep(self, text: str) -> None:
        """The first of each id in an answer is kept."""
        for name, pattern in SHOWN.items():
            for found in re.findall(pattern, text)[:1]:
                self.kept.setdefault(name, found)

    def look(self, path: str, text: str) -> None:
        """Remembers the ids in the answer of a path, and its next page."""
        for name, pattern in SHOWN.items():
            for found in re.findall(pattern, text):
                self._add(name, found)
        for found in NEXT_PAGE.findall(text):
            self._add(path, found)

    def follow(self, path: str, places: Mapping[str, Any], text: str) -> None:
        """A new URL of the trigger that is kept takes the old one's place."""
        if path.endswith("/regenerate") and places.get("trigger_id") == self.kept.get("trigger_id"):
            self.kept["token"] = next(iter(re.findall(SHOWN["token"], text)), self.kept["token"])

    def lately(self, name: str) -> str | None:
        """One that was seen lately."""
        seen = self._seen[name]
        return self._random.choice(seen) if seen else None

    def chance(self, of: float) -> bool:
        """True so often, 1.0 being always."""
        return self._random.random() < of

    def _add(self, name: str, value: str) -> None:
        if value in [one for places in self.apart.values() for one in places.values()]:
            return
        of_its_kind = WEBHOOKS if name in WEBHOOKS else (name,)
        if value not in self._seen[name] and value not in [self.kept.get(one) for one in of_its_kind]:
            self._seen[name] = [*self._seen[name][1 - MOST_REMEMBERED :], value]


class Platform:
    """A running one, furnished with one of everything. `proven` are operations that are known to ask for a token."""

    def __init__(self, url: str, token: str, session: requests.Session) -> None:
        self.url = url
        self.session = session
        self.proven: set[str] = set()
        self.headers = {"Authorization": f"Bearer {token}"}
        self.memory = Memory()
        self._furnish()

    def _furnish(self) -> None:
        mine = f"/v1/accounts/{ACCOUNT}"
        steady = self._made_webhook()
        self.memory.kept["subscription_id"] = steady  # no path changes it: what is put again is put back to it
        self.memory.kept["webhook_id"] = self._made_webhook()
        self._ask("POST", f"{mine}/events", {"events": [EVENT]})
        lost = f"{mine}/deliveries?subscription_id={steady}&state=FAILED"
        self._until(lambda: self._ask("GET", lost)["deliveries"])
        self._ask("GET", f"/v3/accounts/{ACCOUNT}/webhooks/subscription/{steady}/test")
        self._recover(steady)  # to be kept
        self._recover(steady)  # to be cancelled
        self._ask("POST", f"{mine}/erasures", {"published_before": LONG_AGO})
        task = {"name": "t", "command": "echo-payload", "parameters": [PAYLOAD]}
        first = self._ask("POST", f"{mine}/tasks", task)
        steps = [{"task_ids": [first["task_id"]]}]
        self._ask("POST", f"{mine}/plans", {"name": "p", "steps": steps})
        trigger = {"name": "t", "task_id": first["task_id"], "threshold": 1, "duration_seconds": 1}
        url = self._ask("POST", f"{mine}/triggers", trigger)["url"]
        assert self.session.post(url, json={}).status_code == 204
        [execution] = self._ask("GET", f"{mine}/executions")["executions"]
        run = f"{mine}/runs/{execution['runs'][0]['run_id']}"
        self._until(lambda: self._ask("GET", f"{run}/artifacts")["artifacts"])
        self._set_apart(mine, task)
        self._ask("GET", f"{mine}/tokens")
        for _ in range(MOST_REMEMBERED):  # for triggers to come
            self._ask("POST", f"{mine}/tasks", task)

    def _set_apart(self, mine: str, task: dict[str, Any]) -> None:
        """An execution that is cancelled, for an execution is soon over otherwise; a trigger whose windows stay open."""
        paused, gathers = (self._shown("POST", f"{mine}/tasks", task)["task_id"] for _ in range(2))
        self._shown("POST", f"{mine}/tasks/{paused}/pause")
        waits = self._shown("POST", f"{mine}/executions", {"task_id": paused})["execution_id"]
        assert self._shown("POST", f"{mine}/executions/{waits}/cancel")["state"] == "CANCELLED"
        trigger = {"name": "gathers", "task_id": gathers, "threshold": 10_000, "duration_seconds": 86_400}
        made = self._shown("POST", f"{mine}/triggers", trigger)
        self._gathering = made["url"]
        self.memory.apart = {
            "cancelExecution": {"execution_id": waits},
            "flushWindow": {"trigger_id": made["trigger_id"]},
        }

    def gather(self) -> None:
        """Opens a window that stays open until it is flushed."""
        assert self.session.post(self._gathering, json={}).status_code == 204

    def _made_webhook(self) -> str:
        hook = {"name": "n", "event_types": ["job.run.started"], "client_url": NOWHERE, "active": True}
        return str(self._ask("POST", f"/v3/accounts/{ACCOUNT}/webhooks/subscriptions", hook)["data"]["id"])

    def _recover(self, webhook_id: str) -> None:
        mine = f"/v1/accounts/{ACCOUNT}"
        begun = self._ask("POST", f"{mine}/subscriptions/{webhook_id}/recover", {"published_after": LONG_AGO})
        path = f"{mine}/recoveries/{begun['recovery_id']}"
        self._until(lambda: self._ask("GET", path)["state"] != "RUNNING")

    def _until(self, found: Callable[[], Any]) -> None:
        """Returns once another process has done it."""
        ends = time.monotonic() + 20
        while not found():
            assert time.monotonic() < ends, "it takes too long"
            time.sleep(0.05)

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._answer(method, path, body)
        self.memory.keep(answer.text)
        self.memory.look(path, answer.text)
        return answer.json()

    def _shown(self, method: str, path: str, body: Any = None) -> Any:
        return self._answer(method, path, body).json()

    def _answer(self, method: str, path: str, body: Any) -> requests.Response:
        answer = self.session.request(method, f"{self.url}/api{path}", json=body, headers=self.headers)
        assert answer.ok, answer.text
        return answer


def aim(case: Case[Any], platform: Platform) -> None:
    """Turns a made-up case to what is there, and away from anybody else. Containers are replaced, which tells
    schemathesis to judge anew whether the case is sound."""
    memory = platform.memory
    if case.path_parameters and not (case.meta and case.meta.is_negative_at(ParameterLocation.PATH)):
        case.path_parameters = _aimed(case, platform)
        if _operation(case) == "flushWindow":
            platform.gather()
    if case.query.get("page_token"):
        case.query = case.query | {"page_token": memory.lately(case.path) or ""}
    if "task_id" in case.query and case.query.get("plan_id"):  # one of them, which no schema says
        case.query = {name: value for name, value in case.query.items() if name != "plan_id"}
    if "subscription_id" in case.query and memory.chance(0.5):
        case.query = case.query | {"subscription_id": memory.kept["webhook_id"]}
    if case.headers and memory.chance(0.75):
        case.headers.pop("If-Match", None)
    settle = _SETTLERS.get(_operation(case))
    if isinstance(case.body, dict):
        body = _whole(case.body)
        case.body = settle(body, memory) if settle else body


def _aimed(case: Case[Any], platform: Platform) -> dict[str, Any]:
    """Half of the time all of it at what is kept, else mostly at what was seen; what is deleted is always of the latter.
    Nothing is left to chance until there was a good answer."""
    memory, places = platform.memory, case.path_parameters
    deletes, proven = case.method == "DELETE", case.operation.label in platform.proven
    if not deletes and memory.chance(0.5 if proven else 1.0):
        return places | {name: memory.kept[name] for name in places} | memory.apart.get(_operation(case), {})
    mostly = 0.75 if proven else 1.0
    seen = {name: memory.lately(name) or value for name, value in places.items() if memory.chance(mostly)}
    if memory.chance(mostly):
        seen["account_id"] = memory.kept["account_id"]
    aimed = {name: seen.get(name, value) for name, value in places.items()}
    last = list(aimed)[-1]
    return aimed | {last: "0"} if deletes and aimed[last] == memory.kept[last] else aimed


def _operation(case: Case[Any]) -> str:
    return str(case.operation.definition.raw["operationId"])


def _whole(value: Any) -> Any:
    """1.0 is an integer to JSON Schema and none to us."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {name: _whole(one) for name, one in value.items()}
        case list():
            return [_whole(one) for one in value]
    return value


def _settled_webhook(body: dict[str, Any], memory: Memory) -> dict[str, Any]:
    """Its URL has a grammar of its own, and might be anybody's."""
    match body:
        case {"client_url": str(url)} if re.match("https?://", url, re.IGNORECASE) and len(url) <= 2048:
            return body | {"client_url": NOWHERE}
    return body


_WEBHOOK = {"kind": "webhook", "threshold": 1, "duration_seconds": 1}
_SCHEDULES = ("start_at", "cron")


def _settled_trigger(body: dict[str, Any], memory: Memory) -> dict[str, Any]:
    """Each kind has fields of its own, which no schema says: a webhook, with what it may have besides, of a task that mostly
    has none yet."""
    match body:
        case {"name": str(name)} if re.fullmatch(r"[A-Za-z0-9_#-]{1,100}", name):
            task = memory.lately("task_id") or memory.kept["task_id"]
            fields = {key: value for key, value in body.items() if key not in _SCHEDULES}
            return (
                fields | _WEBHOOK | {"name": re.sub("[#-]", "_", name), "task_id": task, "plan_id": None} | _UNVERIFIED
            )
    return body


_UNVERIFIED = {"verification": None, "call_rules": None}


def _settled_update(body: dict[str, Any], memory: Memory) -> dict[str, Any]:
    """The same for the trigger that there is, whatever it starts; it stays enabled, so that it can be called."""
    settled = _settled_trigger(body, memory)
    return (
        settled
        if settled is body
        else {key: value for key, value in settled.items() if key != "task_id"} | {"enabled": True}
    )


def _settled_plan(body: dict[str, Any], memory: Memory) -> dict[str, Any]:
    """A plan names tasks that are there, each once in a step."""
    match body:
        case {"name": str(), "steps": [_, *_] as steps} if all(
            isinstance(one, dict) and one.get("task_ids") for one in steps
        ):
            known = memory.kept["task_id"]
            named = [one | {"task_ids": [known]} for one in steps]
            return body | {"steps": named, "failure_handler_task_id": known}
    return body


def _settled_execution(body: dict[str, Any], memory: Memory) -> dict[str, Any]:
    """Of a task that is there, which declares no parameter to be set."""
    if not _are_numbers(body.get("task_id", 0), body.get("plan_id", 0)):
        return body
    if not isinstance(body.get("parameters", {}), dict) or not all(
        isinstance(value, str) for value in body.get("parameters", {}).values()
    ):
        return body
    return body | {"task_id": memory.kept["task_id"], "plan_id": "0", "parameters": {}}


def _are_numbers(*values: Any) -> bool:
    return all(re.fullmatch(r"[0-9]{1,19}", str(value)) and not isinstance(value, bool) for value in values)


def _settled_task(body: dict[str, Any], memory: Memory) -> dict[str, Any]:
    """A parameter's name stands once."""
    match body:
        case {"parameters": [*parameters]}:
            named = [one.get("name") if isinstance(one, dict) else None for one in parameters]
            first = [name is None or name not in named[:place] for place, name in enumerate(named)]
            return body | {"parameters": list(itertools.compress(parameters, first))}
    return body


def _settled_webhook_task(body: dict[str, Any], memory: Memory) -> dict[str, Any]:
    """A task that a webhook starts, or may, has the parameter that takes its calls."""
    settled = {"parameters": [PAYLOAD]} | _settled_task(body, memory)
    match settled:
        case {"parameters": [*parameters]} if all(isinstance(one, dict) for one in parameters):
            others = [one for one in parameters if one.get("name") != PAYLOAD["name"]]
            return settled | {"parameters": [PAYLOAD, *others[:99]]}
    return settled


def _settled_headers(body: dict[str, Any], memory: Memory) -> dict[str, Any]:
    """A header's name stands once whatever its case, and some names are taken."""
    match body:
        case {"headers": dict(headers)} if all(isinstance(one, str) for one in headers.values()):
            told: list[CustomHeader] = []
            for name, value in headers.items():
                header = CustomHeader(name=name, value=value)
                if broken_rules([header]) or not broken_rules([*told, header]):
                    told.append(header)
            return body | {"headers": {one.name: one.value for one in told}}
    return body


def _settled_certificate(body: dict[str, Any], memory: Memory) -> dict[str, Any]:
    """A certificate and its key are not made up."""
    match body:
        case {"certificate_chain": str(chain), "private_key": str(key)} if all(
            0 < len(text) <= LONGEST_PEM for text in (chain, key)
        ):
            return body | _CERTIFICATE
    return body


def _settled_recovery(body: dict[str, Any], memory: Memory) -> dict[str, Any]:
    """A span ends after it begins, which no schema says; and what there is to deliver again was published by now."""
    match body:
        case {"published_after": str(since)} if _TIME.fullmatch(since):
            body = body | {"published_after": LONG_AGO}
    return {name: value for name, value in body.items() if name != "published_before"}


def _settled_erasure(body: dict[str, Any], memory: Memory) -> dict[str, Any]:
    """An event that is there, and then no span beside it, which no schema says; else of an account what is long gone."""
    match body:
        case {"event_id": str(event)} if re.fullmatch(SHOWN["event_id"], event):
            event = memory.lately("event_id") or event
            return {name: value for name, value in body.items() if name != "published_before"} | {"event_id": event}
        case {"event_id": str()} | {"published_before": int() | float() | list() | dict()}:
            return body
        case {"published_before": str(until)} if not _TIME.fullmatch(until):
            return body
    return body | {"published_before": LONG_AGO}


def _settled_events(body: dict[str, Any], memory: Memory) -> dict[str, Any]:
    match body:
        case {"events": [*events]}:
            return body | {"events": [_settled_event(one) for one in events]}
    return body


def _settled_event(event: Any) -> Any:
    """The state is told once at least, and one way; what ended says when."""
    match event:
        case {"data": dict(data)}:
            if "runStatus" not in data and "runStatusCode" not in data:
                data = data | {"runStatus": "Success"}
            match data:
                case {"runStatus": str(status), "runStatusCode": int()} if status in STATUSES:
                    data = data | {"runStatusCode": int(STATUSES[status])}
            if data.get("runFinishedAt") is None and data.get("runErroredAt") is None:
                data = data | {"runFinishedAt": "2026-01-31T19:29:32Z"}
            return event | {"data": data}
    return event


_SETTLERS: dict[str, Callable[[dict[str, Any], Memory], dict[str, Any]]] = {
    "createWebhook": _settled_webhook,
    "updateWebhook": _settled_webhook,
    "createTrigger": _settled_trigger,
    "updateTrigger": _settled_update,
    "startExecution": _settled_execution,
    "createPlan": _settled_plan,
    "updatePlan": _settled_plan,
    "updateTask": _settled_webhook_task,
    "createTask": _settled_webhook_task,
    "replaceCustomHeaders": _settled_headers,
    "replaceClientCertificate": _settled_certificate,
    "startRecovery": _settled_recovery,
    "startErasure": _settled_erasure,
    "publishEvents": _settled_events,
}
