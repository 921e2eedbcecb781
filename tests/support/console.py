"""A visitor of the console: a browser without a screen, which keeps cookies and sends forms with their session's token."""

import base64
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import aiohttp

from tests.support.gateway import Gateway

_CSRF = re.compile(r'name="csrf" value="([0-9a-f]{64})"')
_INLINE = frozenset({"a", "b", "code", "em", "span", "strong", "time"})
Fields = dict[str, str] | Sequence[tuple[str, str]]
Headers = Mapping[str, str]
NONE: Headers = {}


def console_key(directory: Path) -> Path:
    """A key file for gateway_console_key_file."""
    path = directory / "console-key"
    path.write_text(f"k1:{base64.b64encode(bytes(range(32))).decode()}\n")
    return path


class _Words(HTMLParser):
    """Collects what a page says, without its markup."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _INLINE:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag not in _INLINE:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came back; names of headers are in lower case."""

    status: int
    headers: Headers
    html: str
    location: str

    @property
    def words(self) -> str:
        """The page's text, blanks folded, one between blocks."""
        words = _Words()
        words.feed(self.html)
        return " ".join("".join(words.parts).split())


class Visitor:
    """Visits pages; `csrf` is the token of the forms on the last page that had any."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self.csrf = ""

    async def get(self, path: str, headers: Headers = NONE) -> Seen:
        """Asks for a page and follows no redirect."""
        return await self.ask("GET", path, None, headers)

    async def post(self, path: str, fields: Fields = (), *, follow: bool = False, headers: Headers = NONE) -> Seen:
        """Sends a form, with the session's token unless `fields` has one; `follow` goes where a 303 leads."""
        pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
        if not any(name == "csrf" for name, _ in pairs):
            pairs.append(("csrf", self.csrf))
        seen = await self.ask("POST", path, pairs, headers)
        if follow and seen.status == 303:
            return await self.get(seen.location)
        return seen

    async def sign_in(self, token: str, **fields: str) -> Seen:
        """Shows the token; a good one leaves the visitor signed in, on the page it was led to."""
        await self.get("/console/sign-in")
        return await self.post("/console/sign-in", {"token": token, **fields}, follow=True)

    async def ask(
        self, method: str, path: str, fields: list[tuple[str, str]] | None = None, headers: Headers = NONE
    ) -> Seen:
        """One request; without `fields`, none with a body."""
        async with self._session.request(
            method, self._url + path, data=fields, headers=headers, allow_redirects=False
        ) as response:
            html = await response.text()
            if found := _CSRF.search(html):
                self.csrf = found[1]
            said = {name.lower(): value for name, value in response.headers.items()}
            return Seen(status=response.status, headers=said, html=html, location=said.get("location", ""))


@asynccontextmanager
async def visitor(call: Gateway, token: str | None = None) -> AsyncIterator[Visitor]:
    """Somebody at the console of this gateway, signed in with the token if there is one."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        made = Visitor(session, call.url)
        if token is not None:
            assert (await made.sign_in(token)).status == 200
        yield made
