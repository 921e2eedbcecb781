"""Templates into HTML. Invariants: every value is escaped, and a template that names what is not there fails loudly.

What others wrote (names, headers, bodies, logs) is text on a page, whatever it looks like; and the policy allows no script but
the console's own files, so that even markup would do nothing.
"""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

from gateway.answers import error_headers
from gateway.console.assets import assets
from gateway.console.nav import NAV, is_here
from gateway.console.sentence import sentence
from gateway.http_errors import HttpError

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: Not no-referrer: with that, browsers send `Origin: null` with our own forms, and csrf.py could not tell them apart.
HEADERS = {"content-security-policy": POLICY, "referrer-policy": "same-origin"}


@cache
def environment() -> Environment:
    """The templates, compiled when they are first asked for."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        cache_size=-1,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["sentence"] = sentence
    made.globals.update(asset=assets().path, nav=NAV, is_here=is_here)
    return made


def compile_all() -> None:
    """Compiles every template, so that nobody's first page waits for it and none is broken unnoticed."""
    for name in environment().list_templates():
        environment().get_template(name)


def answer(template: str, context: dict[str, object], status: int = 200) -> Response:
    """A page or a fragment, as an answer that nobody keeps."""
    return Response(environment().get_template(template).render(context), status, HEADERS, media_type="text/html")


def failure(error: HttpError, request_id: str) -> Response:
    """An error, to whoever it is."""
    made = answer("failure.html", {"error": error, "request_id": request_id}, error.status)
    made.headers.update(error_headers(error))
    return made
