"""Where a client_url leads: the one place that reads a URL.

Invariant: an Endpoint that parse_endpoint made can be written into a request as it stands; nothing in it ends a header
line or begins another. The target is kept to the letter, so that a receiver sees the path that its owner gave us.
"""

import re
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv6Address

import idna

from delivery_svc.sending.client_certificate import ClientCertificate

MAX_URL_CHARACTERS = 2048

Origin = tuple[bool, str, int] | tuple[bool, str, int, bytes]
"""TLS or not, host, port, and of a client certificate its fingerprint: what a kept connection can be used for again."""

_URL = re.compile(r"(https?)://([^/?#]*)([^#]*)", re.IGNORECASE | re.ASCII)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::(.*))?")
_PORT = re.compile(r"[0-9]{1,5}")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_MAX_HOST_NAME_CHARACTERS = 253
# Controls, blanks and lone surrogates: none of them has a place in a URL, and some end a header line.
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place to POST to.

    `host` is lower-case ASCII without brackets, `target` the path and query ("/" when there is none). `origin` and
    `opening`, the request line with the Host header, are worked out once, because every attempt needs them. `client` is the
    certificate that a TLS endpoint is shown when it asks for one.
    """

    tls: bool
    host: str
    port: int
    target: str
    client: ClientCertificate | None = None
    origin: Origin = field(init=False, repr=False, compare=False)
    opening: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        origin: Origin = (self.tls, self.host, self.port)
        if self.client is not None:
            origin = (*origin[:3], self.client.fingerprint)
        object.__setattr__(self, "origin", origin)
        opening = f"POST {self.target} HTTP/1.1\r\nHost: {self.host_header}\r\n"
        object.__setattr__(self, "opening", opening.encode("ascii"))

    @property
    def host_header(self) -> str:
        """The Host header's value: the port only where it is not the scheme's own, an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _own_port(self.tls) else f"{host}:{self.port}"


def parse_endpoint(url: str) -> Endpoint:
    """Read a client_url. ValueError, with a sentence for people, when nothing could ever be sent to it."""
    if len(url) > MAX_URL_CHARACTERS:
        raise ValueError(f"The URL is longer than {MAX_URL_CHARACTERS:,} characters.")
    if _FORBIDDEN.search(url):
        raise ValueError("The URL holds a space or a control character.")
    parts = _URL.match(url)
    if parts is None:
        raise ValueError("The URL must begin with http:// or https://.")
    scheme, authority, target = parts.groups()
    tls = scheme.lower() == "https"
    host, port = _read_authority(authority, tls)
    return Endpoint(tls=tls, host=host, port=port, target=_read_target(target))


def _own_port(tls: bool) -> int:
    return 443 if tls else 80


def _read_authority(authority: str, tls: bool) -> tuple[str, int]:
    if "@" in authority:
        raise ValueError("The URL must not hold a user name or a password.")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise ValueError("The URL has no valid host.")
    host, port = parts.groups()
    return _read_host(host), _read_port(port, tls)


def _read_port(text: str | None, tls: bool) -> int:
    if not text:
        return _own_port(tls)
    if not _PORT.fullmatch(text) or not 1 <= int(text) <= 65535:
        raise ValueError("The URL's port must be a number from 1 to 65535.")
    return int(text)


def _read_host(text: str) -> str:
    if not text:
        raise ValueError("The URL has no host.")
    if text.startswith("["):
        return _read_ipv6(text[1:-1])
    try:
        name = text.lower() if text.isascii() else idna.encode(text, uts46=True).decode("ascii")
    except UnicodeError:
        raise ValueError("The URL's host is not a valid international name.") from None
    if not _HOST_NAME.fullmatch(name) or len(name.rstrip(".")) > _MAX_HOST_NAME_CHARACTERS:
        raise ValueError("The URL's host is not a valid host name.")
    return name


def _read_ipv6(text: str) -> str:
    try:
        address = IPv6Address(text)
    except AddressValueError:
        raise ValueError("The URL's host is not a valid IPv6 address.") from None
    if address.scope_id is not None:
        raise ValueError("The URL's host is an IPv6 address with a zone, which means nothing outside of one machine.")
    return str(address)


def _read_target(text: str) -> str:
    """What stands on the request line: ASCII only, so what is beyond ASCII becomes percent-encoded UTF-8."""
    target = text if text.startswith("/") else f"/{text}"
    if target.isascii():
        return target
    return "".join(c if c.isascii() else "".join(f"%{byte:02X}" for byte in c.encode()) for c in target)
