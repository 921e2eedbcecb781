"""Stored bodies are erased by the command: those that were named, and only once somebody said so."""

import io

import pytest

from tests.integration.cli.conftest import NOWHERE, Runhook, delivered, publish, shown, subscribe
from tests.support.receiver import Receiver


class Typed(io.StringIO):
    """What a person types at a terminal."""

    def isatty(self) -> bool:
        return True


async def test_the_bodies_of_an_event_are_erased_and_its_attempts_stay(beside: Runhook) -> None:
    async with Receiver(204) as endpoint:
        made = await subscribe(beside, endpoint.url)
        event_id = await publish(beside)
        one = (await delivered(beside, made["id"]))["delivery_id"]
    ran = await beside("erasures", "start", "--event", event_id, "--yes", "--watch", "--json")
    ended = shown(ran)
    assert (ended["state"], ended["event_id"], ended["erased"]) == ("FINISHED", event_id, 1)
    assert ran.err.splitlines()[-1] == "runhook: 1 events erased"
    erased = shown(await beside("deliveries", "get", one, "--json"))
    assert (erased["body"], erased["state"], len(erased["attempts"])) == ("", "SUCCEEDED", 1)
    assert ended in shown(await beside("erasures", "list", "--json"))
    assert shown(await beside("erasure", "show", ended["erasure_id"], "--watch", "--json")) == ended
    assert event_id in (await beside("erasures", "list")).out
    await beside("subscriptions", "delete", made["id"])


async def test_all_that_was_published_before_a_time_is_erased_on_confirmation(
    beside: Runhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = ("erasures", "start", "--all", "--before", "29d", "--watch", "--json")
    monkeypatch.setattr("sys.stdin", Typed("n\n"))
    refused = await beside(*start)
    assert (refused.code, refused.out, "all events of account 1 that" in refused.err) == (130, "", True)
    assert shown(await beside("erasures", "list", "--json", "--account", "1")) is not None
    monkeypatch.setattr("sys.stdin", Typed("y\n"))
    ended = shown(await beside(*start))
    assert (ended["state"], ended["event_id"], ended["erased"]) == ("FINISHED", None, 0)


@pytest.mark.parametrize(
    "options",
    [
        ["--yes"],
        ["--event", "wev_1", "--all", "--yes"],
        ["--event", "wev_1", "--before", "1h", "--yes"],
        ["--all"],
        ["--event", ""],
    ],
)
async def test_what_is_not_named_or_not_confirmed_is_not_erased(
    beside: Runhook, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    before = shown(await beside("erasures", "list", "--json"))
    assert (await beside("erasures", "start", *options)).code == 2
    assert shown(await beside("erasures", "list", "--json")) == before


async def test_what_is_unknown_is_not_found(beside: Runhook) -> None:
    assert (await beside("erasures", "start", "--event", "wev_" + "0" * 27, "--yes")).code == 3
    assert (await beside("erasures", "get", "999999")).code == 3
    assert (await beside("erasures", "list", "--url", NOWHERE, "--token", "t", "--account", "1")).code == 5
