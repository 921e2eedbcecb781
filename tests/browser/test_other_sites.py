"""What another site can do to whoever is signed in: lead them to a page, and nothing else."""

import pytest
from playwright.async_api import Page, Route, expect

from tests.support.platform import Platform

pytestmark = pytest.mark.asyncio(loop_scope="module")
ELSEWHERE = "http://elsewhere.example/"


async def site(page: Page, html: str) -> None:
    """Opens a page of another site that says this."""

    async def answer(route: Route) -> None:
        await route.fulfill(content_type="text/html", body=f"<!doctype html><title>x</title>{html}")

    await page.route(ELSEWHERE, answer)
    await page.goto(ELSEWHERE)


async def test_a_link_leads_to_the_page_without_another_sign_in(page: Page, house: Platform) -> None:
    await site(page, f'<a href="{house.call.url}/console/webhooks/new">here</a>')
    await page.get_by_role("link", name="here").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("New webhook")


async def test_a_form_does_nothing(page: Page, house: Platform) -> None:
    fields = '<input name="name" value="Theirs"><input name="event_types" value="job.run.started"><button>go</button>'
    await site(page, f'<form method="post" action="{house.call.url}/console/webhooks">{fields}</form>')
    await page.get_by_role("button", name="go").click()
    await expect(page.locator("main")).to_contain_text("this form was sent from another site", ignore_case=True)
    await page.goto(f"{house.call.url}/console/webhooks")
    await expect(page.locator("main")).to_contain_text("Make the first webhook")
