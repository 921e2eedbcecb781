"""Finds what answers at a path, in as many steps as the path has segments.

A template's `{name}` stands for one whole segment that is not empty. Invariant: a path is cut at its slashes as they were
sent and decoded afterwards, so %2F never makes two segments out of one.
"""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote

from starlette.types import ASGIApp


class Found(NamedTuple):
    """What answers, and what stands in the places of its template."""

    app: ASGIApp
    values: dict[str, str]


class _Branch:
    """What may follow a segment: words of templates, or anything where a template has a place."""

    def __init__(self) -> None:
        self.words: dict[str, _Branch] = {}
        self.anything: _Branch | None = None
        self.app: ASGIApp | None = None
        self.names: tuple[str, ...] = ()


class Paths:
    """Templates and their apps. Where a word and a place could stand, the word wins."""

    def __init__(self, apps: Mapping[str, ASGIApp]) -> None:
        self._root = _Branch()
        for template, app in apps.items():
            self._add(template, app)

    def find(self, raw_path: bytes) -> Found | None:
        """What answers at the path; one slash at its end is none. None where nothing does."""
        path = raw_path.decode("utf-8", "replace").removesuffix("/")
        segments = path.split("/")
        if "%" in path:
            segments = [unquote(segment) for segment in segments]
        branch, values = self._root, []
        for segment in segments[1:]:
            following = branch.words.get(segment)
            if following is None:
                following = branch.anything
                if following is None or not segment:
                    return None
                values.append(segment)
            branch = following
        return None if branch.app is None else Found(branch.app, dict(zip(branch.names, values, strict=True)))

    def _add(self, template: str, app: ASGIApp) -> None:
        branch, names = self._root, []
        for segment in template.removesuffix("/").split("/")[1:]:
            if segment.startswith("{"):
                names.append(segment[1:-1])
                branch.anything = branch.anything or _Branch()
                branch = branch.anything
            else:
                branch = branch.words.setdefault(segment, _Branch())
        branch.app, branch.names = app, tuple(names)
