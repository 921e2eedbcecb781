"""What a head may be: sizes, shapes, and what two servers could read differently."""

import pytest

from tests.support.gateway import gateway
from tests.support.wire import HEALTHZ, request, wire

V3 = "/api/v3/accounts/1/webhooks/subscriptions"


def head_of(size: int) -> bytes:
    """A request for /healthz whose head has exactly so many bytes."""
    padding = size - len(request("GET", "/healthz", "X-Padding: "))
    return request("GET", "/healthz", "X-Padding: " + "x" * padding)


SIZES = [
    (head_of(2048), 200),
    (head_of(2049), 431),
    (head_of(300_000), 431),
    (request("GET", "/healthz", *(f"X-{n}: 1" for n in range(19))), 200),
    (request("GET", "/healthz", *(f"X-{n}: 1" for n in range(20))), 431),
    (request("GET", "/healthz?" + "x" * (512 - 9)), 200),
    (request("GET", "/healthz?" + "x" * (513 - 9)), 414),
    (request("GET", "/" + "x" * 300_000), 414),
    (b"GET /" + b"x" * 300_000, 414),
    (b"GET / HTTP/1.1\r\nX: " + b"x" * 300_000, 431),
]


@pytest.mark.parametrize("whole", [True, False], ids=["at-once", "in-pieces"])
async def test_a_head_is_taken_up_to_its_limits_and_no_further(whole: bool) -> None:
    async with gateway(gateway_head_bytes=2048, gateway_headers=20, gateway_target_bytes=512) as call:
        for sent, status in SIZES:
            async with wire(call.port) as line:
                for start in range(0, len(sent), len(sent) if whole else 1000):
                    line.send(sent[start : start + (len(sent) if whole else 1000)])
                answer = await line.answer()
                assert answer.status == status, sent[:100]
                assert (answer.headers.get("connection") == "close") is (status != 200)
                if status != 200:
                    assert answer.json["status"] == status
                    assert await line.rest() == b""


async def test_a_refusal_has_the_form_of_its_path_and_the_headers_of_every_answer() -> None:
    async with gateway(gateway_headers=10) as call:
        many = [f"X-{n}: 1" for n in range(10)]
        for path, kind in ((V3, "application/json"), ("/api/v1/accounts", "application/problem+json")):
            async with wire(call.port) as line:
                answer = await line.ask(request("GET", path, "X-Request-Id: mine-1", *many))
            assert (answer.status, answer.headers["content-type"]) == (431, kind)
            assert answer.headers["x-request-id"] == "mine-1"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["date"]
            assert ("status" in answer.json) is (path != V3) or answer.json["status"]["code"] == 431


CHUNKED = "Transfer-Encoding: chunked"
END = b"0\r\n\r\n"
MALFORMED = {
    "length beside chunks": request("POST", "/healthz", "Content-Length: 5", CHUNKED, body=END),
    "chunks beside length": request("POST", "/healthz", CHUNKED, "Content-Length: 5", body=END),
    "two lengths": request("POST", "/healthz", "Content-Length: 1", "Content-Length: 2", body=b"ab"),
    "one length twice": request("POST", "/healthz", "Content-Length: 1", "Content-Length: 1", body=b"a"),
    "a list of lengths": request("POST", "/healthz", "Content-Length: 1, 1", body=b"a"),
    "a signed length": request("POST", "/healthz", "Content-Length: +1", body=b"a"),
    "a negative length": request("POST", "/healthz", "Content-Length: -1"),
    "a length in hex": request("POST", "/healthz", "Content-Length: 0x1", body=b"a"),
    "an empty length": request("POST", "/healthz", "Content-Length: "),
    "a length beyond numbers": request("POST", "/healthz", "Content-Length: " + "9" * 30),
    "chunked twice": request("POST", "/healthz", CHUNKED, CHUNKED, body=END),
    "chunked hidden by a tab": request("POST", "/healthz", "Transfer-Encoding: \x0bchunked", body=END),
    "chunked before another": request("POST", "/healthz", "Transfer-Encoding: chunked, identity", body=END),
    "a blank before the colon": request("POST", "/healthz", "Transfer-Encoding : chunked", body=END),
    "a folded header": request("POST", "/healthz", "Transfer-Encoding:\r\n chunked", body=END),
    "chunks over 1.0": b"POST /healthz HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + END,
    "bare line feeds": b"GET /healthz HTTP/1.1\nHost: x\n\n",
    "one bare line feed": b"GET /healthz HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
    "a bare carriage return": request("GET", "/healthz", "X: a\rb"),
    "NUL in a value": request("GET", "/healthz", "X: a\0b"),
    "NUL in a name": request("GET", "/healthz", "X\0: a"),
    "a control character": request("GET", "/healthz", "X: \x01"),
    "a header without a name": request("GET", "/healthz", ": x"),
    "a header without a colon": request("GET", "/healthz", "nothing"),
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": request("GET", "/healthz", "Host: y"),
    "a host with a path": request("GET", "/healthz", host="x/y"),
    "a host with a user": request("GET", "/healthz", host="u@x"),
    "two hosts in one": request("GET", "/healthz", host="x, y"),
    "no version": b"GET /healthz\r\n\r\n",
    "a version to come": b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n",
    "HTTP/2 as such": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no path": b"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n",
    "the server as such": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "bytes above ASCII in the target": b"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "nothing but garbage": bytes(range(256)),
}
METHODS_UNKNOWN = {
    "an unknown method": b"FETCH /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tunnel": b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tunnel to a path": b"CONNECT /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
}


