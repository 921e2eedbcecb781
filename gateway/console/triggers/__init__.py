"""The pages of triggers: made, watched, tried, changed, ended; with their windows and calls."""

from gateway.console.triggers import editing, listing, page, switching, trying, url, verification, windows

PAGES = (
    *listing.PAGES,
    *editing.PAGES,
    *page.PAGES,
    *url.PAGES,
    *trying.PAGES,
    *windows.PAGES,
    *verification.PAGES,
    *switching.PAGES,
)
