"""What subscription_svc counts, beside what chassis counts of every service.

| name | kind | labels | what |
|---|---|---|---|
| runhook_subscription_changes_total | counter | change | committed changes: created, updated, deleted, deactivated, rotated, \
promoted, headers_set |
| runhook_account_changes_total | counter | change | committed changes: created, token_created, token_revoked |
"""

from prometheus_client import Counter

_CHANGES = Counter("runhook_subscription_changes_total", "Committed changes of subscriptions.", ["change"])
CREATED = _CHANGES.labels("created")
UPDATED = _CHANGES.labels("updated")
DELETED = _CHANGES.labels("deleted")
DEACTIVATED = _CHANGES.labels("deactivated")
ROTATED = _CHANGES.labels("rotated")
PROMOTED = _CHANGES.labels("promoted")
HEADERS_SET = _CHANGES.labels("headers_set")

_ACCOUNT_CHANGES = Counter(
    "runhook_account_changes_total", "Committed changes of accounts and their tokens.", ["change"]
)
ACCOUNT_CREATED = _ACCOUNT_CHANGES.labels("created")
TOKEN_CREATED = _ACCOUNT_CHANGES.labels("token_created")
TOKEN_REVOKED = _ACCOUNT_CHANGES.labels("token_revoked")
