"""Every page as a browser sees it: axe finds nothing, nothing breaks the policy, nothing is wider than a phone."""

from typing import Any

import pytest
from playwright.async_api import Browser

from tests.support.browser import LOOKS, PHONE, RULES, SHOWN, WIDE, filled, opened, violations
from tests.support.platform import Platform
from tests.support.tenant import Tenant

pytestmark = pytest.mark.asyncio(loop_scope="module")
#: Pages that are a list, or a form: what they say to whoever has nothing yet is looked at, too.
PLACELESS = [path for path in SHOWN if "{" not in path and "recoveries" not in path]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("scheme", "size", "rules"), [("light", WIDE, RULES), ("dark", PHONE, LOOKS)], ids=["wide, light", "phone, dark"]
)
async def test_every_page_is_accessible(
    browser: Browser, house: Platform, furnished: Tenant, scheme: str, size: dict[str, int], rules: dict[str, Any]
) -> None:
    """About 40 pages, each loaded and examined: what costs is axe, and one test for each page would cost more."""
    found = {}
    async with opened(browser, house.call.url, furnished.token, scheme=scheme, size=size) as page:
        for path in SHOWN:
            answer = await page.goto(filled(path, furnished.ids))
            assert answer is not None
            told = await violations(page, rules)
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
