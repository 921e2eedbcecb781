"""What a proxy is asked for, and which settings name one."""

import pytest

from delivery_svc.sending.endpoint import parse_endpoint
from delivery_svc.sending.proxy import Proxy, absolute_opening, parse_proxy


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://proxy.example:3128", Proxy("proxy.example", 3128)),
        ("http://10.0.0.9:80/", Proxy("10.0.0.9", 80)),
        ("http://[fd00::9]:3128", Proxy("fd00::9", 3128)),
    ],
)
def test_a_proxy_is_a_host_and_a_port(url: str, proxy: Proxy) -> None:
    assert parse_proxy(url) == proxy


@pytest.mark.parametrize(
    "url",
    [
        "proxy.example:3128",
        "http://proxy.example",
        "https://proxy.example:3128",
        "http://user:word@proxy.example:3128",
        "http://proxy.example:3128/path",
        "http://proxy.example:3128?a=b",
        "http://proxy.example:0",
        "socks5://proxy.example:1080",
    ],
)
def test_what_is_no_plain_proxy_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        parse_proxy(url)


@pytest.mark.parametrize(
    ("url", "request_line"),
    [
        ("http://a.example/x?y=1", b"POST http://a.example:80/x?y=1 HTTP/1.1"),
        ("http://a.example:81", b"POST http://a.example:81/ HTTP/1.1"),
        ("http://[2a00::1]:81/", b"POST http://[2a00::1]:81/ HTTP/1.1"),
        ("http://010.8.8.8/", b"POST http://8.8.8.8:80/ HTTP/1.1"),
        ("http://0x08080808/", b"POST http://8.8.8.8:80/ HTTP/1.1"),
    ],
)
def test_a_request_by_way_of_a_proxy_names_the_whole_url_with_a_plain_address(url: str, request_line: bytes) -> None:
    endpoint = parse_endpoint(url)
    first, host, rest = absolute_opening(endpoint).split(b"\r\n")
    assert first == request_line
    assert (host, rest) == (f"Host: {endpoint.host_header}".encode("ascii"), b"")
