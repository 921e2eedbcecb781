"""The pages of executions and runs: what was set going, how it ends, what it left behind."""

from gateway.console.executions import files, listing, page, run_page

PAGES = (*listing.PAGES, *page.PAGES, *files.PAGES, *run_page.PAGES)
