"""Changes what was named of a thing that the API replaces as a whole. Invariant: what others changed meanwhile is kept."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cli.api import Api, Record


def change(api: "Api", path: str, kept: Iterable[str], changes: Mapping[str, Any]) -> "Record":
    """What is at the path, with these changes; an object in them changes the keys that it has.

    Trouble when somebody else has changed it since it was read here.
    """
    if not changes:
        raise click.UsageError("name what to change, such as --name")
    before = api.call("GET", path)
    wish = {key: before[key] for key in kept if key in before}
    for key, value in changes.items():
        wish[key] = {**(wish.get(key) or {}), **value} if key in NESTED else value
    return api.call("PUT", path, body=wish, if_match=str(before.get("etag") or ""))


#: Objects whose keys are options of their own.
NESTED = frozenset({"queue_limit", "cron", "verification", "call_rules"})


def said(wish: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed, of all that could have been."""
    return {key: value for key, value in wish.items() if value is not None and value != () and value != {}}
