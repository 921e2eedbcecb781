"""A revoked token is refused at every door within five seconds, whichever service remembers it."""

import asyncio
import time
from pathlib import Path

from tests.support.platform import platform
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT
from tests.support.tenant import tenant

WITHIN_SECONDS = 5.0


async def test_a_revoked_token_is_refused_at_every_door_within_five_seconds(database: Database, tmp_path: Path) -> None:
    async with platform(database, tmp_path, operator_account_id=ACCOUNT) as house:
        owner = await tenant(house, "Owner")
        mine = f"/api/v1/accounts/{owner.account_id}"
        made = (
            await house.call("POST", f"{mine}/tokens", json={"name": "n", "permission_set": "admin"}, token=owner.token)
        ).json
        doors = (
            f"/api/v3/accounts/{owner.account_id}/webhooks/subscriptions",
            f"{mine}/deliveries/{owner.ids['delivery_id']}",
            f"{mine}/tasks/{owner.ids['task_id']}",
        )

        async def statuses() -> list[int]:
            answers = await asyncio.gather(*(house.call("GET", door, token=made["token"]) for door in doors))
            return [answer.status for answer in answers]

        assert await statuses() == [200, 200, 200]
        revoked = await house.call("DELETE", f"{mine}/tokens/{made['token_id']}", token=owner.token)
        assert revoked.status == 200
        since = time.monotonic()
        while await statuses() != [401, 401, 401]:
            assert time.monotonic() - since < WITHIN_SECONDS
            await asyncio.sleep(0.1)  # no service tells when it forgets
        await asyncio.sleep(0.2)
        assert await statuses() == [401, 401, 401]
        assert (await house.call("GET", doors[0], token=owner.token)).status == 200
