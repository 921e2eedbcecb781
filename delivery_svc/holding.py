"""What a pod holds, and of which accounts: leased to it and not yet committed as anything else.

Invariant: `ids` is what `by_account` counts, so that the fair shares (share.py) are of what really takes room.
"""

from collections.abc import Iterable, Mapping


class Holding:
    """Ids of deliveries; how many of each account."""

    __slots__ = ("_account_of", "by_account", "ids")

    def __init__(self) -> None:
        self.ids: set[int] = set()
        self.by_account: dict[int, int] = {}
        self._account_of: dict[int, int] = {}

    def hold(self, accounts: Mapping[int, int]) -> None:
        """Takes these in: accounts by delivery."""
        by_account = self.by_account
        for delivery_id, account_id in accounts.items():
            if delivery_id not in self.ids:
                by_account[account_id] = by_account.get(account_id, 0) + 1
        self.ids.update(accounts)
        self._account_of.update(accounts)

    def release(self, delivery_ids: Iterable[int]) -> None:
        """Lets go of these; of one that is not held, nothing."""
        account_of, by_account = self._account_of, self.by_account
        for delivery_id in delivery_ids:
            account_id = account_of.pop(delivery_id, None)
            if account_id is None:
                continue
            self.ids.discard(delivery_id)
            if by_account[account_id] == 1:
                del by_account[account_id]
            else:
                by_account[account_id] -= 1
