"""What subscription_svc counts, beside what the chassis does for every process.

The sentence beside each name is what /metrics says as HELP, and docs/metrics.md as well.
"""

from prometheus_client import Counter

_CHANGES = Counter(
    "runhook_subscription_changes_total",
    "Committed changes of subscriptions: created, updated, deleted, deactivated, rotated, promoted, headers_set, "
    "delivery_settings_set, client_certificate_set.",
    ["change"],
)
CREATED = _CHANGES.labels("created")
UPDATED = _CHANGES.labels("updated")
DELETED = _CHANGES.labels("deleted")
DEACTIVATED = _CHANGES.labels("deactivated")
ROTATED = _CHANGES.labels("rotated")
PROMOTED = _CHANGES.labels("promoted")
HEADERS_SET = _CHANGES.labels("headers_set")
DELIVERY_SETTINGS_SET = _CHANGES.labels("delivery_settings_set")
CLIENT_CERTIFICATE_SET = _CHANGES.labels("client_certificate_set")

_ACCOUNT_CHANGES = Counter(
    "runhook_account_changes_total",
    "Committed changes of accounts and their tokens: created, token_created, token_revoked.",
    ["change"],
)
ACCOUNT_CREATED = _ACCOUNT_CHANGES.labels("created")
TOKEN_CREATED = _ACCOUNT_CHANGES.labels("token_created")
TOKEN_REVOKED = _ACCOUNT_CHANGES.labels("token_revoked")
