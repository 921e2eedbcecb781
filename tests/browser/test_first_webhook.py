"""A first-time user makes a webhook, tries it, sees a delivery fail, reads why, and delivers it again."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.support.platform import Platform
from tests.support.receiver import Receiver
from tests.support.tenant import EVENTS, Tenant

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_webhook_is_made_tried_and_what_failed_is_read_and_delivered_again(
    page: Page, house: Platform, empty: Tenant
) -> None:
    async with Receiver(500, 503, 204) as receiver:
        await page.get_by_role("link", name="Webhooks").first.click()
        await page.get_by_role("link", name="Make the first webhook").click()
        await refused(page)
        await page.get_by_label("Name").fill("Orders")
        await page.get_by_label("Endpoint").fill(receiver.url)
        await page.get_by_role("button", name="Make the webhook").click()
        await copied(page)

        await page.get_by_role("button", name="Send a test").click()
        await expect(page.get_by_role("alert")).to_contain_text("The endpoint answered 500 Internal Server Error")
        await page.get_by_role("link", name="To the webhook").click()
        await page.get_by_role("link", name="Change the delivery settings").click()
        await page.get_by_label("None: one attempt").check()
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("status").first).to_contain_text("The delivery settings are saved")

        published = await house.call(
            "POST", f"/api/v1/accounts/{empty.account_id}/events", json=EVENTS, token=empty.token
        )
        assert published.status == 200, published.body
        await house.delivery.drained()
        await page.get_by_role("link", name="All of its deliveries").click()
        await page.get_by_role("table").get_by_role("link").first.click()
        await expect(page.locator("main")).to_contain_text("503 Service Unavailable")
        await page.get_by_role("button", name="Redeliver").click()
        assert (await receiver.request(3)).body == (await receiver.request(2)).body


async def refused(page: Page) -> None:
    """Sends the form as it is, and goes from the summary to the first field that is wrong."""
    await page.get_by_role("button", name="Make the webhook").click()
    await expect(page.get_by_role("alert")).to_contain_text("Nothing was changed")
    await page.get_by_role("alert").get_by_role("link", name="name").click()
    assert page.url.endswith("#f-name")


async def copied(page: Page) -> None:
    """The secret that is shown once is copied by its button."""
    secret = page.locator("#secret")
    await expect(secret).to_have_text(re.compile("^[0-9a-f]{40}$"))
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy the signing secret").click()
    await expect(page.locator("#said")).to_have_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == await secret.inner_text()
