"""What an answer of the platform means to a command. Invariant: only JSON of the platform's own shape counts as its word.

/api/v1 answers errors with problem details, /api/v2 and /api/v3 with their envelope; whatever stands before the platform
(a proxy, another program at that address) answers otherwise, and is told apart by that.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from cli.trouble import ExitCode, Trouble

#: What to do next. The envelope's texts are fixed and do not say; problem details say it themselves.
_HINTS = {
    401: "check --token-file: the token is unknown, revoked or expired",
    403: "check --account, and what the token's permission set allows",
    404: "check the id and --account",
    429: "try again later",
    503: "try again",
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One HTTP answer. `headers` has lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def seconds_to_wait(self) -> float | None:
        """How long to wait before the same request again; None when that would not help."""
        if self.status not in (429, 503):
            return None
        told = self.headers.get("retry-after", "")
        if told.isascii() and told.isdigit():
            return float(told)
        try:
            return max(0.0, parsedate_to_datetime(told).timestamp() - time())
        except ValueError:
            return 1.0

    def document(self, url: str) -> dict[str, Any]:
        """The JSON object of a good answer. Raises Trouble for every other."""
        document = _object(self.body)
        if document is None:
            raise self._strange(url)
        if not 200 <= self.status < 300:
            raise self._refusal(document, url)
        return document

    def content(self, url: str) -> bytes:
        """The bytes of a good answer. Raises Trouble for every other."""
        if not 200 <= self.status < 300:
            self.document(url)
        return self.body

    def _refusal(self, document: dict[str, Any], url: str) -> Trouble:
        about = document.get("status")
        if isinstance(about, dict):
            said, fields = about.get("user_message"), _fields_of_envelope(document.get("data"))
            hint = _HINTS.get(self.status, "")
        elif "title" in document:
            said, fields = document.get("detail"), _fields_of_problem(document.get("errors"))
            hint = ""
        else:
            return self._strange(url)
        line = (
            str(said or f"the platform answers {self.status}").rstrip(".") if not fields else "the request was refused"
        )
        if self.seconds_to_wait() is not None and "retry-after" in self.headers:
            hint = f"it asks to wait {self.seconds_to_wait():.0f} s"
        request_id = self.headers.get("x-request-id", "")
        return Trouble(f"{line} ({hint})" if hint else line, _code(self.status), fields=fields, request_id=request_id)

    def _strange(self, url: str) -> Trouble:
        if self.status in (502, 503, 504):
            return Trouble(f"{url} answers {self.status}: the platform is away, try again", ExitCode.AWAY)
        return Trouble(f"{url} answers {self.status}, but not as the platform does: check --url", ExitCode.AWAY)


def _code(status: int) -> ExitCode:
    if status in (401, 403):
        return ExitCode.NOT_ALLOWED
    if status == 404:
        return ExitCode.NOT_FOUND
    return ExitCode.AWAY if status >= 500 or status == 429 else ExitCode.REFUSED


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _fields_of_envelope(data: object) -> list[tuple[str, str]]:
    return [(str(path), str(sentence)) for path, sentence in data.items()] if isinstance(data, dict) else []


def _fields_of_problem(errors: object) -> list[tuple[str, str]]:
    bad = errors if isinstance(errors, list) else []
    return [(str(one.get("field")), str(one.get("message"))) for one in bad if isinstance(one, dict)]
