"""Pictures of every page of the console: `python -m tests.support.screenshots` writes docs/console/*.png.

The main pages are there in dark, too; each page is there as wide as a desk's and as a phone's. They are made to be looked at.
"""

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, FloatRect, ViewportSize

from standalone import binaries
from standalone.postgres import Postgres
from tests.support.browser import PHONE, SHOWN, WIDE, chromium, filled, opened
from tests.support.platform import Platform, platform
from tests.support.postgres import Cluster, running_server
from tests.support.receiver import Receiver
from tests.support.subscription import ACCOUNT
from tests.support.tenant import DATA, Tenant, tenant, webhook_body

FOLDER = Path(__file__).parents[2] / "docs" / "console"
MAIN = (
    "/console",
    "/console/webhooks",
    "/console/webhooks/{webhook_id}",
    "/console/deliveries/{delivery_id}",
    "/console/triggers/{trigger_id}",
    "/console/executions/{execution_id}",
)
TALLEST = 1600


async def furnish(house: Platform, account: Tenant, receivers: dict[str, Receiver]) -> None:
    """More webhooks, of which one fails, and deliveries to them."""
    mine = account.account_id
    for name, receiver in receivers.items():
        wish = webhook_body(name) | {"client_url": receiver.url}
        await house.call("POST", f"/api/v3/accounts/{mine}/webhooks/subscriptions", json=wish, token=account.token)
    events = [{"eventType": "job.run.completed", "data": DATA | {"runId": number}} for number in range(1, 13)]
    await house.call("POST", f"/api/v1/accounts/{mine}/events", json={"events": events}, token=account.token)
    async with asyncio.timeout(30):
        for receiver in receivers.values():
            await receiver.request(12)


async def pictures(browser: Browser, url: str, account: Tenant, scheme: str, size: ViewportSize, paths: Any) -> None:
    """One of each page."""
    async with opened(browser, url, account.token, scheme=scheme, size=size) as page:
        for path in paths:
            await page.goto(filled(path, account.ids))
            height = await page.evaluate("document.documentElement.scrollHeight")
            clip: FloatRect = {"x": 0, "y": 0, "width": size["width"], "height": min(height, TALLEST)}
            dark = "-dark" if scheme == "dark" else ""
            await page.screenshot(path=FOLDER / f"{name(path)}-{size['width']}{dark}.png", full_page=True, clip=clip)


def name(path: str) -> str:
    """
    >>> name("/console/webhooks/{webhook_id}/edit"), name("/console")
    ('webhooks-one-edit', 'overview')
    """
    parts = ["one" if part.startswith("{") else part for part in path.split("/")[2:]]
    return "-".join(parts) or "overview"


async def write(server: Postgres, directory: Path) -> None:
    """All of them, anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    cluster = Cluster(server)
    await cluster.make_template()
    database = await cluster.create()
    async with (
        platform(database, directory, operator_account_id=ACCOUNT) as house,
        Receiver(204) as slack,
        Receiver(200) as catalogue,
        Receiver(503) as pager,
        chromium() as browser,
    ):
        account = await tenant(house, "Example Ltd")
        await furnish(house, account, {"Orders to Slack": slack, "Data catalogue": catalogue, "Pager": pager})
        for scheme, paths in (("light", SHOWN), ("dark", MAIN)):
            for size in (WIDE, PHONE):
                await pictures(browser, house.call.url, account, scheme, size, paths)


if __name__ == "__main__":
    with running_server(binaries.find(os.environ)) as made, tempfile.TemporaryDirectory() as folder:
        asyncio.run(write(made, Path(folder)))
