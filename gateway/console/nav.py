"""What the console's navigation leads to, in its order."""

from typing import NamedTuple

HOME = "/console"


class NavEntry(NamedTuple):
    """A page that every page leads to, and the beginnings of the paths that belong to it."""

    label: str
    path: str
    beginnings: tuple[str, ...]


NAV = (
    NavEntry("Overview", HOME, ()),
    NavEntry("Webhooks", "/console/webhooks", ("/console/webhooks",)),
    NavEntry("Deliveries", "/console/deliveries", ("/console/deliveries", "/console/recoveries")),
    NavEntry("Tasks", "/console/tasks", ("/console/tasks",)),
    NavEntry("Plans", "/console/plans", ("/console/plans",)),
    NavEntry("Triggers", "/console/triggers", ("/console/triggers",)),
    NavEntry("Executions", "/console/executions", ("/console/executions", "/console/runs")),
)


def is_here(entry: NavEntry, path: str) -> bool:
    """Whether a page belongs to the entry.

    >>> is_here(NAV[1], "/console/webhooks/new"), is_here(NAV[0], "/console/webhooks"), is_here(NAV[0], "/console/")
    (True, False, True)
    """
    path = path.rstrip("/")
    return path == entry.path or any(path == one or path.startswith(f"{one}/") for one in entry.beginnings)
