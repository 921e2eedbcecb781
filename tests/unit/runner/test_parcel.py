"""Artifacts on their way out of a pod."""

import base64
import gzip
import hashlib
import os

import pytest

from runner.artifacts import Artifact
from runner.kubernetes.parcel import BEGIN, END, MOST_PACKED_BYTES, is_whole, pack, unpack

FILES = [
    Artifact(name="a.json", content=b"{}\n" * 10_000),
    Artifact(name="b", content=b""),
    Artifact(name="c", content=os.urandom(999)),
]


def parcel(content: bytes) -> bytes:
    """A parcel that holds these bytes, whatever they are."""
    packed = gzip.compress(content)
    return b"\n".join([BEGIN, base64.b64encode(packed), END + hashlib.sha256(packed).hexdigest().encode(), b""])


def test_what_is_packed_is_unpacked() -> None:
    text = pack(FILES, ["d: too large"])
    assert is_whole(text)
    assert unpack(text) == (tuple(FILES), ("d: too large",))
    assert unpack(pack([], [])) == ((), ())


def test_what_does_not_fit_is_left_out_and_said() -> None:
    large = Artifact(name="large", content=os.urandom(MOST_PACKED_BYTES))
    artifacts, left_out = unpack(pack([*FILES, large], []))
    assert artifacts == tuple(FILES)
    assert left_out == ("large: too large, compressed, for the way out of its pod",)


def test_a_parcel_that_is_cut_changed_or_none_is_refused() -> None:
    text = pack(FILES, [])
    for cut in range(0, len(text) - 1, 97):
        assert not is_whole(text[:cut])
        with pytest.raises(ValueError, match=r"whole|changed"):
            unpack(text[:cut])
    with pytest.raises(ValueError, match="changed"):
        unpack(text.replace(b"\n", b"\nAAAA", 1))
    with pytest.raises(ValueError, match="whole"):
        unpack(b"command not found\n")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]\n",
        b'{"artifacts": [["a", 5]], "left_out": []}\nxx',
        b'{"artifacts": [["a", -1], ["b", 3]], "left_out": []}\nxx',
        b'{"artifacts": 7, "left_out": []}\n',
        b'{"artifacts": [["", 0]], "left_out": []}\n',
    ],
)
def test_a_parcel_that_lies_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="form that nobody knows"):
        unpack(parcel(content))


def test_a_parcel_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        unpack(parcel(bytes(64 * 1024 * 1024)))


def test_a_name_that_leads_elsewhere_is_made_anew() -> None:
    artifacts, _ = unpack(parcel(b'{"artifacts": [["../../etc/passwd", 1]], "left_out": []}\nx'))
    assert [artifact.name for artifact in artifacts] == ["_._.._etc_passwd"]
