"""Which permission sets may do what with subscriptions. Invariant: a right that is not listed here is not there.

On a team plan a developer's service token reads and does not write; everything else is the same on both plans.
"""

WRITE = frozenset({"account_admin", "admin", "developer", "member", "webhooks_only"})
READ = WRITE | {"read_only"}
ENTERPRISE_WRITE_ONLY = frozenset({"developer"})


def may_write(permission_set: str, plan: str) -> bool:
    """Whether the permission set writes subscriptions of an account on the plan, "enterprise" or "team".

    >>> may_write("developer", "team"), may_write("developer", "enterprise"), may_write("read_only", "enterprise")
    (False, True, False)
    """
    return permission_set in WRITE and not (plan == "team" and permission_set in ENTERPRISE_WRITE_ONLY)
