"""An API server of Kubernetes, small but real to its clients: HTTPS, a bearer token, the rights of a Role, objects checked
against Kubernetes' own schemas, lists in pages, watches that resume, bookmarks, 410, logs that are followed.

A test breaks it as clusters break: watches end, versions grow old, answers get lost, the server is away.
"""

import asyncio
import copy
import itertools
import json
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from importlib import resources
from typing import Any

import jsonschema
from referencing import Registry, Resource
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

Document = dict[str, Any]
NAMESPACE = "jobs"
TOKEN = "a-token-of-the-runners-service-account"
KINDS = {"jobs": ("batch/v1", "Job"), "pods": ("v1", "Pod"), "secrets": ("v1", "Secret")}
NEWEST = "v1.37.0-local-strict"


class KubeApi:
    """`rights` are (resource, verb) pairs; `used` those that somebody made use of. `on_job` is told of a new Job and of one
    to be deleted; whoever plays the kubelet puts and removes objects."""

    def __init__(self, rights: set[tuple[str, str]]) -> None:
        self.rights = rights
        self.used: set[tuple[str, str]] = set()
        self.objects: dict[str, dict[str, Document]] = defaultdict(dict)
        self.logs: dict[tuple[str, str], bytearray] = {}
        self.ended_logs: set[tuple[str, str]] = set()
        self.requests: list[tuple[str, str]] = []
        self.watches = 0
        self.lists = 0
        self.bookmarks_told = 0
        self.seen: list[Document] = []
        self.away = False
        self.lose_answers = 0
        self.broken_logs = 0
        self.page = 500
        self.jobs_made: asyncio.Queue[Document] = asyncio.Queue()
        self._history: list[tuple[int, str, str, Document]] = []
        self._versions = itertools.count(1000)
        self._version = next(self._versions)
        self._oldest = self._version
        self._era = 0
        self._changed = asyncio.Condition()

    # What the world does to it.

    async def put(self, kind: str, one: Document) -> Document:
        """Makes or changes an object."""
        known = one["metadata"]["name"] in self.objects[kind]
        return await self._happen(kind, "MODIFIED" if known else "ADDED", one)

    async def remove(self, kind: str, name: str) -> None:
        """An object is gone, if it was there, and the Secrets that it owns."""
        one = self.objects[kind].pop(name, None)
        if one is None:
            return
        await self._happen(kind, "DELETED", one)
        uid = one["metadata"]["uid"]
        for secret in list(self.objects["secrets"].values()):
            if uid in {owner["uid"] for owner in secret["metadata"].get("ownerReferences", [])}:
                self.objects["secrets"].pop(secret["metadata"]["name"])

    async def bookmark(self, *, tell: bool = True) -> None:
        """Versions go on though nothing happens to what is watched; watches are told, or not."""
        for _ in range(10):
            self._version = next(self._versions)
        for kind in KINDS if tell else ():
            empty = {
                "kind": KINDS[kind][1],
                "apiVersion": KINDS[kind][0],
                "metadata": {"resourceVersion": str(self._version)},
            }
            self._history.append((self._version, kind, "BOOKMARK", empty))
        await self._say()

    async def forget(self, *, keep: int = 0) -> None:
        """What happened until now can be watched no more: 410. `keep`: but for so many versions."""
        self._oldest = self._version - keep
        self._history.clear()

    async def break_watches(self) -> None:
        """Ends every watch, as a server that is restarted does."""
        self._era += 1
        await self._say()

    async def print(self, pod: str, container: str, data: bytes, *, end: bool = False) -> None:
        """A container prints."""
        self.logs.setdefault((pod, container), bytearray()).extend(data)
        if end:
            self.ended_logs.add((pod, container))
        await self._say()

    async def until(self, condition: Any, seconds: float = 60.0) -> None:
        """Waits until something is so."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(condition)

    # What clients see.

    async def handle(self, request: Request) -> Response:
        """One request."""
        kind, name = request.path_params["kind"], request.path_params.get("name", "")
        self.requests.append((request.method, str(request.url.path)))
        await self._say()
        verb = self._verb(request, name)
        refusal = self._refusal(request, kind, verb)
        if refusal is not None:
            return refusal
        self.used.add((kind + ("/log" if verb == "log" else ""), "get" if verb == "log" else verb))
        match verb:
            case "create":
                return await self._create(kind, await request.json())
            case "delete":
                return await self._delete(kind, name, request.query_params.get("propagationPolicy", "Background"))
            case "list":
                self.lists += 1
                return self._list(kind, request)
            case "watch":
                return StreamingResponse(self._watch(kind, request), media_type="application/json")
            case "log":
                return self._log(name, request)
        found = self.objects[kind].get(name)
        return JSONResponse(found) if found else _status(404, f'{kind} "{name}" not found')

    def _verb(self, request: Request, name: str) -> str:
        if request.url.path.endswith("/log"):
            return "log"
        if request.method == "GET" and not name:
            return "watch" if request.query_params.get("watch") == "true" else "list"
        return {"GET": "get", "POST": "create", "DELETE": "delete"}[request.method]

    def _refusal(self, request: Request, kind: str, verb: str) -> Response | None:
        if self.away:
            return _status(503, "the server is away, as the test says")
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _status(401, "Unauthorized")
        if request.path_params["namespace"] != NAMESPACE:
            return _status(403, "forbidden in this namespace")
        asked = (kind + "/log", "get") if verb == "log" else (kind, verb)
        return None if asked in self.rights else _status(403, f"forbidden: {asked}")

    async def _create(self, kind: str, one: Document) -> Response:
        self.seen.append(copy.deepcopy(one))
        problems = schema_errors(one)
        if problems:
            return _status(422, "; ".join(problems))
        name = one["metadata"]["name"]
        if name in self.objects[kind]:
            return _status(409, f'{kind} "{name}" already exists')
        one["metadata"] |= {"uid": str(uuid.uuid4()), "namespace": NAMESPACE}
        made = await self.put(kind, one)
        if kind == "jobs":
            await self.jobs_made.put(made)
        if self.lose_answers:
            self.lose_answers -= 1
            return _status(504, "the answer got lost, as the test says")
        return JSONResponse(made, status_code=201)

    async def _delete(self, kind: str, name: str, policy: str) -> Response:
        one = self.objects[kind].get(name)
        if one is None:
            return _status(404, f'{kind} "{name}" not found')
        if "deletionTimestamp" not in one["metadata"]:
            assert policy == "Foreground", "a Job's pods must be gone before it is"
            one["metadata"]["deletionTimestamp"] = "2026-11-22T00:00:00Z"
            await self.put(kind, one)
        return JSONResponse(one)

    def _list(self, kind: str, request: Request) -> Response:
        matching = [one for one in self.objects[kind].values() if _selected(one, request.query_params["labelSelector"])]
        start = int(request.query_params.get("continue", 0))
        size = min(self.page, int(request.query_params.get("limit", 10_000)))
        metadata: Document = {"resourceVersion": str(self._version)}
        if start + size < len(matching):
            metadata["continue"] = str(start + size)
        return JSONResponse({"kind": "List", "metadata": metadata, "items": matching[start : start + size]})

    async def _watch(self, kind: str, request: Request) -> AsyncIterator[bytes]:
        version, era = int(request.query_params["resourceVersion"]), self._era
        selector = request.query_params["labelSelector"]
        wants_bookmarks = request.query_params.get("allowWatchBookmarks") == "true"
        if version < self._oldest:
            yield _line("ERROR", {"kind": "Status", "code": 410, "message": f"too old resource version: {version}"})
            return
        self.watches += 1
        try:
            while era == self._era and not self.away:
                newest = self._version
                for happened, of, what, one in list(self._history):
                    if (
                        happened > version
                        and of == kind
                        and (wants_bookmarks if what == "BOOKMARK" else _selected(one, selector))
                    ):
                        self.bookmarks_told += what == "BOOKMARK"
                        yield _line(what, one)
                await self._say()
                version = newest
                await self._until_later(version, era)
        finally:
            self.watches -= 1

    def _log(self, pod: str, request: Request) -> Response:
        key = (pod, request.query_params["container"])
        if key not in self.logs:
            return _status(400, f"container {key[1]} is waiting to start")
        follow = request.query_params["follow"] == "true"
        breaks = self.broken_logs > 0
        self.broken_logs -= breaks
        return StreamingResponse(self._follow(key, follow, breaks), media_type="text/plain")

    async def _follow(self, key: tuple[str, str], follow: bool, breaks: bool) -> AsyncIterator[bytes]:
        told = 0
        while True:
            data, ended = bytes(self.logs.get(key, b"")[told:]), key in self.ended_logs
            if data:
                told += len(data)
                yield data
                if breaks:
                    raise ConnectionError("broken by the test")
            if ended or not follow or key not in self.logs:
                return
            await self._until_printed(key, told)

    async def _until_later(self, version: int, era: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._version > version or era != self._era)

    async def _until_printed(self, key: tuple[str, str], told: int) -> None:
        async with self._changed:
            await self._changed.wait_for(
                lambda: len(self.logs.get(key, b"")) > told or key in self.ended_logs or key not in self.logs
            )

    async def _happen(self, kind: str, what: str, one: Document) -> Document:
        self._version = next(self._versions)
        one["metadata"]["resourceVersion"] = str(self._version)
        if what != "DELETED":
            self.objects[kind][one["metadata"]["name"]] = one
        seen = copy.deepcopy(one)
        api, name = KINDS[kind]
        self._history.append((self._version, kind, what, {"apiVersion": api, "kind": name, **seen}))
        await self._say()
        return seen

    async def _say(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def schema_errors(document: Document) -> list[str]:
    """Every field of a document that the newest Kubernetes would refuse or does not know."""
    group, _, version = document["apiVersion"].rpartition("/")
    name = "-".join(part for part in (document["kind"].lower(), group.partition(".")[0], version) if part)
    schema, definitions = _schema(name), _schema("_definitions")
    registry: Registry[Any] = Resource.from_contents(definitions) @ Registry()
    validator = jsonschema.Draft202012Validator(schema, registry=Resource.from_contents(schema) @ registry)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def rights_of(role: Document) -> set[tuple[str, str]]:
    """The (resource, verb) pairs of a Role."""
    return {(resource, verb) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]}


def _schema(name: str) -> Any:
    return json.loads(
        (resources.files("kubernetes_validate") / "kubernetes-json-schema" / NEWEST / f"{name}.json").read_text()
    )


def _selected(one: Document, selector: str) -> bool:
    labels = one["metadata"].get("labels", {})
    for term in selector.split(","):
        name, unequal, value = term.partition("!=")
        if not unequal:
            name, _, value = term.partition("=")
        if (labels.get(name) == value) is bool(unequal):
            return False
    return True


def _status(code: int, message: str) -> Response:
    content = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message}
    return JSONResponse(content, status_code=code)


def _line(what: str, one: Document) -> bytes:
    return json.dumps({"type": what, "object": one}).encode() + b"\n"
