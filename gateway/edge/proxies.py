"""Who is asking, when proxies that the operator named stand in between.

Invariant: what a header says of the client is believed as far as proxies that are trusted wrote it, and no further: from
the right, the first address that is not one of theirs is the client.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from gateway.networks import Network

FORWARDED_FOR = b"x-forwarded-for"
FORWARDED_PROTO = b"x-forwarded-proto"
MOST_HOPS = 32


class TrustedProxies:
    """The networks whose forwarded headers are believed."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)
        self.trusts = lru_cache(maxsize=4096)(self._trusts) if networks else _trusts_nobody

    def client_of(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """The client's address for a request that came from a trusted `peer`."""
        lines = [value for name, value in headers if name == FORWARDED_FOR]
        hops = b",".join(lines).decode("latin-1").split(",") if lines else []
        client = peer
        for hop in reversed(hops[-MOST_HOPS:]):
            address = plain_address(hop)
            if address is None:  # whoever wrote this is the last one known
                return client
            client = address
            if not self.trusts(address):
                return client
        return client

    def _trusts(self, address: str) -> bool:
        plain = plain_address(address)
        if plain is None:
            return False
        parsed = ip_address(plain)
        return any(parsed in network for network in self._networks)


def scheme_of(headers: Iterable[tuple[bytes, bytes]], scheme: str) -> str:
    """What the nearest proxy says that the client spoke: http or https; `scheme` where it says nothing."""
    said = [value for name, value in headers if name == FORWARDED_PROTO]
    word = said[-1].rpartition(b",")[2].strip().lower() if said else b""
    return word.decode() if word in (b"http", b"https") else scheme


def plain_address(text: str) -> str | None:
    """The address of `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]`, `[::1]:80`, in one spelling. None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped or parsed)


def _trusts_nobody(address: str) -> bool:
    return False
