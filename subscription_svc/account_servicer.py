"""AccountService: parse, call one verb, convert. Invariant: a service token sees and changes its own account alone."""

import asyncpg

from runhook.subscription.v1 import account_service_pb2 as pb
from runhook.subscription.v1.account_service_pb2_grpc import AccountServiceServicer
from subscription_svc import convert, look_up_accounts, rights
from subscription_svc.admission import Admission, Context
from subscription_svc.create_account import create_account
from subscription_svc.create_token import create_token
from subscription_svc.revoke_token import revoke_token


class AccountServicer(AccountServiceServicer):
    """The calls about accounts and their service tokens, of which each may have `most_tokens` living ones."""

    def __init__(self, pool: asyncpg.Pool, admission: Admission, most_tokens: int) -> None:
        self._pool = pool
        self._admission = admission
        self._most_tokens = most_tokens

    async def CreateAccount(self, request: pb.CreateAccountRequest, context: Context) -> pb.CreateAccountResponse:
        """Makes an account; the only answer with its first token's text."""
        caller = await self._admission.operator(context)
        made, token, text = await create_account(self._pool, caller, convert.new_account(request.account))
        return pb.CreateAccountResponse(
            account=convert.account_message(made), service_token=convert.token_message(token), token=text
        )

    async def ListAccounts(self, request: pb.ListAccountsRequest, context: Context) -> pb.ListAccountsResponse:
        """Returns one page of the accounts that the caller may see."""
        caller = await self._admission.anybody(context)
        found, next_page_token = await look_up_accounts.accounts(
            self._pool, caller, page_size=request.page_size, page_token=request.page_token
        )
        return pb.ListAccountsResponse(
            accounts=[convert.account_message(one) for one in found], next_page_token=next_page_token
        )

    async def CreateServiceToken(
        self, request: pb.CreateServiceTokenRequest, context: Context
    ) -> pb.CreateServiceTokenResponse:
        """Makes a service token; the only answer with its text."""
        account_id = request.service_token.account_id
        caller = await self._admission.one_of(context, account_id, rights.TOKEN_WRITE)
        made, text = await create_token(
            self._pool, caller, account_id, convert.new_token(request.service_token), most=self._most_tokens
        )
        return pb.CreateServiceTokenResponse(service_token=convert.token_message(made), token=text)

    async def ListServiceTokens(
        self, request: pb.ListServiceTokensRequest, context: Context
    ) -> pb.ListServiceTokensResponse:
        """Returns one page."""
        await self._admission.one_of(context, request.account_id, rights.TOKEN_READ)
        found, next_page_token = await look_up_accounts.tokens(
            self._pool, request.account_id, page_size=request.page_size, page_token=request.page_token
        )
        return pb.ListServiceTokensResponse(
            service_tokens=[convert.token_message(one) for one in found], next_page_token=next_page_token
        )

    async def RevokeServiceToken(
        self, request: pb.RevokeServiceTokenRequest, context: Context
    ) -> pb.RevokeServiceTokenResponse:
        """Ends a service token."""
        caller = await self._admission.one_of(context, request.account_id, rights.TOKEN_WRITE)
        ended = await revoke_token(self._pool, caller, request.account_id, request.token_id)
        return pb.RevokeServiceTokenResponse(service_token=convert.token_message(ended))
