"""The pages of tasks: what runs execute."""

from gateway.console.tasks import editing, listing, page

PAGES = (*listing.PAGES, *editing.PAGES, *page.PAGES)
