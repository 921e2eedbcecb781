"""The pages of plans: ordered steps of tasks."""

from gateway.console.plans import editing, listing, page

PAGES = (*listing.PAGES, *editing.PAGES, *page.PAGES)
