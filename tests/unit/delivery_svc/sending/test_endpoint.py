"""Reading a client_url: to the letter where it may be, and not at all where it may not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery_svc.sending.endpoint import Endpoint, parse_endpoint


@pytest.mark.parametrize(
    ("url", "endpoint", "host_header"),
    [
        ("http://example.com", Endpoint(False, "example.com", 80, "/"), "example.com"),
        ("https://example.com/", Endpoint(True, "example.com", 443, "/"), "example.com"),
        ("HTTPS://Example.COM:443/A", Endpoint(True, "example.com", 443, "/A"), "example.com"),
        ("https://example.com:80/", Endpoint(True, "example.com", 80, "/"), "example.com:80"),
        ("http://example.com:8080?a=b", Endpoint(False, "example.com", 8080, "/?a=b"), "example.com:8080"),
        ("http://example.com:/x", Endpoint(False, "example.com", 80, "/x"), "example.com"),
        ("http://example.com/a#b", Endpoint(False, "example.com", 80, "/a"), "example.com"),
        ("http://example.com#b", Endpoint(False, "example.com", 80, "/"), "example.com"),
        ("http://example.com.:81/", Endpoint(False, "example.com.", 81, "/"), "example.com.:81"),
        ("http://my_host/", Endpoint(False, "my_host", 80, "/"), "my_host"),
        ("http://[::1]:81/", Endpoint(False, "::1", 81, "/"), "[::1]:81"),
        ("https://[2A00:0::1]/", Endpoint(True, "2a00::1", 443, "/"), "[2a00::1]"),
        ("http://127.1/", Endpoint(False, "127.1", 80, "/"), "127.1"),
        ("http://b\u00fccher.example/", Endpoint(False, "xn--bcher-kva.example", 80, "/"), "xn--bcher-kva.example"),
        ("http://fa\u00df.de/", Endpoint(False, "xn--fa-hia.de", 80, "/"), "xn--fa-hia.de"),
        ("http://\uff11\uff12\uff17.1/", Endpoint(False, "127.1", 80, "/"), "127.1"),
    ],
)
def test_a_url_leads_to_its_endpoint(url: str, endpoint: Endpoint, host_header: str) -> None:
    assert parse_endpoint(url) == endpoint
    assert parse_endpoint(url).host_header == host_header


@pytest.mark.parametrize(
    "target", ["/a/../b//c/.", "/%7e%2F%zz?%20=+&&;=#", "/a?b?c", "/{x}|'\"<>\\^`", "//double", "/a:b@c"]
)
def test_a_target_is_kept_to_the_letter(target: str) -> None:
    assert parse_endpoint(f"http://example.com{target}").target == target.removesuffix("#")


def test_what_is_beyond_ascii_in_a_target_is_percent_encoded() -> None:
    assert parse_endpoint("http://example.com/\u00e9?\u2603=%41").target == "/%C3%A9?%E2%98%83=%41"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "must begin with http"),
        ("example.com/hook", "must begin with http"),
        ("ftp://example.com/", "must begin with http"),
        ("http:/example.com/", "must begin with http"),
        ("javascript:alert(1)//http://x", "must begin with http"),
        ("http://", "no host"),
        ("http:///path", "no host"),
        ("http://:80/", "no host"),
        ("http://user@example.com/", "user name or a password"),
        ("http://user:word@example.com/", "user name or a password"),
        ("http://good.example\\@evil.example/", "user name or a password"),
        ("http://example.com:0/", "port"),
        ("http://example.com:65536/", "port"),
        ("http://example.com:http/", "port"),
        ("http://example.com:-1/", "port"),
        ("http://example.com:\u0661/", "port"),
        ("http://a:b:80/", "port"),
        ("http://::1/", "no host"),
        ("http://[::1/", "no valid host"),
        ("http://[::1]x/", "no valid host"),
        ("http://[1.2.3.4]/", "IPv6"),
        ("http://[]/", "IPv6"),
        ("http://[fe80::1%25eth0]/", "zone"),
        ("http://exa%6dple.com/", "host name"),
        ("http://evil.example\\.good.example/", "host name"),
        ("http://a..b/", "host name"),
        ("http://.a/", "host name"),
        ("http://-a.example/", "host name"),
        (f"http://{'a' * 64}.example/", "host name"),
        (f"http://{'a.' * 127}aa/", "host name"),
        ("http://a,b/", "host name"),
        ("http://\u2603.example/", "international"),
        ("http://example.com/a b", "space or a control"),
        (" http://example.com/", "space or a control"),
        ("http://example.com/\r\nX-Evil: 1", "space or a control"),
        ("http://example.com/\n", "space or a control"),
        ("http://example.com/\x00", "space or a control"),
        ("http://example.com/\x7f", "space or a control"),
        ("http://example.com/\u0085", "space or a control"),
        ("http://example.com/\ud800", "space or a control"),
        ("http://example.com\t/", "space or a control"),
        ("http://example.com/" + "a" * 2030, "2,048 characters"),
    ],
)
def test_a_url_that_leads_nowhere_is_refused_with_a_sentence(url: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as refusal:
        parse_endpoint(url)
    assert str(refusal.value).endswith(".")


def test_the_longest_url_is_taken() -> None:
    url = "http://example.com/" + "a" * (2048 - 19)
    assert len(url) == 2048
    assert len(parse_endpoint(url).target) == 2030


def test_endpoints_of_one_origin_share_it_whatever_their_path() -> None:
    here, there = parse_endpoint("http://example.com/a"), parse_endpoint("http://EXAMPLE.com:80/b")
    assert here.origin == there.origin
    assert here != there
    assert len({here, there, parse_endpoint("http://example.com/a")}) == 2


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_that_is_taken_can_end_a_header_line(host: str, rest: str) -> None:
    try:
        endpoint = parse_endpoint(f"http://{host}/{rest}")
    except ValueError:
        return
    assert endpoint.opening.count(b"\r\n") == 2
    assert endpoint.opening.endswith(b"\r\n")
    request_line, host_line, _ = endpoint.opening.split(b"\r\n")
    assert len(request_line.split(b" ")) == 3
    assert len(host_line.split(b" ")) == 2
    assert not any(byte < 0x20 or byte > 0x7E for byte in request_line + host_line)
