"""Heads that the parser takes and the gateway does not."""

import pytest

from gateway.edge.head import body_length
from gateway.http_errors import HttpError

HOST = (b"host", b"example.com:8080")


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ([HOST], 0),
        ([HOST, (b"content-length", b"12")], 12),
        ([HOST, (b"transfer-encoding", b"Chunked")], 0),
        ([HOST, (b"expect", b"100-Continue"), (b"content-length", b"1")], 1),
    ],
)
def test_the_length_is_what_the_head_says(headers: list[tuple[bytes, bytes]], length: int) -> None:
    assert body_length(b"POST", "1.1", b"/x?y", headers) == length


def test_http_1_0_needs_no_host() -> None:
    assert body_length(b"GET", "1.0", b"/", []) == 0


@pytest.mark.parametrize("host", [b"", b"x", b"[::1]:80", b"a_b.example", b"%5bx"])
def test_hosts_that_are_taken(host: bytes) -> None:
    assert body_length(b"GET", "1.1", b"/", [(b"host", host)]) == 0


@pytest.mark.parametrize(
    ("method", "version", "target", "headers", "status"),
    [
        (b"GET", "1.1", b"/", [], 400),
        (b"GET", "1.1", b"/", [HOST, HOST], 400),
        (b"GET", "1.0", b"/", [HOST, HOST], 400),
        (b"GET", "1.1", b"/", [(b"host", b"a b")], 400),
        (b"GET", "1.1", b"/", [(b"host", b"a/b")], 400),
        (b"GET", "1.1", b"/", [(b"host", b"a\xff")], 400),
        (b"GET", "0.9", b"/", [HOST], 400),
        (b"GET", "1.1", b"*", [HOST], 400),
        (b"GET", "1.1", b"ftp://x/", [HOST], 400),
        (b"GET", "1.1", b"http://x", [HOST], 400),
        (b"CONNECT", "1.1", b"/", [HOST], 501),
        (b"POST", "1.0", b"/", [HOST, (b"transfer-encoding", b"chunked")], 400),
        (b"POST", "1.1", b"/", [HOST, (b"transfer-encoding", b"chunked")] * 2, 400),
        (b"POST", "1.1", b"/", [HOST, (b"transfer-encoding", b"gzip, chunked")], 501),
        (b"POST", "1.1", b"/", [HOST, (b"expect", b"a-pony")], 417),
    ],
)
def test_what_is_refused(
    method: bytes, version: str, target: bytes, headers: list[tuple[bytes, bytes]], status: int
) -> None:
    with pytest.raises(HttpError) as caught:
        body_length(method, version, target, headers)
    assert caught.value.status == status
