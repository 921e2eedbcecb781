"""A running subscription_svc and clients of it, for the tests of this folder."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import grpc
import pytest

from runhook.subscription.v1.account_service_pb2_grpc import AccountServiceStub
from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from tests.support.postgres import Database
from tests.support.subscription import SubscriptionService, subscription_service

if TYPE_CHECKING:
    from runhook.subscription.v1.account_service_pb2_grpc import AccountServiceAsyncStub
    from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceAsyncStub


@pytest.fixture
async def service(database: Database) -> AsyncIterator[SubscriptionService]:
    """The service over this test's database."""
    async with subscription_service(database) as running:
        yield running


@pytest.fixture
async def stub(service: SubscriptionService) -> "AsyncIterator[SubscriptionServiceAsyncStub]":
    """A client of it."""
    async with grpc.aio.insecure_channel(service.target) as channel:
        yield SubscriptionServiceStub(channel)


@pytest.fixture
async def accounts(service: SubscriptionService) -> "AsyncIterator[AccountServiceAsyncStub]":
    """A client of its AccountService."""
    async with grpc.aio.insecure_channel(service.target) as channel:
        yield AccountServiceStub(channel)
