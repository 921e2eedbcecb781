"""The caller's token on its way from HTTP to gRPC. Invariant: it is passed on or refused, never kept, never logged."""

import re

from gateway.http_errors import HttpError

Metadata = tuple[tuple[str, str], ...]
_AUTHORIZATION = re.compile(rb"(?:token|bearer) +([\x21-\x7e]{1,512})", re.IGNORECASE)


def caller_metadata(headers: list[tuple[bytes, bytes]]) -> Metadata:
    """gRPC metadata for `Authorization: Token x` or `Bearer x`. HttpError 401 for none, two, or anything else.

    Nothing but the token is passed on: a service credential that came from outside ends here.
    """
    found = [value for name, value in headers if name == b"authorization"]
    matched = _AUTHORIZATION.fullmatch(found[0].strip()) if len(found) == 1 else None
    if matched is None:
        raise HttpError(401, "send a service token as `Authorization: Bearer <token>`", reason="TOKEN_MISSING")
    return (("authorization", f"Bearer {matched[1].decode()}"),)
