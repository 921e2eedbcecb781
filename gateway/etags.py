"""If-Match and ETag: an update may insist that nothing has changed since its caller read it (412 when it has)."""

import re

from gateway.visit import Visit

_QUOTED = re.compile(r'"([^"]+)"')
#: An etag that nothing ever has: for a header that names none of ours.
_NOBODYS = "-"


def if_match(visit: Visit) -> str:
    """What the services call an etag; empty where any will do."""
    sent = visit.header(b"if-match")
    if sent is None or sent.strip() == "*":
        return ""
    quoted = _QUOTED.fullmatch(sent.strip())
    return quoted[1] if quoted else _NOBODYS


def etag_header(etag: str) -> dict[str, str]:
    """The header of an answer."""
    return {"ETag": f'"{etag}"'}
