"""The pages of webhooks: made, seen, tried, changed, ended."""

from gateway.console.webhooks import (
    certificate,
    delivery_settings,
    detail,
    editing,
    headers,
    listing,
    secrets,
    switching,
    trying,
)

PAGES = (
    *listing.PAGES,
    *editing.PAGES,
    *detail.PAGES,
    *switching.PAGES,
    *trying.PAGES,
    *secrets.PAGES,
    *headers.PAGES,
    *delivery_settings.PAGES,
    *certificate.PAGES,
)
