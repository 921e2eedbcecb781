"""A real Chromium at the console, and what every page in it has to keep: the policy, and accessibility by axe."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Page, ViewportSize, async_playwright

from gateway.console.routes import PAGES
from tests.support.require import missing

#: What is no page but a part of one, or a file.
_PARTS = ("live", "payload", "log", "{name}", "/progress")
_QUERIES = {"/console/recoveries/new": "?subscription_id={subscription_id}"}
#: The paths of all pages for whoever is signed in.
SHOWN = [page.path for page in PAGES if page.method == "GET" and not page.open and not page.path.endswith(_PARTS)]
CHROMIUM = Path("/usr/bin/chromium")
WIDE, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=390, height=780)
#: What the rules of axe belong to: WCAG 2.2 up to AA, and good practice.
RULES: dict[str, Any] = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],  # of what passes it need not say where it is
}
#: What another width and other colours can break.
LOOKS: dict[str, Any] = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "target-size"]},
    "resultTypes": ["violations"],
}


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A headless browser; ends the test where there is none."""
    if not CHROMIUM.exists():
        missing("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@asynccontextmanager
async def opened(
    browser: Browser, url: str, token: str, *, scheme: Any = "light", size: Any = WIDE, scripts: bool = True
) -> AsyncIterator[Page]:
    """A page that is signed in. What breaks the policy, or a script of ours, fails on the way out."""
    context = await browser.new_context(
        base_url=url, color_scheme=scheme, viewport=size, java_script_enabled=scripts, reduced_motion="reduce"
    )
    page = await context.new_page()
    page.set_default_timeout(20_000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.extend(_faults(message)))
    await page.goto("/console/sign-in")
    await page.get_by_label("Service token").fill(token)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Sign out").wait_for()
    yield page
    await context.close()
    assert faults == []


def filled(path: str, ids: Mapping[str, str]) -> str:
    """The path with an account's own things in its places, and a query where a page asks for one."""
    path += _QUERIES.get(path, "")
    for place, value in ids.items():
        path = path.replace(f"{{{place}}}", value)
    return path


async def violations(page: Page, options: dict[str, Any] = RULES) -> list[str]:
    """What axe finds on the page, and whether it is wider than its window; empty when all is well."""
    found = (await Axe().run(page, options=options)).response["violations"]
    told = [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]
    if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        told.append("the page is wider than its window")
    return told


def _faults(message: ConsoleMessage) -> list[str]:
    text = message.text
    return [text] if message.type == "error" and ("Content Security Policy" in text or "Error:" in text) else []
