"""Shows a trigger's windows and the calls in them. Invariant: no page is larger than what one message may carry."""

import dataclasses
from collections.abc import Sequence

import asyncpg

from chassis import paging
from chassis.errors import NotFound
from chassis.page_token import LARGEST_KEY
from trigger_svc.store import window_list
from trigger_svc.store.window_list import StoredCall, StoredWindow

#: Beside it a page holds at most 100 media types of 1,000 characters.
MOST_BODY_BYTES = 4 * 1024 * 1024


async def find_window(pool: asyncpg.Pool, trigger_id: int, window_id: int) -> StoredWindow:
    """A window of the trigger; NotFound."""
    found = await window_list.find(pool, trigger_id, window_id)
    if found is None:
        raise NotFound("WINDOW_NOT_FOUND", f"the trigger has no window {window_id}")
    return found


async def newest_window(pool: asyncpg.Pool, trigger_id: int) -> StoredWindow | None:
    """A trigger's newest window; None before its first call."""
    found = await window_list.newest(pool, trigger_id, below=LARGEST_KEY, most=1)
    return found[0] if found else None


async def list_windows(
    pool: asyncpg.Pool, trigger_id: int, *, page_size: int, page_token: str
) -> tuple[list[StoredWindow], str]:
    """A page of a trigger's windows, newest first, and the token of the next. InvalidInput."""
    page = paging.asked("windows", page_size=page_size, page_token=page_token, newest_first=True)
    found = await window_list.newest(pool, trigger_id, below=page.after, most=page.most)
    return page.cut(found, lambda one: one.window_id)


async def list_calls(
    pool: asyncpg.Pool, trigger_id: int, window_id: int, *, with_bodies: bool, page_size: int, page_token: str
) -> tuple[list[StoredCall], str]:
    """A page of a window's calls in their order, and the token of the next. InvalidInput; NotFound for the window."""
    page = paging.asked("calls", page_size=page_size, page_token=page_token)
    window = await find_window(pool, trigger_id, window_id)
    found = await window_list.calls(pool, window, above=page.after, most=page.most)
    if with_bodies:
        page = dataclasses.replace(page, size=min(page.size, _fitting([call.size_bytes for call in found])))
    shown, next_page_token = page.cut(found, lambda one: one.seq)
    if with_bodies and shown:
        bodies = await window_list.bodies(pool, window, shown[0].seq, shown[-1].seq)
        shown = [dataclasses.replace(call, body=bodies[call.seq]) for call in shown]
    return shown, next_page_token


def _fitting(sizes: Sequence[int]) -> int:
    """How many of the first fit a message: one at least, as every call does."""
    total = 0
    for place, size in enumerate(sizes):
        total += size
        if place and total > MOST_BODY_BYTES:
            return place
    return max(len(sizes), 1)
