"""Who asks too often waits; a client with ten requests at a time never does; others never do for its sake."""

import asyncio
from collections import Counter
from typing import Any

from tests.support.gateway import Gateway, gateway, refused

V1 = "/api/v1/accounts/1/tasks/1"
V3 = "/api/v3/accounts/1/webhooks/subscriptions"


async def statuses(call: Gateway, count: int, parallel: int, **options: Any) -> Counter[int]:
    """Statuses of so many requests, so many at a time."""
    left = iter(range(count))

    async def ask_on() -> list[int]:
        return [(await call("GET", V1, **options)).status for _ in left]

    return Counter(status for part in await asyncio.gather(*(ask_on() for _ in range(parallel))) for status in part)


async def test_ten_requests_at_a_time_are_never_too_many_however_fast() -> None:
    async with gateway(token="t", gateway_token_rate=1) as call:
        assert await statuses(call, 300, 10) == {503: 300}  # no service is behind this gateway


async def test_more_at_a_time_are_told_to_wait_in_the_format_of_their_path() -> None:
    async with gateway(token="t", gateway_token_rate=1) as call:
        before = refused("token_rate")
        answers = await asyncio.gather(*(call("GET", path) for _ in range(25) for path in (V1, V3)))
        late = [answer for answer in answers if answer.status == 429]
        assert len(late) == 40
        assert refused("token_rate") == before + 40
        for answer in late:
            assert int(answer.headers["Retry-After"]) >= 1
            if "status" in answer.json and isinstance(answer.json["status"], dict):
                assert answer.json["status"]["code"] == 429
                assert answer.json["data"] is None
            else:
                assert (answer.json["status"], answer.json["reason"]) == (429, "TOKEN_RATE")


async def test_another_token_and_the_ways_without_one_are_not_concerned() -> None:
    async with gateway(token="t", gateway_token_rate=1) as call:
        flood = asyncio.gather(*(call("GET", V1) for _ in range(40)))
        other = await asyncio.gather(*(call("GET", V1, token="other") for _ in range(5)))
        assert {answer.status for answer in other} == {503}
        assert (await call("GET", "/healthz")).status == 200
        assert (await call("POST", f"/t/{'x' * 43}", token=None)).status == 503
        assert 429 in {answer.status for answer in await flood}


async def test_zero_is_no_limit() -> None:
    async with gateway(token="t", gateway_token_rate=0) as call:
        assert await statuses(call, 200, 40) == {503: 200}


async def refusal(call: Gateway, path: str) -> Any:
    """The first 429 of somebody without a token: on a busy machine an address may have room again by the next request."""
    async with asyncio.timeout(20):
        while (answer := await call("GET", path, token=None)).status != 429:
            assert answer.status == 401
        return answer


async def test_who_tries_tokens_is_slowed_down_by_its_address() -> None:
    async with gateway(gateway_failure_rate=1) as call:
        before = refused("failure_rate")
        counted = await statuses(call, 100, 1, token=None)
        assert counted[401] >= 2
        assert counted[429] == 100 - counted[401] > 50
        assert refused("failure_rate") == before + counted[429]
        for path, kind in ((V1, "application/problem+json"), (V3, "application/json")):
            answer = await refusal(call, path)
            assert answer.headers["Content-Type"] == kind
            assert int(answer.headers["Retry-After"]) == 1
        assert (await call("GET", "/healthz")).status == 200


async def test_a_token_that_was_not_refused_goes_on_at_the_address_of_one_that_was() -> None:
    async with gateway(token="mine", gateway_failure_rate=1) as call:
        assert (await call("GET", V1)).status == 503
        await refusal(call, V1)
        assert (await call("GET", V1)).status == 503
        others = (f"unseen {number}" for number in range(20))
        async with asyncio.timeout(20):
            while (await call("GET", V1, token=next(others))).status != 429:
                await refusal(call, V1)


async def test_behind_a_proxy_each_client_has_its_own_failures() -> None:
    async with gateway(gateway_failure_rate=5, trusted_proxies="127.0.0.1") as call:
        assert 429 in await statuses(call, 200, 20, token=None, headers={"X-Forwarded-For": "192.0.2.1"})
        assert await statuses(call, 5, 1, token=None, headers={"X-Forwarded-For": "192.0.2.2"}) == {401: 5}
