"""Forwarded headers: how far they are believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.proxies import TrustedProxies, plain_address, scheme_of
from gateway.networks import parse_networks

TRUSTED = TrustedProxies(parse_networks("10.0.0.0/8, 192.0.2.1, 2001:db8:1::/48"))


@pytest.mark.parametrize(
    ("lines", "client"),
    [
        ([], "10.0.0.1"),
        (["203.0.113.7"], "203.0.113.7"),
        (["203.0.113.7, 198.51.100.1"], "198.51.100.1"),
        (["203.0.113.7, 10.9.9.9"], "203.0.113.7"),
        (["203.0.113.7", "10.9.9.9, 192.0.2.1"], "203.0.113.7"),
        (["203.0.113.7:4711"], "203.0.113.7"),
        (["2001:db8::7"], "2001:db8::7"),
        (["[2001:db8::7]"], "2001:db8::7"),
        (["[2001:DB8:0::7]:4711, [2001:db8:1::1]:80"], "2001:db8::7"),
        (["::ffff:203.0.113.7"], "203.0.113.7"),
        (["fe80::1%eth0"], "fe80::1"),
        (["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
        (["203.0.113.7, unknown"], "10.0.0.1"),
        (["203.0.113.7, unknown, 10.2.2.2"], "10.2.2.2"),
        (["203.0.113.7, _hidden, 198.51.100.1"], "198.51.100.1"),
        ([""], "10.0.0.1"),
        ([" , ,"], "10.0.0.1"),
        (["203.0.113.7,"], "10.0.0.1"),
        (["1.2.3"], "10.0.0.1"),
        (["0x7f.1"], "10.0.0.1"),
        (["\xff\xfe"], "10.0.0.1"),
        (["203.0.113.7", *["10.1.1.1"] * 40], "10.1.1.1"),
    ],
)
def test_the_rightmost_that_is_not_trusted_is_the_client(lines: list[str], client: str) -> None:
    headers = [(b"x-forwarded-for", line.encode("latin-1")) for line in lines]
    assert TRUSTED.client_of("10.0.0.1", [(b"host", b"x"), *headers, (b"forwarded", b"for=198.51.100.9")]) == client


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_whatever_is_sent_the_client_is_an_address(lines: list[bytes]) -> None:
    client = TRUSTED.client_of("10.0.0.1", [(b"x-forwarded-for", line) for line in lines])
    assert plain_address(client) == client


def test_whom_it_trusts() -> None:
    for address, trusted in (
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("192.0.2.1", True),
        ("192.0.2.2", False),
        ("2001:db8:1:9::1", True),
        ("2001:db8:2::1", False),
        ("nonsense", False),
    ):
        assert TRUSTED.trusts(address) is trusted
    assert not TrustedProxies(()).trusts("127.0.0.1")


def test_a_list_of_networks_names_all_that_are_none() -> None:
    assert len(parse_networks(" 10.0.0.0/8,,::1 ,192.0.2.7/24")) == 3
    with pytest.raises(ValueError, match=r"not 10\.0\.0\.0/33, nowhere$"):
        parse_networks("10.0.0.0/8, 10.0.0.0/33, nowhere")


@pytest.mark.parametrize(
    ("lines", "scheme"),
    [
        ([], "http"),
        ([b"https"], "https"),
        ([b"HTTPS"], "https"),
        ([b"https, http"], "http"),
        ([b"http", b"https"], "https"),
        ([b"ftp"], "http"),
        ([b""], "http"),
        ([b"https;x"], "http"),
    ],
)
def test_the_scheme_is_the_nearest_proxys(lines: list[bytes], scheme: str) -> None:
    assert scheme_of([(b"x-forwarded-proto", line) for line in lines], "http") == scheme
