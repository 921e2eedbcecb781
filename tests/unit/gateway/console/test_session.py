"""A session is a sealed cookie: what opens it, what does not, what its browser is told."""

import base64
from collections.abc import Callable

import pytest

from chassis.keyring import KeyRing
from gateway.console.session import Session, Sessions

RING = KeyRing({"k1": bytes(32)})
TOKEN = "rhk_example"


class Clock:
    """Unix time, as a test says."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def sessions(ring: KeyRing = RING, *, secure: bool = False, clock: Callable[[], float] | None = None) -> Sessions:
    return Sessions(ring, 3600, secure=secure, clock=clock or Clock())


def value(cookie: str) -> str:
    return cookie.partition("=")[2].partition(";")[0]


def headers(cookie: str) -> list[tuple[bytes, bytes]]:
    return [(b"cookie", f"other=1; runhook_session={cookie}".encode())]


def test_a_session_comes_back_as_it_was_from_any_gateway_with_the_ring() -> None:
    made = sessions().signed_in(TOKEN, 7, "Ünïcode")
    cookie = sessions().set_cookie(made)
    assert sessions().read(headers(value(cookie))) == made
    assert (made.token, made.account_id, made.signed_in) == (TOKEN, 7, True)
    rotated = KeyRing({"k2": bytes(range(32)), "k1": bytes(32)})
    assert sessions(rotated).read(headers(value(cookie))) == made


def test_the_cookie_is_for_the_console_alone_and_for_no_script() -> None:
    cookie = sessions().set_cookie(sessions().visitor())
    assert cookie.partition("; ")[2] == "Path=/console; Max-Age=3600; HttpOnly; SameSite=Strict"
    assert sessions(secure=True).drop_cookie() == (
        "runhook_session=; Path=/console; Max-Age=0; HttpOnly; SameSite=Strict; Secure"
    )


def test_a_session_ends_whatever_its_browser_says() -> None:
    clock = Clock()
    some = sessions(clock=clock)
    cookie = value(some.set_cookie(some.signed_in(TOKEN, 7, "")))
    clock.now += 3599
    assert some.read(headers(cookie)) is not None
    clock.now += 1
    assert some.read(headers(cookie)) is None


def changed(cookie: str) -> str:
    sealed = bytearray(base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4)))
    sealed[-1] ^= 1
    return base64.urlsafe_b64encode(bytes(sealed)).decode().rstrip("=")


@pytest.mark.parametrize("spoil", [changed, lambda _: "", lambda _: "v1.k1.", lambda _: "ä", lambda cookie: cookie * 9])
def test_what_we_did_not_seal_is_no_session(spoil: Callable[[str], str]) -> None:
    some = sessions()
    cookie = value(some.set_cookie(some.signed_in(TOKEN, 7, "")))
    assert some.read(headers(spoil(cookie))) is None
    assert sessions(KeyRing({"k1": bytes(range(32))})).read(headers(cookie)) is None


def test_a_session_shows_neither_token_nor_seed() -> None:
    made = Session(ends=1, token=TOKEN)
    assert TOKEN not in repr(made)
    assert made.seed not in repr(made)
    assert TOKEN not in sessions().set_cookie(made)
