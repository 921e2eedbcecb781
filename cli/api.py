"""The one caller of the platform's REST API: token, deadline, retries, pages.

Invariant: a call ends within its timeout, and only what may be repeated without harm is sent twice.
"""

import ssl
import time
from functools import cached_property
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from cli.refusal import Answer
from cli.settings import Settings
from cli.trouble import ExitCode, Trouble

Query = dict[str, str | int]
Record = dict[str, Any]

MOST_TRIES = 5
#: More than the largest thing that the platform shows at once: a payload of 8 MiB, each byte of it escaped.
MOST_ANSWER_BYTES = 64 * 1024 * 1024
PAGE = 100
REPEATABLE = frozenset({"GET", "PUT", "DELETE"})


class Api:
    """An open connection to the platform; use it in a `with` block. All calls raise Trouble."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {settings.token}", "Accept": "application/json"},
            verify=trust(settings),
            # A proxy that the environment names knows nothing of this machine's own addresses.
            trust_env=not is_loopback(settings.url),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    @cached_property
    def account_id(self) -> str:
        """The account that was named, or the only one that the token sees."""
        if self.settings.account_id is not None:
            return str(self.settings.account_id)
        accounts = _records(self.call("GET", "/api/v3/accounts/").get("data"))
        seen = [number for one in accounts if (number := str(one.get("id"))).isdecimal()]
        if len(seen) != 1:
            raise Trouble(
                f"the token sees {len(seen)} accounts ({', '.join(seen[:10])}): name one with --account",
                ExitCode.CALLED_WRONGLY,
            )
        return seen[0]

    @property
    def v1(self) -> str:
        """Where the account's things are on our own routes."""
        return f"/api/v1/accounts/{self.account_id}"

    @property
    def v3(self) -> str:
        """Where the account's things are on the contract's routes."""
        return f"/api/v3/accounts/{self.account_id}"

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: object = None,
        content: bytes | None = None,
        if_match: str = "",
        repeatable: bool | None = None,
    ) -> Record:
        """The JSON object of a good answer; of a DELETE maybe an empty one.

        The request's body is `body` as JSON, or `content` as it is. With an etag in `if_match` it is refused when the thing
        has changed since it was read.
        """
        headers = _type_of(content) | ({"If-Match": f'"{if_match}"'} if if_match else {})
        request = self._request(method, path, params=query, json=body, content=content, headers=headers)
        answer, tries = self._answer(request, method in REPEATABLE if repeatable is None else repeatable)
        if method == "DELETE" and (answer.status == 204 or (answer.status == 404 and tries > 1)):
            return {}  # 404: an earlier try did it, and its answer was lost
        return answer.document(self.settings.url)

    def bytes_of(self, path: str, *, query: Query | None = None) -> bytes:
        """The body of a good answer, whatever it is: a log, an artifact, a payload."""
        request = self._request("GET", path, params=query, headers={"Accept": "*/*"})
        answer, _ = self._answer(request, repeatable=True)
        return answer.content(self.settings.url)

    def _request(self, method: str, path: str, **what: Any) -> httpx.Request:
        try:
            return self._client.build_request(method, self.settings.url + path, **what)
        except httpx.InvalidURL as error:
            raise Trouble(f"{self.settings.url} is no URL: {error}", ExitCode.CALLED_WRONGLY) from None

    def _answer(self, request: httpx.Request, repeatable: bool) -> tuple[Answer, int]:
        deadline = time.monotonic() + self.settings.timeout
        answer, tries = self._try(request, deadline), 1
        most = MOST_TRIES if repeatable else 1
        while tries < most and (wait := answer.seconds_to_wait()) is not None and time.monotonic() + wait < deadline:
            time.sleep(wait)
            answer, tries = self._try(request, deadline), tries + 1
        return answer, tries

    def data(self, method: str, path: str, *, has: str, body: object = None, repeatable: bool | None = None) -> Record:
        """The `data` of an answer of /api/v3, an object that has the key `has`."""
        found = self.call(method, path, body=body, repeatable=repeatable).get("data")
        if not isinstance(found, dict) or has not in found:
            raise Trouble(f"{self.settings.url} answers, but not as the platform does: check --url", ExitCode.AWAY)
        return found

    def all_of(self, path: str, plural: str, query: Query, limit: int | None) -> list[Record]:
        """Every record of a list of /api/v1, or the first `limit`."""
        found: list[Record] = []
        token = ""
        while limit is None or len(found) < limit:
            size = PAGE if limit is None else min(PAGE, limit - len(found))
            page = self.call("GET", path, query={**query, "page_size": size, "page_token": token})
            found += _records(page.get(plural))
            before, token = token, str(page.get("next_page_token") or "")
            if token in ("", before):
                break
        return found[:limit]

    def all_of_envelope(self, path: str, limit: int | None) -> list[Record]:
        """The same of a list of /api/v3."""
        found: list[Record] = []
        while limit is None or len(found) < limit:
            size = PAGE if limit is None else min(PAGE, limit - len(found))
            page = _records(self.call("GET", path, query={"limit": size, "offset": len(found)}).get("data"))
            found += page
            if len(page) < size:
                break
        return found[:limit]

    def _try(self, request: httpx.Request, deadline: float) -> Answer:
        url = self.settings.url
        left = max(0.001, deadline - time.monotonic())
        request.extensions["timeout"] = httpx.Timeout(left).as_dict()
        try:
            return self._sent(request, deadline)
        except httpx.TimeoutException:
            line = f"{url} did not answer within {self.settings.timeout:g} s: {_then(request)}"
        except httpx.ConnectError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                line = f"the certificate of {url} is not trusted: name its CA with --ca-file"
            else:
                line = f"cannot connect to {url} ({error}): is the platform running there? check --url"
        except httpx.HTTPError as error:
            line = f"the connection to {url} broke ({str(error) or type(error).__name__}): {_then(request)}"
        raise Trouble(line, ExitCode.AWAY)

    def _sent(self, request: httpx.Request, deadline: float) -> Answer:
        response = self._client.send(request, stream=True)
        try:
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                if len(body) > MOST_ANSWER_BYTES:
                    raise httpx.ReadError("the answer is too large")
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the answer takes too long")
        finally:
            response.close()
        return Answer(status=response.status_code, headers=response.headers, body=bytes(body))


def _records(data: object) -> list[Record]:
    return [one for one in data if isinstance(one, dict)] if isinstance(data, list) else []


def _then(request: httpx.Request) -> str:
    return (
        "try again" if request.method in REPEATABLE else "it may have happened all the same, look before you repeat it"
    )


def _type_of(content: bytes | None) -> dict[str, str]:
    return {} if content is None else {"Content-Type": "application/json"}


def trust(settings: Settings) -> ssl.SSLContext | bool:
    """What certificates are checked against: the system's, and the CA that was named."""
    if settings.url.startswith("http:") and is_loopback(settings.url):
        return False  # no TLS anywhere on the way, and reading the system's certificates takes a while
    context = ssl.create_default_context()
    if settings.ca_file is not None:
        try:
            context.load_verify_locations(settings.ca_file)
        except OSError as error:
            raise Trouble(f"--ca-file {settings.ca_file}: {error.strerror or error}", ExitCode.CALLED_WRONGLY) from None
    return context


def is_loopback(url: str) -> bool:
    """Whether it leads to this machine's own addresses."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
