"""Which forms are ours."""

import pytest

from gateway.console import csrf
from gateway.console.session import Session
from gateway.http_errors import HttpError

PUBLIC = "https://hooks.example.com"
Headers = dict[str, str]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://10.0.0.1:8080"},
        {"origin": PUBLIC},
        {"referer": f"{PUBLIC}/console/webhooks/new"},
        {"sec-fetch-site": "same-origin", "origin": PUBLIC},
    ],
)
def test_a_form_of_ours_passes(headers: Headers) -> None:
    csrf.check_origin(raw({"host": "10.0.0.1:8080"} | headers), PUBLIC)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": f"{PUBLIC}.evil.example"},
        {"referer": "https://evil.example/console"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": PUBLIC},
        {"origin": "https://", "host": ""},
    ],
)
def test_a_form_of_another_site_does_not(headers: Headers) -> None:
    with pytest.raises(HttpError, match="another site"):
        csrf.check_origin(raw({"host": "10.0.0.1:8080"} | headers), PUBLIC)


def test_a_form_belongs_to_its_session_alone() -> None:
    mine, other = Session(ends=1), Session(ends=1)
    csrf.check_token(mine, csrf.token(mine))
    for session, shown in ((other, csrf.token(mine)), (mine, ""), (mine, "ä")):
        with pytest.raises(HttpError, match="does not belong to your session"):
            csrf.check_token(session, shown)
    with pytest.raises(HttpError, match="does not belong to your session"):
        csrf.check_session(None)


def raw(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]
