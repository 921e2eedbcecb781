"""Who may call what: every call of both services passes here first. Invariant: who may not call learns and changes nothing."""

from typing import Any

import asyncpg
import grpc

from chassis.caller import Caller, Callers
from chassis.errors import NotFound, PermissionDenied
from subscription_svc import rights
from subscription_svc.store import account

Context = grpc.aio.ServicerContext[Any, Any]


class Admission:
    """Knows callers, the rights of their permission sets, and which account is the operator's (None: no account is)."""

    def __init__(self, pool: asyncpg.Pool, callers: Callers, operator_account_id: int | None) -> None:
        self._pool = pool
        self._callers = callers
        self._operator_account_id = operator_account_id

    async def anybody(self, context: Context) -> Caller:
        """Passes for every caller that we know."""
        return await self._callers.of(context)

    async def one_of(self, context: Context, account_id: int, permission_sets: frozenset[str]) -> Caller:
        """Passes for these permission sets of the account, and for our own processes."""
        caller = await self._callers.of(context)
        if account_id <= 0:
            raise NotFound("ACCOUNT_NOT_FOUND", "there is no such account")
        caller.require(account_id, permission_sets)
        return caller

    async def writer(self, context: Context, account_id: int) -> None:
        """Passes for who may write the account's subscriptions, which depends on its plan too."""
        caller = await self.one_of(context, account_id, rights.WRITE)
        if caller.permission_set not in rights.ENTERPRISE_WRITE_ONLY:
            return
        plan = await account.plan(self._pool, account_id)
        if plan is not None and not rights.may_write(caller.permission_set, plan):
            message = f"on plan {plan} a {caller.permission_set}'s service token does not write: use another token"
            raise PermissionDenied("MISSING_PERMISSION", message)

    async def operator(self, context: Context) -> Caller:
        """Passes for whoever runs the platform: our own processes, account_admin of the operator's account."""
        caller = await self._callers.of(context)
        if not caller.is_service and caller.account_id != self._operator_account_id:
            raise PermissionDenied("OPERATOR_ONLY", "only the platform's operator makes accounts: ask whoever runs it")
        if caller.account_id is not None:
            caller.require(caller.account_id, rights.ACCOUNT_WRITE)
        return caller

    async def our_own(self, context: Context) -> None:
        """Passes for our own processes alone."""
        caller = await self._callers.of(context)
        caller.require_service()
