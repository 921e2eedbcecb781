"""How a log is cut into pieces."""

from hypothesis import given
from hypothesis import strategies as st

from runner.client import CHUNK_BYTES
from runner.printed import next_piece


def test_what_is_longer_than_a_piece_is_cut_after_its_last_whole_line() -> None:
    line = b"x" * 99 + b"\n"
    piece = next_piece(line * 10_000)
    assert len(piece) == CHUNK_BYTES // 100 * 100


@given(st.text(alphabet="aé€\U0001f4a5", min_size=1, max_size=8), st.integers(0, 3))
def test_a_line_longer_than_a_piece_is_cut_between_two_characters(text: str, shift: int) -> None:
    waiting = bytearray(("a" * shift + text * CHUNK_BYTES).encode())
    piece = next_piece(waiting)
    assert CHUNK_BYTES - 4 < len(piece) <= CHUNK_BYTES
    piece.decode()
