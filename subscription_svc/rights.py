"""Which permission sets may do what here. Invariant: a right that is not listed here is not there.

On a team plan a developer's service token reads webhooks and does not write them; everything else is the same on both plans.
"""

PERMISSION_SETS = (
    "account_admin",
    "admin",
    "developer",
    "member",
    "webhooks_only",
    "read_only",
    "publisher",
    "runner",
)
WRITE = frozenset({"account_admin", "admin", "developer", "member", "webhooks_only"})
READ = WRITE | {"read_only"}
ENTERPRISE_WRITE_ONLY = frozenset({"developer"})
TOKEN_WRITE = frozenset({"account_admin"})
TOKEN_READ = TOKEN_WRITE | {"admin", "developer", "member"}
#: Of the operator's account, and of no other.
ACCOUNT_WRITE = frozenset({"account_admin"})


def may_write(permission_set: str, plan: str) -> bool:
    """Whether the permission set writes subscriptions of an account on the plan, "enterprise" or "team".

    >>> may_write("developer", "team"), may_write("developer", "enterprise"), may_write("read_only", "enterprise")
    (False, True, False)
    """
    return permission_set in WRITE and not (plan == "team" and permission_set in ENTERPRISE_WRITE_ONLY)
