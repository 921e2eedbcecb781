"""Which addresses a delivery may go to: a pure policy, asked before every connect.

Invariant: an address that leads inside (this machine, this network, the cloud's metadata) is refused in every form in
which it can be written: as IPv4, or carried inside an IPv6 address by one of the transition mechanisms. What no table
knows is refused too: of IPv6 only the global unicast block is open.
"""

import re
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# From the IANA special-purpose registries, and what clouds added to them; the first match names the reason.
_DENIED_IPV4 = (
    ("169.254.169.254/32", "cloud metadata"),
    ("100.100.100.200/32", "cloud metadata"),
    ("192.0.0.192/32", "cloud metadata"),
    ("168.63.129.16/32", "cloud metadata"),
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private network"),
    ("100.64.0.0/10", "carrier-grade NAT"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private network"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "reserved"),
    ("192.168.0.0/16", "private network"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "broadcast"),
    ("240.0.0.0/4", "reserved"),
)
_DENIED_IPV6 = (
    ("fd00:ec2::254/128", "cloud metadata"),
    ("fd20:ce::254/128", "cloud metadata"),
    ("fd00:42::42/128", "cloud metadata"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::/96", "IPv4-compatible address"),
    ("64:ff9b::/96", "NAT64"),
    ("64:ff9b:1::/48", "NAT64"),
    ("2001::/32", "Teredo"),
    ("2001:2::/48", "benchmarking"),
    ("2001::/23", "reserved"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("3fff::/20", "documentation"),
    ("fc00::/7", "private network"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
)
_DENIED = tuple((ip_network(network), reason) for network, reason in _DENIED_IPV4 + _DENIED_IPV6)

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_COMPATIBLE = IPv6Network("::/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_UNSPECIFIED_OR_LOOPBACK = IPv6Network("::/127")
# The interface half of an ISATAP address: 0000:5efe or 0200:5efe before the IPv4 address (the bit says "unique").
_ISATAP_MARKS = (0x00005EFE, 0x02005EFE)

_ENDS_IN_A_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?", re.IGNORECASE)


class AddressPolicy:
    """The deny list, less what a deployment opened.

    `allowed_networks` (CIDR texts or networks) opens addresses; an IPv4 address that another one carries must be open
    itself as well, so allowing the NAT64 prefix opens public IPv4 behind NAT64 and nothing else. ValueError for a
    network that is none.
    """

    def __init__(self, allowed_networks: Iterable[str | Network] = ()) -> None:
        self._allowed = tuple(ip_network(network) for network in allowed_networks)

    def refusal(self, ip: Address) -> str | None:
        """Why a connection must not go to this address ("loopback"), or None when it may."""
        if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
            return self.refusal(ip.ipv4_mapped)
        if not any(ip in network for network in self._allowed):
            reason = _reason_to_deny(ip)
            if reason is not None:
                return reason
        return next((reason for inner in _carried(ip) if (reason := self.refusal(inner)) is not None), None)


def literal_address(host: str) -> Address | None:
    """The address that a host spells out, in any form that a system resolver takes ("127.1", "0x7f.1", "2130706433").

    None for a name. ValueError for a number that is no address: no name ends so, and no resolver should be asked.
    """
    if ":" in host:
        return IPv6Address(host)
    if not _ENDS_IN_A_NUMBER.fullmatch(host):
        return None
    try:
        return IPv4Address(socket.inet_aton(host.removesuffix(".")))
    except OSError:
        raise ValueError("The host is neither a name nor an IP address.") from None


def _reason_to_deny(ip: Address) -> str | None:
    for network, reason in _DENIED:
        if ip in network:
            return reason
    if isinstance(ip, IPv6Address):
        if ip.scope_id is not None:
            return "link-local"
        if ip not in _GLOBAL_UNICAST:
            return "reserved"
    return None


def _carried(ip: Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses that an IPv6 address leads to by way of a transition mechanism."""
    if isinstance(ip, IPv4Address) or ip in _UNSPECIFIED_OR_LOOPBACK:
        return ()
    low = IPv4Address(int(ip) & 0xFFFFFFFF)
    if ip.teredo is not None:
        return ip.teredo
    if ip.sixtofour is not None:
        return (ip.sixtofour,)
    if ip in _COMPATIBLE or ip in _NAT64 or (int(ip) >> 32) & 0xFFFFFFFF in _ISATAP_MARKS:
        return (low,)
    return ()
