"""Artifacts on their way out of a pod: packed into lines of text that end with a checksum, unpacked where they arrive.

Pure. The way is the log of a container of ours, which Kubernetes keeps to about 10 MiB: so the packed size is bounded,
and what arrives cut or mixed with other words is no parcel. A parcel comes from where a command ran, so unpacking
trusts nothing in it: sizes are bounded before a byte is unpacked, names are made anew.
"""

import base64
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Sequence

from runner.artifacts import MOST_BYTES, Artifact, artifact_name

#: Packed; the lines are a third longer.
MOST_PACKED_BYTES = 6 * 1024 * 1024
LINE_BYTES = 8 * 1024
LONGEST_TEXT = 9 * 1024 * 1024
BEGIN, END = b"runhook-parcel", b"runhook-end "


def pack(artifacts: Sequence[Artifact], left_out: Sequence[str]) -> bytes:
    """Lines for a log. What does not fit is left out, the last artifacts first, and said."""
    kept, sentences = list(artifacts), list(left_out)[:100]
    while len(packed := _packed(kept, sentences)) > MOST_PACKED_BYTES:
        sentences.append(f"{kept.pop().name}: too large, compressed, for the way out of its pod")
    text = base64.b64encode(packed)
    lines = [BEGIN, *(text[start : start + LINE_BYTES] for start in range(0, len(text), LINE_BYTES))]
    return b"\n".join([*lines, END + hashlib.sha256(packed).hexdigest().encode(), b""])


def is_whole(text: bytes) -> bool:
    """Whether the end of a parcel has come."""
    return text.endswith(b"\n") and text.rstrip(b"\n").rpartition(b"\n")[2].startswith(END)


def unpack(text: bytes) -> tuple[tuple[Artifact, ...], tuple[str, ...]]:
    """The artifacts and the sentences about those left out. ValueError when it is no parcel, or not whole."""
    first, *lines = text.rstrip(b"\n").split(b"\n")
    if first != BEGIN or not lines or not lines[-1].startswith(END):
        raise ValueError("the artifacts did not come whole out of the pod")
    packed = base64.b64decode(b"".join(lines[:-1]), validate=True)
    if hashlib.sha256(packed).hexdigest().encode() != lines[-1].removeprefix(END):
        raise ValueError("the artifacts were changed on their way out of the pod")
    content = _inflated(packed)
    head, _, rest = content.partition(b"\n")
    try:
        said = json.loads(head)
        names = [(artifact_name(str(name)), int(size)) for name, size in said["artifacts"]]
        left_out = tuple(str(one) for one in said["left_out"])
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError("the artifacts came in a form that nobody knows") from error
    if any(size < 0 or not name for name, size in names) or sum(size for _, size in names) != len(rest):
        raise ValueError("the artifacts came in a form that nobody knows")
    stream = io.BytesIO(rest)
    return tuple({name: Artifact(name=name, content=stream.read(size)) for name, size in names}.values()), left_out


def _packed(artifacts: Sequence[Artifact], left_out: Sequence[str]) -> bytes:
    head = {"artifacts": [(one.name, len(one.content)) for one in artifacts], "left_out": list(left_out)}
    content = b"".join([json.dumps(head).encode(), b"\n", *(one.content for one in artifacts)])
    return gzip.compress(content, compresslevel=6, mtime=0)


def _inflated(packed: bytes) -> bytes:
    most = MOST_BYTES + (1 << 20)
    machine = zlib.decompressobj(wbits=31)
    try:
        content = machine.decompress(packed, most)
    except zlib.error as error:
        raise ValueError("the artifacts came in a form that nobody knows") from error
    if not machine.eof:
        raise ValueError("the artifacts are too large")
    return content
