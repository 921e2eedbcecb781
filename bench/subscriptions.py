"""The subscriptions that the load is bound for, made through the platform's REST door as any customer would.

Invariant: a running platform gets back what it had; a throwaway ends with its subscriptions.
"""

import contextlib
from collections.abc import AsyncIterator

import aiohttp

from bench.payload import EVENT_TYPE, subscription_name
from bench.product import Product, ProductError

_TIMEOUT = aiohttp.ClientTimeout(total=10)


@contextlib.asynccontextmanager
async def subscribed(product: Product, urls: list[str], first_job_id: int) -> AsyncIterator[list[str]]:
    """One subscription per URL, to the job first_job_id + its index: their ids. ProductError when one is refused."""
    base = f"{product.gateway_url}/api/v3/accounts/{product.account_id}/webhooks"
    headers = {"Authorization": f"Token {product.token}"}
    async with aiohttp.ClientSession(headers=headers, timeout=_TIMEOUT) as session:
        made: list[str] = []
        try:
            for endpoint, url in enumerate(urls):
                made.append(await _subscribe(session, f"{base}/subscriptions", endpoint, url, first_job_id + endpoint))
            yield made
        finally:
            if product.supervisor is None:
                for subscription_id in made:
                    async with session.delete(f"{base}/subscription/{subscription_id}"):
                        pass


async def _subscribe(session: aiohttp.ClientSession, address: str, endpoint: int, url: str, job_id: int) -> str:
    wanted = {
        "active": True,
        "client_url": url,
        "event_types": [EVENT_TYPE],
        "name": subscription_name(endpoint),
        "job_ids": [job_id],
    }
    try:
        async with session.post(address, json=wanted) as answer:
            if answer.status != 201:
                raise ProductError(f"no subscription: {answer.status} {await answer.text()}")
            subscription_id: str = (await answer.json())["data"]["id"]
            return subscription_id
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ProductError(f"no subscription: {str(error) or type(error).__name__}") from error
