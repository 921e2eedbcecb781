"""What subscription_svc counts, beside what chassis counts of every service.

| name | kind | labels | what |
|---|---|---|---|
| runhook_subscription_changes_total | counter | change: created, updated, deleted | committed changes |
"""

from prometheus_client import Counter

_CHANGES = Counter("runhook_subscription_changes_total", "Committed changes of subscriptions.", ["change"])
CREATED = _CHANGES.labels("created")
UPDATED = _CHANGES.labels("updated")
DELETED = _CHANGES.labels("deleted")
