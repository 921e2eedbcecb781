"""Rows E29 to E31 of the contract: what a Content-Encoding lets in, and that no body grows beyond its bounds."""

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import InvalidInput, ResourceExhausted
from trigger_svc.content_coding import decoded

MIB = 1024 * 1024
TEXT = b"some text that is not very long"


def _raw_deflate(body: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(body) + deflater.flush()


def _decoded(coding: bytes, raw: bytes, *, accepted: bool = True) -> bytes:
    return decoded(coding, raw, accepted=accepted, most=MIB)


@pytest.mark.parametrize(
    ("coding", "raw"),
    [
        (b"", TEXT),
        (b"identity", TEXT),
        (b"gzip", gzip.compress(TEXT, mtime=0)),
        (b" X-GZIP ", gzip.compress(TEXT, mtime=0)),
        (b"deflate", zlib.compress(TEXT)),
        (b"deflate", _raw_deflate(TEXT)),
    ],
)
def test_one_layer_is_taken_off(coding: bytes, raw: bytes) -> None:
    assert _decoded(coding, raw) == TEXT


def test_no_body_is_no_body_in_any_coding() -> None:
    for coding in (b"gzip", b"deflate", b""):
        assert _decoded(coding, b"") == b""


@pytest.mark.parametrize("coding", [b"br", b"zstd", b"compress", b"gzip, gzip", b"gzip, identity", b"\xff", b"*"])
def test_any_other_coding_is_refused(coding: bytes) -> None:
    assert _reason(coding, gzip.compress(TEXT)) == "CODING_UNSUPPORTED"


def test_a_trigger_that_accepts_none_refuses_all() -> None:
    for coding in (b"gzip", b"deflate"):
        with pytest.raises(InvalidInput) as refused:
            _decoded(coding, gzip.compress(TEXT), accepted=False)
        assert refused.value.reason == "CODING_UNSUPPORTED"


@pytest.mark.parametrize("coding", [b"gzip", b"deflate"])
@pytest.mark.parametrize("spoil", [lambda raw: raw[:-1], lambda raw: raw[1:], lambda raw: raw + b"x", lambda raw: TEXT])
def test_what_does_not_decompress_is_refused(coding: bytes, spoil: object) -> None:
    raw = gzip.compress(TEXT) if coding == b"gzip" else zlib.compress(TEXT)
    assert _reason(coding, spoil(raw)) == "CODING_INVALID"  # type: ignore[operator]


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    bomb = gzip.compress(bytes(512 * MIB), compresslevel=1)[: 900 * 1024]
    bombs = (bomb, gzip.compress(bytes(MIB + 1)), gzip.compress(bytes(5_000)))  # by size, by size, by ratio
    tracemalloc.start()
    for one in bombs:
        with pytest.raises(ResourceExhausted) as refused:
            _decoded(b"gzip", one)
        assert refused.value.reason == "CALL_TOO_LARGE"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * MIB


@given(
    raw=st.binary(max_size=200),
    coding=st.sampled_from([b"gzip", b"deflate", b"identity", b"br"]) | st.binary(max_size=5),
)
def test_any_bytes_come_out_or_are_refused(raw: bytes, coding: bytes) -> None:
    reasons = {"CODING_UNSUPPORTED", "CODING_INVALID", "CALL_TOO_LARGE"}
    try:
        size = len(_decoded(coding, raw))
    except (InvalidInput, ResourceExhausted) as refused:
        reasons.remove(refused.reason)
        size = 0
    assert size <= MIB


def _reason(coding: bytes, raw: bytes) -> str:
    with pytest.raises(InvalidInput) as refused:
        _decoded(coding, raw)
    return refused.value.reason
