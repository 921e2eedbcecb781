"""Every page as a browser sees it: axe finds nothing, nothing breaks the policy, nothing is wider than a phone."""

import pytest
from playwright.async_api import Browser

from tests.support.browser import LOOKS, PHONE, RULES, SHOWN, WIDE, filled, opened, violations
from tests.support.platform import Platform
from tests.support.tenant import Tenant

pytestmark = pytest.mark.asyncio(loop_scope="module")
#: Pages that are a list, or a form: what they say to whoever has nothing yet is looked at, too.
PLACELESS = [path for path in SHOWN if "{" not in path and "recoveries" not in path]


@pytest.mark.timeout(300)
async def test_every_page_is_accessible_wide_and_light_as_on_a_phone_in_the_dark(
    browser: Browser, house: Platform, furnished: Tenant
) -> None:
    """About 40 pages, each loaded once and examined twice: one test for each page would cost more."""
    found = {}
    async with opened(browser, house.call.url, furnished.token) as page:
        for path in SHOWN:
            await page.set_viewport_size(WIDE)
            await page.emulate_media(color_scheme="light")
            answer = await page.goto(filled(path, furnished.ids))
            assert answer is not None
            told = await violations(page, RULES)
            await page.set_viewport_size(PHONE)
            await page.emulate_media(color_scheme="dark")
            told += await violations(page, LOOKS)
            if answer.status != 200 or told:
                found[path] = (answer.status, told)
    assert found == {}


@pytest.mark.timeout(300)
async def test_a_page_with_nothing_on_it_is_accessible_and_says_what_it_is_for(
    browser: Browser, house: Platform, empty: Tenant
) -> None:
    """As above."""
    found = {}
    async with opened(browser, house.call.url, empty.token) as page:
        for path in PLACELESS:
            await page.goto(path)
            if told := await violations(page):
                found[path] = told
    assert found == {}