async def test_what_is_no_http_or_could_be_read_in_two_ways_is_400_and_the_end() -> None:
    async with gateway() as call:
        for name, sent in MALFORMED.items():
            async with wire(call.port) as line:
                answer = await line.ask(sent + HEALTHZ)
                assert (name, answer.status) == (name, 400)
                assert answer.headers["connection"] == "close"
                assert answer.json["reason"] == "MALFORMED"
                assert len(answer.headers["x-request-id"]) == 32
                assert (name, await line.rest()) == (name, b"")


BAD_CHUNKS = [b"zz\r\n", b"-1\r\n", b"2\nab", b"1\r\nab\r\n", b"f" * 20 + b"\r\n", b"0x1\r\na\r\n", b"\r\n"]


async def test_a_bad_chunk_is_400_and_its_request_never_reaches_a_service() -> None:
    async with gateway(token="t") as call:
        for chunk in BAD_CHUNKS:
            for early in (True, False):
                head = request("POST", "/api/v1/accounts/1/events", CHUNKED, "Authorization: Bearer t")
                async with wire(call.port) as line:
                    line.send(head + (b'3\r\n{"a\r\n' if early else b""))
                    answer = await line.ask(chunk)
                    assert (chunk, answer.status, answer.json["reason"]) == (chunk, 400, "MALFORMED")
                    assert await line.rest() == b""


async def test_who_says_it_waits_and_sends_a_bad_chunk_all_the_same_is_refused_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    expecting = request("POST", "/api/v1/accounts/1/events", CHUNKED, "Authorization: Bearer t", "Expect: 100-continue")
    async with gateway() as call, wire(call.port) as line:
        answer = await line.ask(expecting + b"zz\r\n\r\n" * 1000)
        assert (answer.status, answer.json["reason"]) == (400, "MALFORMED")
        assert await line.rest() == b""
    said = capsys.readouterr().out
    assert said.count("request.refused") == 1
    assert "request.failed" not in said


async def test_encodings_and_expectations_that_nobody_meets_have_their_own_answers() -> None:
    async with gateway() as call:
        for header, status in (
            ("Transfer-Encoding: gzip", 501),
            ("Transfer-Encoding: gzip, chunked", 501),
            ("Transfer-Encoding: identity", 501),
            ("Expect: 200-ok", 417),
        ):
            async with wire(call.port) as line:
                assert (header, (await line.ask(request("POST", "/healthz", header))).status) == (header, status)
                assert await line.rest() == b""


async def test_trailers_and_chunk_extensions_are_bounded_and_never_pass_for_headers() -> None:
    head = request("POST", "/api/v1/nowhere", CHUNKED)
    async with gateway() as call:
        async with wire(call.port) as line:
            answer = await line.ask(head + b"2;name=value\r\n{}\r\n0\r\nX-Request-Id: a-trailer\r\n\r\n")
            assert (answer.status, answer.headers["x-request-id"] == "a-trailer") == (404, False)
            assert (await line.ask(HEALTHZ)).status == 200
        for flood in (b"0\r\n" + b"X: y\r\n" * 100_000, b"0\r\nX: " + b"y" * 600_000, b"2;" + b"e" * 600_000):
            async with wire(call.port) as line:
                line.send(head + b"2\r\n{}\r\n")
                assert (await line.answer()).status == 404
                line.send(flood)
                assert await line.rest() == b""


async def test_ordinary_shapes_that_look_odd_are_served() -> None:
    async with gateway() as call:
        for sent in (
            b"\r\n\r\n" + HEALTHZ,
            b"GET http://other.example/healthz HTTP/1.1\r\nHost: x\r\n\r\n",
            request("GET", "/healthz", host=""),
            request("GET", "/healthz", host="[::1]:8080"),
            request("GET", "/healthz", "X: \xff\xe9"),
            request("GET", "/healthz", "Content-Length: 2", body=b"{}"),
            request(
                "GET", "/healthz", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"
            ),
            request("GET", "/healthz", "Connection: Upgrade", "Upgrade: h2c", "Content-Length: 2", body=b"{}"),
            request("GET", "/healthz", "Connection: Upgrade", "Upgrade: h2c", CHUNKED, body=b"2\r\n{}\r\n" + END),
        ):
            async with wire(call.port) as line:
                assert (await line.ask(sent)).body == b"alive\n", sent
                assert (await line.ask(HEALTHZ)).body == b"alive\n", sent


async def test_http_1_0_is_answered_and_closed() -> None:
    async with gateway() as call, wire(call.port) as line:
        line.send(b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        answer = await line.answer()
        assert (answer.body, answer.headers["connection"]) == (b"alive\n", "close")
        assert await line.rest() == b""


async def test_a_method_that_nobody_here_knows_is_501_and_the_end() -> None:
    async with gateway() as call:
        for name, sent in METHODS_UNKNOWN.items():
            async with wire(call.port) as line:
                answer = await line.ask(sent + HEALTHZ)
                assert (name, answer.status, answer.headers["connection"]) == (name, 501, "close")
                assert await line.rest() == b""
