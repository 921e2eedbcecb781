"""Which trigger a token leads to: found by hash, remembered for seconds, never for one that is gone."""

import asyncio

import pytest

from chassis.errors import NotFound
from tests.support.postgres import Database
from tests.support.trigger import KEY_RING, pod
from trigger_svc import token_book
from trigger_svc.store import token as tokens
from trigger_svc.token_book import TokenBook
from trigger_svc.trigger import new_token


async def test_many_that_ask_at_once_share_a_query(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with pod(database) as one:
        made = [await one.trigger() for _ in range(5)]
        asked: list[int] = []
        real = tokens.find_targets

        async def counted(pool: object, token_hashes: list[bytes]) -> object:
            asked.append(len(token_hashes))
            return await real(one.pool, token_hashes)

        monkeypatch.setattr(tokens, "find_targets", counted)
        book = TokenBook(one.pool, KEY_RING)
        targets = await asyncio.gather(*(book.target(token) for _ in range(100) for _, token in made))
        assert [target.trigger_id for target in targets] == [trigger.trigger_id for trigger, _ in made] * 100
        assert len(asked) <= 2
        await book.target(made[0][1])
        assert len(asked) <= 2, "remembered"


async def test_an_expired_token_leads_nowhere_once_it_is_forgotten(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pod(database) as one:
        trigger, token = await one.trigger()
        book = TokenBook(one.pool, KEY_RING)
        assert (await book.target(token)).trigger_id == trigger.trigger_id
        await one.pool.execute("update trigger.token set expires_at = clock_timestamp()")
        monkeypatch.setattr(token_book, "KNOWN_SECONDS", 0.0)
        with pytest.raises(NotFound):
            await TokenBook(one.pool, KEY_RING).target(token)


async def test_guesses_fill_no_more_than_the_room_there_is(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_book, "MOST_REMEMBERED", 10)
    async with pod(database) as one:
        _, token = await one.trigger()
        book = TokenBook(one.pool, KEY_RING)
        answers = await asyncio.gather(*(book.target(new_token()) for _ in range(100)), return_exceptions=True)
        assert all(isinstance(answer, NotFound) for answer in answers)
        assert len(book._remembered) <= 10
        assert (await book.target(token)).max_bytes == 8 * 1024 * 1024
