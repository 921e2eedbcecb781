"""The console's own files: one stylesheet (the files of styles/, joined), htmx, a little script of ours.

Invariant: a file's name holds the hash of its bytes, so that it may be kept for ever and is never stale.
"""

import hashlib
from functools import cache
from pathlib import Path

from starlette.responses import Response

from gateway.http_errors import not_found

PATH = "/console/static"
_HERE = Path(__file__).parent
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_EVER = {"cache-control": "public, max-age=31536000, immutable"}


class Assets:
    """Files by the name that they are asked for with."""

    def __init__(self) -> None:
        files = {path.name: path.read_bytes() for path in sorted((_HERE / "static").iterdir()) if path.suffix in _KINDS}
        files["console.css"] = b"\n".join(path.read_bytes() for path in sorted((_HERE / "styles").glob("*.css")))
        self._paths: dict[str, str] = {}
        self._answers: dict[str, Response] = {}
        for name, content in files.items():
            stem, _, suffix = name.rpartition(".")
            hashed = f"{stem}.{hashlib.sha256(content).hexdigest()[:16]}.{suffix}"
            self._paths[name] = f"{PATH}/{hashed}"
            self._answers[hashed] = Response(content, media_type=_KINDS[f".{suffix}"], headers=_FOR_EVER)

    def path(self, name: str) -> str:
        """Where a file is served. KeyError for one that is not there."""
        return self._paths[name]

    def answer(self, hashed: str) -> Response:
        """The file itself. HttpError 404."""
        found = self._answers.get(hashed)
        if found is None:
            raise not_found()
        return found


@cache
def assets() -> Assets:
    """All of them, read once."""
    return Assets()
