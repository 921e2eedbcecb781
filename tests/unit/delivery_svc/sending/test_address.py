"""The address policy: what is inside stays unreachable, however it is written."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery_svc.sending.address import Address, AddressPolicy, literal_address

DENIED = {
    "0.0.0.0": "unspecified",
    "0.1.2.3": "unspecified",
    "10.0.0.1": "private network",
    "100.64.0.1": "carrier-grade NAT",
    "100.127.255.255": "carrier-grade NAT",
    "100.100.100.200": "cloud metadata",
    "127.0.0.1": "loopback",
    "127.255.255.255": "loopback",
    "168.63.129.16": "cloud metadata",
    "169.254.0.1": "link-local",
    "169.254.169.254": "cloud metadata",
    "172.16.0.1": "private network",
    "172.31.255.255": "private network",
    "192.0.0.1": "reserved",
    "192.0.0.192": "cloud metadata",
    "192.0.2.1": "documentation",
    "192.88.99.1": "reserved",
    "192.168.255.255": "private network",
    "198.18.0.1": "benchmarking",
    "198.19.255.255": "benchmarking",
    "198.51.100.1": "documentation",
    "203.0.113.1": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "::1": "loopback",
    "::2": "IPv4-compatible address",
    "::8.8.8.8": "IPv4-compatible address",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:0:127.0.0.1": "reserved",
    "64:ff9b::8.8.8.8": "NAT64",
    "64:ff9b:1::1": "NAT64",
    "100::1": "reserved",
    "2001::1": "Teredo",
    "2001:2::1": "benchmarking",
    "2001:10::1": "reserved",
    "2001:20::1": "reserved",
    "2001:db8::1": "documentation",
    "2002:808:808::": "6to4",
    "2a00::5efe:10.0.0.1": "private network",
    "2a00::200:5efe:127.0.0.1": "loopback",
    "3fff::1": "documentation",
    "4000::1": "reserved",
    "5f00::1": "reserved",
    "fc00::1": "private network",
    "fd00::1": "private network",
    "fd00:ec2::254": "cloud metadata",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "2a00::1%eth0": "link-local",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
}
OPEN = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "128.0.0.1",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.1",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2003::1",
    "2606:4700::1111",
    "2a00:1450::5efe:8.8.8.8",
]

ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
DENIED_IPV4 = st.one_of(
    st.sampled_from([IPv4Address(text) for text in DENIED if ":" not in text]),
    *(st.ip_addresses(network=network) for network in ("127.0.0.0/8", "10.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")),
)


def disguises(inner: IPv4Address) -> list[IPv6Address]:
    """Every IPv6 address that leads to this IPv4 address on some network."""
    number = int(inner)
    return [
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(number),
        IPv6Address(0x64FF9B << 96 | number),
        IPv6Address(0x64FF9B0001 << 80 | number),
        IPv6Address(0x2002 << 112 | number << 80 | 1),
        IPv6Address(0x20010000 << 96 | number << 64),
        IPv6Address(0x20010000 << 96 | 0x08080808 << 64 | (number ^ 0xFFFFFFFF)),
        IPv6Address(0x2A00 << 112 | 0x00005EFE << 32 | number),
        IPv6Address(0x2A00 << 112 | 0x02005EFE << 32 | number),
    ]


@pytest.mark.parametrize(("text", "reason"), DENIED.items())
def test_what_leads_inside_is_refused_with_its_reason(text: str, reason: str) -> None:
    assert AddressPolicy().refusal(ip_address(text)) == reason


@pytest.mark.parametrize("text", OPEN)
def test_what_is_public_is_open(text: str) -> None:
    assert AddressPolicy().refusal(ip_address(text)) is None


@given(DENIED_IPV4)
def test_every_disguise_of_a_denied_address_is_denied(inner: IPv4Address) -> None:
    policy = AddressPolicy()
    assert policy.refusal(inner) is not None
    for disguise in disguises(inner):
        assert policy.refusal(disguise) is not None, disguise


@given(DENIED_IPV4)
def test_opening_a_wrapper_does_not_open_what_it_carries(inner: IPv4Address) -> None:
    policy = AddressPolicy(["64:ff9b::/96", "2002::/16", "2001::/32", "::/96", "2a00::/16"])
    for disguise in disguises(inner):
        if disguise not in (IPv6Address("::"), IPv6Address("::1")):
            assert policy.refusal(disguise) is not None, disguise


def test_an_open_wrapper_of_a_public_address_is_open() -> None:
    policy = AddressPolicy(["64:ff9b::/96", "2002::/16"])
    assert policy.refusal(ip_address("64:ff9b::8.8.8.8")) is None
    assert policy.refusal(ip_address("2002:808:808::1")) is None


@given(ADDRESSES)
def test_nothing_that_python_calls_inside_is_open(ip: Address) -> None:
    # Python calls every mapped address reserved, the public ones too.
    bare = (ip.ipv4_mapped if isinstance(ip, IPv6Address) else None) or ip
    inside = bare.is_private or bare.is_link_local or bare.is_multicast or bare.is_reserved or bare.is_unspecified
    assert AddressPolicy().refusal(ip) is not None or not inside


def test_an_allowed_network_is_open_and_its_neighbours_are_not() -> None:
    policy = AddressPolicy(["10.1.0.0/16", "::1/128", "fd12::/16"])
    for text in ("10.1.2.3", "::ffff:10.1.2.3", "::1", "fd12::1"):
        assert policy.refusal(ip_address(text)) is None
    for text in ("10.2.0.1", "127.0.0.1", "fd13::1", "::", "64:ff9b::10.1.2.3"):
        assert policy.refusal(ip_address(text)) is not None


def test_everything_can_be_opened() -> None:
    policy = AddressPolicy(["0.0.0.0/0", "::/0"])
    assert all(policy.refusal(ip_address(text)) is None for text in DENIED)


@pytest.mark.parametrize("network", ["10.0.0.0/33", "10.0.0.1/8", "intranet", ""])
def test_a_network_that_is_none_is_refused(network: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        AddressPolicy([network])


@pytest.mark.parametrize(
    ("host", "text"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("127.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0X7F000001", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0177.0.0.01", "127.0.0.1"),
        ("0", "0.0.0.0"),
        ("::1", "::1"),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1"),
    ],
)
def test_a_spelled_out_address_is_read_as_a_resolver_reads_it(host: str, text: str) -> None:
    assert literal_address(host) == ip_address(text)


@pytest.mark.parametrize("host", ["example.com", "localhost", "1.example", "0x7f.example", "a1", "x0x1", "dead.beef"])
def test_a_name_is_no_address(host: str) -> None:
    assert literal_address(host) is None


@pytest.mark.parametrize("host", ["1.2.3.4.5", "256.1.1.1", "08.0.0.1", "foo.1", "a.0x1", "4294967296", "0x"])
def test_a_number_that_is_no_address_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="neither a name nor an IP address"):
        literal_address(host)
