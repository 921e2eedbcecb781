"""Which form an error takes. Invariant: whatever is wrong with a request is answered in the form of its path."""

from collections.abc import Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway import envelope, problem
from gateway.http_errors import HttpError

Failure = Callable[[HttpError, str], Response]


def failure_of(path: str) -> Failure:
    """The envelope below /api/v2 and /api/v3, problem details elsewhere."""
    return envelope.failure if path.startswith(("/api/v2/", "/api/v3/")) else problem.failure


async def send_failure(failure: Failure, error: HttpError, scope: Scope, receive: Receive, send: Send) -> None:
    """Sends an error in this form."""
    await failure(error, scope["runhook.request_id"])(scope, receive, send)
