"""The API server of a cluster, as far as runs need it: the one room that knows lightkube.

Guards the size of the rights that a runner needs. What it may call is what stands here: jobs create, get, list, watch,
delete; pods list, watch; pods/log get; secrets create; in one namespace.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from lightkube.config.client_adapter import ConnectionParams
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.exceptions import ApiError, ConfigError
from lightkube.core.generic_client import GenericAsyncClient
from lightkube.core.resource import ApiInfo, NamespacedSubResource, ResourceDef
from lightkube.generic_resource import GenericNamespacedResource, create_api_info

from chassis.settings import SettingsError
from runner.kubernetes.template import Document

CALL_SECONDS = 10.0
#: The server ends a watch after this long; one that is silent for longer is dead.
WATCH_SECONDS = 300
PAGE = 500


class Jobs(GenericNamespacedResource):
    """batch/v1 Jobs, as dictionaries: what an operator's template says reaches the server as it is."""

    _api_info = create_api_info("batch", "v1", "Job", "jobs")


class Pods(GenericNamespacedResource):
    """v1 Pods, as dictionaries."""

    _api_info = create_api_info("", "v1", "Pod", "pods")


class Secrets(GenericNamespacedResource):
    """v1 Secrets, as dictionaries."""

    _api_info = create_api_info("", "v1", "Secret", "secrets")


class PodLogs(NamespacedSubResource):
    """The logs of a pod's containers."""

    _api_info = ApiInfo(
        resource=ResourceDef("", "v1", "Pod"),
        parent=ResourceDef("", "v1", "Pod"),
        plural="pods",
        verbs=["get"],
        action="log",
    )


Kind = type[Jobs] | type[Pods]


class ClusterError(Exception):
    """The API server refused, or was not there. `code` is its HTTP status; None where there was no answer."""

    def __init__(self, code: int | None, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def away(self) -> bool:
        """Whether asking again may help."""
        return self.code is None or self.code == 429 or self.code >= 500


class Cluster:
    """One namespace of a cluster. `namespace` empty: the one that the runner is in, or that its kubeconfig names."""

    def __init__(self, client: GenericAsyncClient) -> None:
        self._client: Any = client  # half of it has no types

    @classmethod
    def open(cls, namespace: str) -> "Cluster":
        """Finds the API server as kubectl does: from inside a pod, else by KUBECONFIG. SettingsError where there is none."""
        try:
            params = ConnectionParams(timeout=httpx2.Timeout(CALL_SECONDS))
            return cls(GenericAsyncClient(params, KubeConfig.from_env(), namespace or None))
        except (ConfigError, KeyError, OSError) as error:
            raise SettingsError(
                [
                    f"RUNHOOK_RUNNER_COMMANDS_FILE: has jobs, but there is no cluster to run them: {error!r}: see KUBECONFIG"
                ]
            ) from error

    @property
    def namespace(self) -> str:
        """Where everything is made."""
        return str(self._client.namespace)

    async def close(self) -> None:
        """Ends its connections."""
        await self._client.close()

    async def create_job(self, job: Document) -> Document:
        """Makes a Job; one of that name that is there already is given back as it is. ClusterError."""
        try:
            return await self._ask("post", Jobs, obj=_object(Jobs, job))
        except ClusterError as error:
            if error.code != 409:
                raise
        return await self._ask("get", Jobs, name=job["metadata"]["name"])

    async def create_secret(self, secret: Document) -> None:
        """Makes a Secret; one of that name may be there already. ClusterError."""
        try:
            await self._ask("post", Secrets, obj=_object(Secrets, secret))
        except ClusterError as error:
            if error.code != 409:
                raise

    async def delete_job(self, name: str) -> None:
        """Deletes a Job, its pods first; one that is gone already is no error. ClusterError."""
        try:
            await self._ask("delete", Jobs, name=name, params={"propagationPolicy": "Foreground"})
        except ClusterError as error:
            if error.code != 404:
                raise

    async def list(self, kind: Kind, labels: str) -> tuple[list[Document], str]:
        """All that have the labels, and the version of that list. ClusterError."""
        request = self._client.prepare_request("list", kind, params={"labelSelector": labels, "limit": str(PAGE)})
        found: list[Document] = []
        version, more = "", True
        while more:
            with _errors():
                answer = await self._client.send(self._client.build_adapter_request(request))
                more, page_version, items = self._client.handle_response("list", answer, request)
            found += items
            version = page_version or version
        return found, version

    async def watch(self, kind: Kind, labels: str, version: str) -> AsyncIterator[tuple[str, Document]]:
        """What happens to them after that version, until the server ends it: (ADDED, MODIFIED, DELETED or BOOKMARK, object).

        ClusterError; its code 410 means that the version is too old: list again.
        """
        params = {
            "labelSelector": labels,
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        request = self._client.prepare_request("list", kind, watch=True, params=params)
        async with self._stream(request, WATCH_SECONDS + CALL_SECONDS) as answer:
            with _errors():
                async for line in answer.aiter_lines():
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        status = event["object"]
                        raise ClusterError(status.get("code"), str(status.get("message")))
                    yield event["type"], event["object"]

    async def log(self, pod: str, container: str, *, follow: bool) -> AsyncIterator[bytes]:
        """What a container has printed from its beginning on; with `follow`, until it ends. ClusterError."""
        params = {"container": container, "follow": "true" if follow else "false"}
        request = self._client.prepare_request("get", PodLogs, name=pod, params=params)
        async with self._stream(request, None if follow else CALL_SECONDS) as answer:
            with _errors():
                async for data in answer.aiter_bytes():
                    yield data

    async def _ask(self, method: str, kind: Any, **words: Any) -> Document:
        with _errors():
            answer: Document = await self._client.request(method, kind, **words)
            return answer

    @asynccontextmanager
    async def _stream(self, request: Any, patience: float | None) -> AsyncIterator[httpx2.Response]:
        request.timeout = httpx2.Timeout(CALL_SECONDS, read=patience)
        with _errors():
            answer = await self._client.send(self._client.build_adapter_request(request), stream=True)
        try:
            with _errors():
                if answer.is_error:
                    await answer.aread()
                    self._client.raise_for_status(answer)
            yield answer
        finally:
            await answer.aclose()


def _object(kind: Any, content: Document) -> Any:
    return kind(content)


class _errors:
    """Makes what lightkube raises a ClusterError."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, ApiError):
            raise ClusterError(error.status.code, str(error.status.message)) from error
        if isinstance(error, httpx2.HTTPStatusError):
            raise ClusterError(error.response.status_code, str(error)) from error
        if isinstance(error, httpx2.HTTPError | json.JSONDecodeError | OSError):
            raise ClusterError(None, f"the API server did not answer: {error!r}") from error
