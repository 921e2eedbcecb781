"""Reading answers: how the bytes were cut on their way changes nothing."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from delivery_svc.sending.answer import Answer, AnswerError

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nRetry-After: 1\r\n\r\n"

PIECES = st.sampled_from(
    [
        *(
            CHUNKED,
            INTERIM,
            b"HTTP/1.1 200 OK\r\n",
            b"Content-Length: 3\r\n",
            b"Connection: close\r\n",
            b"\r\n",
            b"abc",
        ),
        *(
            b"Retry-After: 7\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"0\r\n\r\n",
            b"HTTP/1.0 500 X\r\n\r\n",
            b"\n",
            b":",
        ),
    ]
)
STREAMS = st.lists(st.one_of(PIECES, st.binary(max_size=10)), max_size=10).map(b"".join)

Ending = tuple[str, int, bytes, float | None]


def read(pieces: list[bytes], limit: int = 65536) -> Ending:
    answer = Answer(limit)
    try:
        for piece in pieces:
            answer.feed(piece)
            if answer.complete:
                break
        kind = "complete" if answer.end() else "broken off"
    except AnswerError:
        return ("garbage", 0, b"", None)
    return (
        (kind, answer.status_code, answer.excerpt, answer.retry_after(0.0)) if answer.complete else (kind, 0, b"", None)
    )


@given(STREAMS, st.lists(st.integers(0, 200), max_size=6))
@example(CHUNKED, [17, 47, 49])
@example(INTERIM + CHUNKED, [len(INTERIM)])
def test_the_cuts_between_pieces_change_nothing(stream: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(edges)]
    assert read(pieces) == read([stream])


@given(st.binary(max_size=300))
def test_any_bytes_are_an_answer_or_an_answer_error(stream: bytes) -> None:
    read([stream])
    read([stream[at : at + 1] for at in range(len(stream))])


def test_the_next_answer_on_a_connection_starts_afresh() -> None:
    answer = Answer(65536)
    answer.feed(INTERIM + b"HTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno")
    assert (answer.status_code, answer.excerpt, answer.reusable, answer.retry_after(0.0)) == (503, b"no", True, 7.0)
    answer.begin()
    assert (answer.status_code, answer.excerpt, answer.received, answer.complete) == (0, b"", 0, False)
    answer.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert (answer.status_code, answer.complete, answer.reusable, answer.retry_after(0.0)) == (200, True, True, None)


def test_a_header_of_an_interim_answer_is_not_the_final_ones() -> None:
    assert read([INTERIM + b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"]) == ("complete", 503, b"", None)


def test_a_trailer_is_no_header() -> None:
    stream = b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nRetry-After: 7\r\n\r\n"
    assert read([stream]) == ("complete", 503, b"", None)


@pytest.mark.parametrize("size", [1, 7, 100, 1000])
def test_an_answer_is_cut_off_at_the_limit_whatever_its_pieces(size: int) -> None:
    stream = b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"x" * 9000
    assert read([stream[at : at + size] for at in range(0, len(stream), size)], limit=500)[:2] == ("complete", 200)


def test_a_body_of_known_length_that_breaks_off_is_not_complete() -> None:
    for head in (b"Content-Length: 9", b"Transfer-Encoding: chunked"):
        assert read([b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n1"])[0] == "broken off"


def test_a_body_of_unknown_length_is_complete_when_the_connection_ends() -> None:
    assert read([b"HTTP/1.1 200 OK\r\n\r\nhello"]) == ("complete", 200, b"hello", None)
