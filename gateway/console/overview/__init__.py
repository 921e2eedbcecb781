"""The first page: how the account's deliveries, windows and runs do, and who serves them."""

from gateway.console.overview.page import PAGES

__all__ = ["PAGES"]
