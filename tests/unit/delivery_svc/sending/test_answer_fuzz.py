"""The answer parser against everything: whole answers, cut, mutated, prefixed and followed by what should not be there.

What must hold of any bytes, however they were cut: the same ending, no exception but AnswerError, and nothing kept
beyond the limit.
"""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from delivery_svc.sending.answer import EXCERPT_BYTES, HEAD_BYTES, Answer, AnswerError

LIMIT = 700  # small, so that a random answer may well go beyond it
INTERIM = st.sampled_from(
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\nX-Step: 1\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nRetry-After: 1\r\n\r\n",
        b"\r\n",
    ]
)
HEADERS = st.lists(
    st.sampled_from(
        [
            b"Retry-After: 7\r\n",
            b"Connection: close\r\n",
            b"Connection: keep-alive\r\n",
            b"X-Empty:\r\n",
            b"Date: Sun, 22 Nov 2026 08:49:37 GMT\r\n",
            b"X-Long: " + b"y" * 300 + b"\r\n",
            "X-Wide: caf\u00e9\r\n".encode("latin-1"),
        ]
    ),
    max_size=4,
).map(b"".join)
FIRST_LINE = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 503 \r\n",
        b"HTTP/1.0 500 Oh\r\n",
        b"HTTP/1.1 204 None\r\n",
        b"HTTP/1.1 302\r\n",
    ]
)
TRAILER = st.sampled_from([b"", b"X-Sum: 1\r\n", b"Retry-After: 99\r\n"])
EXTENSION = st.sampled_from([b"", b";a=b", b';a="b c"', b";x"])


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """The framing headers with the end of the head and the body: of known length, chunked, or up to the close."""
    body = draw(st.one_of(st.binary(max_size=900), st.just(b"z" * (EXCERPT_BYTES + 900))))
    framing = draw(st.sampled_from(["length", "chunked", "close"]))
    if framing == "length":
        return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    if framing == "close":
        return b"\r\n" + body
    edges = [0, *sorted(draw(st.lists(st.integers(1, max(1, len(body))), max_size=4))), len(body)]
    chunks = [body[start:end] for start, end in pairwise(edges) if body[start:end]]
    written = b"".join(b"%x%b\r\n%b\r\n" % (len(chunk), draw(EXTENSION), chunk) for chunk in chunks)
    return b"Transfer-Encoding: chunked\r\n\r\n" + written + b"0\r\n" + draw(TRAILER) + b"\r\n"


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """A valid answer, perhaps after interim ones."""
    interim = b"".join(draw(st.lists(INTERIM, max_size=3)))
    return interim + draw(FIRST_LINE) + draw(HEADERS) + draw(bodies())


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """A valid answer with some bytes replaced, taken out, doubled, and something before or behind it."""
    stream = bytearray(draw(answers()))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(0, len(stream) - 1)))
        way = draw(st.sampled_from(["replace", "remove", "insert", "double"]))
        if way == "replace":
            stream[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
        elif way == "remove":
            del stream[at : at + draw(st.integers(1, 20))]
        elif way == "insert":
            stream[at:at] = draw(st.sampled_from([b"\r", b"\n", b"\r\n", b"\x00", b":", b" ", b"HTTP/1.1 ", b"\xff"]))
        else:
            stream[at:at] = stream[at : at + draw(st.integers(1, 60))]
    return draw(st.binary(max_size=3)) * draw(st.booleans()) + bytes(stream)


STREAMS = st.one_of(
    answers(),
    mutants(),
    st.tuples(answers(), st.one_of(answers(), st.binary(max_size=20))).map(b"".join),
    st.binary(max_size=200),
)
CUTS = st.lists(st.integers(0, 1500), max_size=12)

Ending = tuple[str, int, bytes, bytes, float | None]
NO_ANSWER = (0, b"", b"", None)


def read(pieces: list[bytes], limit: int = LIMIT) -> Ending:
    """What a connection makes of these pieces, with the peer's close behind them."""
    answer = Answer(limit)
    try:
        for piece in pieces:
            answer.feed(piece)
            assert_bounded(answer, limit)
            if answer.complete:
                break
        complete = answer.end()
    except AnswerError:
        assert_bounded(answer, limit)
        return ("garbage", *NO_ANSWER)
    if not complete:
        return ("broken off", *NO_ANSWER)
    return ("complete", answer.status_code, answer.head, answer.excerpt, answer.retry_after(0.0))


def assert_bounded(answer: Answer, limit: int) -> None:
    assert len(answer._head) <= limit
    assert len(answer.excerpt) <= min(EXCERPT_BYTES, limit)
    if answer.status_code:
        assert len(answer.head) <= HEAD_BYTES
        assert not answer.head or answer.head.endswith(b"\r\n")
        assert b"\r\n\r\n" not in answer.head


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    return [stream[start:end] for start, end in pairwise([0, *sorted(cuts), max(len(stream), *cuts, 0)])]


def by_bytes(stream: bytes) -> list[bytes]:
    return [stream[at : at + 1] for at in range(len(stream))]


@settings(max_examples=400, deadline=None)
@given(STREAMS, CUTS, st.sampled_from([LIMIT, 65536]))
@example(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", [100], LIMIT)
@example(b"HTTP/1.1 200 OK\r\nContent-Length: 700\r\n\r\n" + b"x" * 700, [LIMIT], LIMIT)
@example(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"x" * 9000, [100, 5000], 65536)
def test_any_chopping_of_any_bytes_comes_to_the_same_ending(stream: bytes, cuts: list[int], limit: int) -> None:
    whole = read([stream], limit)
    assert read(cut(stream, [0, *cuts]), limit) == whole
    assert read(by_bytes(stream), limit) == whole


@settings(deadline=None)
@given(answers())
def test_of_a_valid_answer_cut_off_at_any_byte_nothing_invalid_is_seen(stream: bytes) -> None:
    for at in range(len(stream)):
        kind, *_ = read([stream[:at]], limit=65536)
        assert kind in {"complete", "broken off"}


@settings(deadline=None)
@given(answers(), st.one_of(answers(), st.binary(min_size=1, max_size=20)))
def test_what_follows_an_answer_changes_nothing_but_the_connections_use(first: bytes, second: bytes) -> None:
    alone = Answer(65536)
    alone.feed(first)
    if not alone.complete:
        return  # up to the close: whatever follows belongs to it
    both = Answer(65536)
    both.feed(first + second)
    assert (both.status_code, both.head, both.excerpt) == (alone.status_code, alone.head, alone.excerpt)
    assert not both.reusable or not second.strip(b"\r\n")


@settings(deadline=None)
@given(st.lists(answers(), min_size=1, max_size=4))
def test_answers_on_one_connection_are_read_as_if_each_were_alone(streams: list[bytes]) -> None:
    kept = Answer(65536)
    for stream in streams:
        kept.feed(stream)
        alone = Answer(65536)
        alone.feed(stream)
        assert (kept.status_code, kept.head, kept.excerpt) == (alone.status_code, alone.head, alone.excerpt)
        assert (kept.complete, kept.reusable) == (alone.complete, alone.reusable)
        if not (kept.complete and kept.reusable):
            return
        kept.begin()


@settings(deadline=None)
@given(HEADERS, st.lists(INTERIM, max_size=3).map(b"".join))
def test_the_head_is_the_final_answers_header_lines(headers: bytes, interim: bytes) -> None:
    stream = interim + b"HTTP/1.1 200 OK\r\n" + headers + b"Content-Length: 0\r\n\r\n"
    assert read([stream], limit=65536)[2] == headers + b"Content-Length: 0\r\n"


def test_a_head_without_lines_is_empty() -> None:
    assert read([b"HTTP/1.1 204 No Content\r\n\r\n"])[:3] == ("complete", 204, b"")


@pytest.mark.parametrize("length", [*range(HEAD_BYTES - 40, HEAD_BYTES - 20), HEAD_BYTES + 5000])
def test_of_a_long_head_the_whole_lines_within_four_kibibytes_are_kept(length: int) -> None:
    first, last = b"X-First: 1\r\n", b"X-Last: 1234\r\n"
    filler = b"X: " + b"y" * (length - len(first) - len(last)) + b"\r\n"
    stream = b"HTTP/1.1 200 OK\r\n" + first + filler + last + b"\r\n"
    whole = first + filler + last
    expected = next(kept for kept in (whole, first + filler, first) if len(kept) <= HEAD_BYTES)
    assert read([stream], limit=65536)[2] == expected


def test_a_first_line_longer_than_what_is_kept_leaves_nothing() -> None:
    stream = b"HTTP/1.1 200 OK\r\nX: " + b"y" * 5000 + b"\r\nContent-Length: 0\r\n\r\n"
    assert read([stream], limit=65536)[:3] == ("complete", 200, b"")
