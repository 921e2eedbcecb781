"""Places: counted in all and by neighbourhood, and given back once."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from gateway.edge.crowd import EXEMPT, Crowd, Place, neighbourhood
from gateway.http_errors import HttpError


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_neighbourhoods(address: str, expected: str) -> None:
    assert neighbourhood(address) == expected


def refusal(ask: Callable[[], object]) -> str | None:
    """Why there is no room; None when there is."""
    try:
        ask()
    except HttpError as error:
        return f"{error.status} {error.reason}"
    return None


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c", EXEMPT]), st.booleans()), max_size=60))
def test_places_are_counted_in_all_and_for_each_neighbourhood(steps: list[tuple[str, bool]]) -> None:
    crowd = Crowd(most=8, most_each=3, most_bytes=400)
    there: list[tuple[str, Place]] = []
    for name, comes in steps:
        mine = [place for owner, place in there if owner == name]
        if not comes and mine:
            for _ in range(2):
                mine[0].leave()
            there.remove((name, mine[0]))
        elif len(there) == 8:
            assert refusal(lambda: crowd.enter(name)) == "503 CONNECTIONS"  # noqa: B023
        elif name != EXEMPT and len(mine) == 3:
            assert refusal(lambda: crowd.enter(name)) == "503 CONNECTIONS_OF_ADDRESS"  # noqa: B023
        else:
            there.append((name, crowd.enter(name)))
    for _, place in there:
        place.leave()


def test_an_address_holds_a_quarter_of_the_bytes_and_all_together_hold_them_all() -> None:
    crowd = Crowd(most=10, most_each=10, most_bytes=400)
    first, again, second, third, proxy = places = [crowd.enter(name) for name in ("a", "a", "b", "c", EXEMPT)]
    first.hold(60)
    again.hold(40)
    assert refusal(lambda: again.hold(1)) == "503 BODIES"
    second.hold(100)
    proxy.hold(200)
    assert refusal(lambda: third.hold(1)) == "503 BODIES"
    first.release()
    again.hold(60)
    for place in places[:-1]:
        place.leave()
    proxy.hold(200)
    proxy.leave()


def test_what_is_given_back_is_no_longer_counted() -> None:
    crowd = Crowd(most=10, most_each=10, most_bytes=400)
    names = ("runhook_gateway_connections", "runhook_gateway_body_bytes")
    before = [REGISTRY.get_sample_value(name) for name in names]
    place = crowd.enter("a")
    place.hold(100)
    for _ in range(2):
        place.leave()
    assert [REGISTRY.get_sample_value(name) for name in names] == before
