"""Accounts and their service tokens."""

from collections.abc import AsyncIterator
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from runhook.connection import Connection
from runhook.paging import pages
from runhook.subscription.v1 import account_service_pb2 as pb
from runhook.subscription.v1.account_pb2 import ACCOUNT_PLAN_UNSPECIFIED, Account, AccountPlan, ServiceToken
from runhook.subscription.v1.account_service_pb2_grpc import AccountServiceStub
from runhook.timestamps import timestamp_of

if TYPE_CHECKING:
    from runhook.subscription.v1.account_service_pb2_grpc import AccountServiceAsyncStub


class Accounts:
    """The tenants, and what their callers show."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> "AccountServiceAsyncStub":
        return AccountServiceStub(self._connection.channel)

    async def create(
        self,
        name: str,
        *,
        account_id: int = 0,
        plan: AccountPlan.ValueType = ACCOUNT_PLAN_UNSPECIFIED,
    ) -> pb.CreateAccountResponse:
        """Makes an account and its first service token, whose text is in this answer alone. For the platform's operator."""
        wanted = Account(account_id=account_id, name=name, plan=plan)
        request = pb.CreateAccountRequest(account=wanted)
        return await self._connection.call(self._stub.CreateAccount, request, repeatable=False)

    async def list(self, *, page_size: int = 0) -> AsyncIterator[Account]:
        """The accounts that the caller may see, by number."""

        async def fetch(page_token: str) -> pb.ListAccountsResponse:
            request = pb.ListAccountsRequest(page_size=page_size, page_token=page_token)
            return await self._connection.call(self._stub.ListAccounts, request, repeatable=True)

        async for page in pages(fetch):
            for account in page.accounts:
                yield account

    async def create_token(
        self,
        account_id: int,
        *,
        name: str,
        permission_set: str,
        expire_time: datetime | None = None,
    ) -> pb.CreateServiceTokenResponse:
        """Makes a service token; the answer's `token` is shown this once."""
        wanted = ServiceToken(
            account_id=account_id, name=name, permission_set=permission_set, expire_time=timestamp_of(expire_time)
        )
        request = pb.CreateServiceTokenRequest(service_token=wanted)
        return await self._connection.call(self._stub.CreateServiceToken, request, repeatable=False)

    async def list_tokens(self, account_id: int, *, page_size: int = 0) -> AsyncIterator[ServiceToken]:
        """An account's service tokens, revoked ones too, in the order of their making."""

        async def fetch(page_token: str) -> pb.ListServiceTokensResponse:
            request = pb.ListServiceTokensRequest(account_id=account_id, page_size=page_size, page_token=page_token)
            return await self._connection.call(self._stub.ListServiceTokens, request, repeatable=True)

        async for page in pages(fetch):
            for service_token in page.service_tokens:
                yield service_token

    async def revoke_token(self, account_id: int, token_id: int) -> ServiceToken:
        """Revokes a service token: within 5 seconds it is refused everywhere. NotFound."""
        request = pb.RevokeServiceTokenRequest(account_id=account_id, token_id=token_id)
        answer = await self._connection.call(self._stub.RevokeServiceToken, request, repeatable=True)
        return answer.service_token
