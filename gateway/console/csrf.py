"""Whether a form comes from a page of ours. Invariant: a POST changes nothing before both questions are answered.

It must carry a token made of its session's seed, which only a page that was served to that session has; and where the
browser says from which origin it comes, that must be this one.
"""

import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import urlsplit

from gateway.console.session import Session
from gateway.http_errors import HttpError

FIELD = "csrf"
_TOO_OLD = "this form does not belong to your session, which may have ended: open the page again and repeat"
_FOREIGN = "this form was sent from another site"


def token(session: Session) -> str:
    """What the forms of a session carry."""
    return hmac.new(session.seed.encode(), b"runhook console form", hashlib.sha256).hexdigest()


def check_origin(headers: Iterable[tuple[bytes, bytes]], public_url: str) -> None:
    """HttpError 403 when the browser says that another site sends this."""
    sent = {name: value.decode("latin-1") for name, value in headers}
    if sent.get(b"sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HttpError(403, _FOREIGN, reason="FOREIGN_FORM")
    said = sent.get(b"origin") or sent.get(b"referer")
    if said is None:
        return
    ours = {sent.get(b"host", ""), urlsplit(public_url).netloc}
    if urlsplit(said).netloc not in ours - {""}:
        raise HttpError(403, _FOREIGN, reason="FOREIGN_FORM")


def check_session(session: Session | None) -> Session:
    """HttpError 403 for a form without a session: it is not even read."""
    if session is None:
        raise HttpError(403, _TOO_OLD, reason="FORM_EXPIRED")
    return session


def check_token(session: Session, shown: str) -> None:
    """HttpError 403 when the form is not one of this session's."""
    if not hmac.compare_digest(token(session).encode(), shown.encode()):
        raise HttpError(403, _TOO_OLD, reason="FORM_EXPIRED")
