"""A first-time user makes a task and a trigger, sends calls, sees the window fill and close and the run finish."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.support.platform import Platform

pytestmark = pytest.mark.asyncio(loop_scope="module")
JSON = {"Content-Type": "application/json"}


async def test_calls_fill_a_window_before_the_eyes_of_whoever_made_the_trigger(page: Page, house: Platform) -> None:
    await page.get_by_role("link", name="Triggers").first.click()
    await page.get_by_role("link", name="Make a task").click()
    await page.get_by_label("Name", exact=True).fill("Load orders")
    await page.get_by_label("Command").fill("dbt_build")
    await page.get_by_role("button", name="Make the task").click()
    await page.get_by_role("link", name="New trigger").click()
    await page.get_by_label("Name", exact=True).fill("orders")
    await page.get_by_label("Calls that close a window").fill("2")
    await page.get_by_role("button", name="Make the trigger").click()
    url = re.sub("^.*/t/", "/t/", await page.locator("#url").inner_text())
    await page.get_by_role("link", name="Watch its window").click()
    await page.get_by_role("button", name="Send a test call").click()
    await expect(page.locator("main")).to_contain_text("The call was answered 204")
    await expect(page.locator("#windows")).to_contain_text("1 of 2 calls")

    await page.locator("#flush").focus()
    assert (await house.call("POST", url, data=b"{}", token=None, headers=JSON)).status == 204
    past = page.get_by_role("table", name="Windows, newest first")  # which nobody asked for: the page renews itself
    await expect(past).to_contain_text("full: it had as many calls as close it")
    await past.get_by_role("link", name="waiting").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("waiting")
    async with house.triggers.runner() as runner:
        lease = await runner.take()
        await house.triggers.start(lease)
        await expect(page.get_by_role("heading", level=1)).to_contain_text("running")
        await house.triggers.append(lease, b"1 of 1 OK\n")
        await house.triggers.finish(lease)
        await house.triggers.store(lease)
    await expect(page.get_by_role("heading", level=1)).to_contain_text("succeeded")
    await expect(page.get_by_role("button", name="Run again")).to_be_visible()
    await expect(page.get_by_role("button", name="Cancel this execution")).to_have_count(0)
    await page.get_by_role("table").get_by_role("link").first.click()
    await expect(page.locator("#log")).to_have_text("1 of 1 OK\n")
