"""The whole platform but the runner inside a test: the gateway, the three services behind it, one database."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from tests.support import trigger_service
from tests.support.console import console_key
from tests.support.delivery import KEY_RING, DeliveryService, delivery_service
from tests.support.gateway import Gateway, gateway
from tests.support.postgres import Database
from tests.support.subscription import TOKEN, SubscriptionService, subscription_service
from tests.support.trigger_service import Service as TriggerService


class Platform(NamedTuple):
    """What answers, and the services that a test may look into."""

    call: Gateway
    subscriptions: SubscriptionService
    delivery: DeliveryService
    triggers: TriggerService


@asynccontextmanager
async def platform(
    database: Database, directory: Path, *, operator_account_id: int | None = None
) -> AsyncIterator[Platform]:
    """Serves all; calls carry the first account's token unless they say otherwise."""
    async with (
        subscription_service(database, key_ring=KEY_RING, operator_account_id=operator_account_id) as subscriptions,
        delivery_service(database) as delivery,
        trigger_service.service(database, directory) as triggers,
        gateway(
            token=TOKEN,
            gateway_failure_rate=0,  # refusing is what many tests are about
            gateway_console_key_file=console_key(directory),
            credential=trigger_service.CREDENTIAL,
            subscription_svc=subscriptions.target,
            delivery_svc=delivery.target,
            trigger_svc=triggers.target,
        ) as call,
    ):
        yield Platform(call, subscriptions, delivery, triggers)


async def new_token(call: Gateway, account_id: int, permission_set: str, *, token: str | None = None) -> str:
    """A service token of the account, made over REST by its account_admin (whose token is `token`)."""
    wish = {"name": f"{permission_set} {uuid.uuid4()}", "permission_set": permission_set}
    options = {} if token is None else {"token": token}
    answer = await call("POST", f"/api/v1/accounts/{account_id}/tokens", json=wish, **options)
    assert answer.status == 201, answer.body
    made: str = answer.json["token"]
    return made
