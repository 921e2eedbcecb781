"""The console's pages: one line for each group of them, whose room has its rows in PAGES."""

from gateway.console import deliveries, executions, overview, plans, sign_in, tasks, triggers, webhooks
from gateway.console.page import Page

PAGES: tuple[Page, ...] = (
    *sign_in.PAGES,
    *overview.PAGES,
    *webhooks.PAGES,
    *deliveries.PAGES,
    *tasks.PAGES,
    *plans.PAGES,
    *triggers.PAGES,
    *executions.PAGES,
)
