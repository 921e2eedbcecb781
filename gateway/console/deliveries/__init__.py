"""The pages of deliveries: found, read, delivered again one by one, and recovered by filter."""

from gateway.console.deliveries import detail, listing, recovering

PAGES = (
    *listing.PAGES,
    *detail.PAGES,
    *recovering.PAGES,
)
