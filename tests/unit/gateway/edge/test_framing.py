"""Where messages end, wherever the network cut them."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.framing import Framing

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n\r\n"


def pieces(framing: Framing, data: bytes, lengths: dict[int, int]) -> list[bytes]:
    """What one read is cut into; `lengths` says which bodies follow the heads that end at these places."""
    found, start = [], 0
    while start < len(data):
        end = framing.cut(data, start)
        assert end > start
        found.append(data[start:end])
        start = end
        if start in lengths:
            framing.expect_body(lengths.pop(start))
    return found


def test_heads_end_at_blank_lines_and_bodies_at_their_length() -> None:
    body = b"\r\n\r\n\r\n"
    data = HEAD + body + HEAD + HEAD[:10]
    assert pieces(Framing(), data, {len(HEAD): len(body)}) == [HEAD, body, HEAD, HEAD[:10]]


@given(st.lists(st.sampled_from([HEAD, b"4\r\nab\r\n\r\n0\r\n\r\n", b"\r\n\r\n", b"\r", b"\n", b"x\r\n"])), st.data())
def test_however_it_is_cut_no_piece_goes_on_after_a_blank_line_and_no_byte_is_lost(
    parts: list[bytes], data: st.DataObject
) -> None:
    sent = b"".join(parts)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(sent)))))
    reads = [sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    framing = Framing()
    found = [piece for read in reads for piece in pieces(framing, read, {})]
    assert b"".join(found) == sent
    ends, end = set(), 0
    for piece in found:
        end += len(piece)
        ends.add(end)
    at = 0
    while (at := sent.find(b"\r\n\r\n", at)) >= 0:
        at += 4
        assert at in ends


@given(st.lists(st.integers(1, 50), min_size=1), st.integers(1, 30))
def test_a_body_is_cut_at_its_length_in_however_many_reads(lengths: list[int], read: int) -> None:
    framing = Framing()
    for length in lengths:
        framing.expect_body(length)
        left = length
        while left:
            end = framing.cut(b"\r\n" * read, 0)
            assert end == min(left, 2 * read)
            left -= end
