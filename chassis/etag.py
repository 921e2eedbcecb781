"""What an update may insist on: that nothing has changed since its caller read it.

Invariant: an etag names one version of one thing; an empty one insists on nothing.
"""

from chassis.errors import FailedPrecondition


def etag_of(version: int) -> str:
    """The etag of a version."""
    return str(version)


def check_etag(etag: str, version: int, what: str) -> None:
    """FailedPrecondition when `etag` is of another version of the thing, which callers know as `what`."""
    if etag and etag != etag_of(version):
        raise FailedPrecondition("ETAG_MISMATCH", f"the {what} has changed since it was read: read it again")
