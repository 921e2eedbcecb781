"""The contract's calls about one subscription. Invariant: what comes back is an object, or the command ends in trouble."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cli.api import Api, Record


def read(api: "Api", subscription_id: str) -> "Record":
    """The subscription as it is."""
    return api.data("GET", _path(api, subscription_id), has="id")


def make(api: "Api", wish: Mapping[str, Any]) -> "Record":
    """A new subscription, with its `hmac_secret`."""
    return api.data("POST", f"{api.v3}/webhooks/subscriptions", has="hmac_secret", body=wish)


def replace(api: "Api", subscription_id: str, wish: Mapping[str, Any]) -> "Record":
    """The subscription as it is now: what `wish` leaves out is not kept."""
    return api.data("PUT", _path(api, subscription_id), has="id", body=wish)


def remove(api: "Api", subscription_id: str) -> None:
    """Delete it."""
    api.call("DELETE", _path(api, subscription_id))


def send_test(api: "Api", subscription_id: str) -> "Record":
    """Have one test event sent. It is a GET, but not to be repeated: each one sends an event."""
    return api.data("GET", f"{_path(api, subscription_id)}/test", has="verification_status_code", repeatable=False)


def _path(api: "Api", subscription_id: str) -> str:
    return f"{api.v3}/webhooks/subscription/{subscription_id}"
