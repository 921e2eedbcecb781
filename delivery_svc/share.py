"""Fair shares: how much of what is scarce in a pod (its room, its slots) one account may take. A pure rule.

Whoever has much leaves an eighth, or more where several have much: an account that comes with little always finds a place. An
account that is alone still fills all slots, since seven eighths of the room are more than the slots.
"""

from collections.abc import Iterable

LEFT = 8  # one in so many is left to others


def allowance(held: int, free: int) -> int:
    """How many more an account may take that has `held` already, when `free` are left: up to seven times what is left then.

    >>> allowance(0, 1024), allowance(896, 128), allowance(0, 128)
    (896, 0, 112)
    >>> allowance(0, 1)
    1
    """
    return max(0, -((held - (LEFT - 1) * free) // LEFT))


def may_take(held: int, free: int) -> bool:
    """Whether that is one at least."""
    return held < (LEFT - 1) * free


def claimable(held: Iterable[int], size: int) -> int:
    """How many more may be leased by a statement that does not see accounts, in a room of `size` of which accounts have
    `held`: it leaves free what those that have much may not take.

    >>> claimable([896], 1024), claimable([400, 3], 1024), claimable([100] * 10, 1024)
    (0, 496, 896)
    """
    left = size // LEFT
    return max(0, size - left - sum(one for one in held if one > left))
