"""What other programs import to speak with Runhook: the generated stubs, a small typed client, and how to verify deliveries.

Nothing of the server, and nothing at once: a name is loaded when it is first asked for. So a receiver that imports
`runhook.verify` needs the standard library alone, and a service that imports a stub loads no client.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runhook.client import Client
    from runhook.connection import Tls
    from runhook.errors import RunhookError
    from runhook.events import job_run_event
    from runhook.retry import RetryPolicy

__version__ = "0.1.0"
__all__ = ["Client", "RetryPolicy", "RunhookError", "Tls", "__version__", "job_run_event"]

_ROOMS = {
    "Client": "client",
    "RetryPolicy": "retry",
    "RunhookError": "errors",
    "Tls": "connection",
    "job_run_event": "events",
}

if not TYPE_CHECKING:  # or a type checker takes every misspelling for a name of ours

    def __getattr__(name: str) -> object:
        if name not in _ROOMS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
