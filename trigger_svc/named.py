"""Ids that a list of tasks or plans is narrowed to. Invariant: what is named at once fits one page."""

from collections.abc import Iterator, Sequence

from chassis.errors import BadField
from chassis.paging import LARGEST_SIZE


def bad_ids(field: str, ids: Sequence[int]) -> Iterator[BadField]:
    """What is wrong with the ids in a request's field.

    >>> [bad.field for bad in bad_ids("task_ids", [7, 0, -1])], [bad.field for bad in bad_ids("task_ids", range(1, 102))]
    (['task_ids[1]', 'task_ids[2]'], ['task_ids'])
    """
    if len(ids) > LARGEST_SIZE:
        yield BadField(field, f"must be at most {LARGEST_SIZE}")
        return
    for place, one in enumerate(ids):
        if one <= 0:
            yield BadField(f"{field}[{place}]", "must be above 0")
