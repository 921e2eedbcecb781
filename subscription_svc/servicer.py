"""SubscriptionService: parse, call one verb, convert. Invariant: who may not call learns and changes nothing."""

from typing import Any

import asyncpg
import grpc

from chassis.caller import Caller, Callers
from chassis.errors import NotFound, PermissionDenied
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceServicer
from subscription_svc import convert, look_up, rights
from subscription_svc.store import account
from subscription_svc.subscribe import Subscriber
from subscription_svc.unsubscribe import unsubscribe
from subscription_svc.update import update

Context = grpc.aio.ServicerContext[Any, Any]


class Servicer(SubscriptionServiceServicer):
    """The five calls."""

    def __init__(self, pool: asyncpg.Pool, callers: Callers, subscriber: Subscriber) -> None:
        self._pool = pool
        self._callers = callers
        self._subscriber = subscriber

    async def CreateSubscription(
        self, request: pb.CreateSubscriptionRequest, context: Context
    ) -> pb.CreateSubscriptionResponse:
        """Makes a subscription; the only answer with its secret."""
        await self._admit_writer(context, request.subscription.account_id)
        made, secret = await self._subscriber.subscribe(
            request.subscription.account_id, convert.configuration(request.subscription)
        )
        return pb.CreateSubscriptionResponse(subscription=convert.message(made), signing_secret=secret)

    async def GetSubscription(self, request: pb.GetSubscriptionRequest, context: Context) -> pb.GetSubscriptionResponse:
        """Returns one subscription."""
        await self._admit(context, request.account_id, rights.READ)
        found = await look_up.one(self._pool, request.account_id, request.subscription_id)
        return pb.GetSubscriptionResponse(subscription=convert.message(found))

    async def ListSubscriptions(
        self, request: pb.ListSubscriptionsRequest, context: Context
    ) -> pb.ListSubscriptionsResponse:
        """Returns one page."""
        await self._admit(context, request.account_id, rights.READ)
        found, total = await look_up.page(
            self._pool, request.account_id, page_size=request.page_size, skip=request.skip
        )
        return pb.ListSubscriptionsResponse(subscriptions=[convert.message(one) for one in found], total_size=total)

    async def UpdateSubscription(
        self, request: pb.UpdateSubscriptionRequest, context: Context
    ) -> pb.UpdateSubscriptionResponse:
        """Replaces a subscription's configuration."""
        wanted = request.subscription
        await self._admit_writer(context, wanted.account_id)
        after = await update(self._pool, wanted.account_id, wanted.subscription_id, convert.configuration(wanted))
        return pb.UpdateSubscriptionResponse(subscription=convert.message(after))

    async def DeleteSubscription(
        self, request: pb.DeleteSubscriptionRequest, context: Context
    ) -> pb.DeleteSubscriptionResponse:
        """Deletes a subscription."""
        await self._admit_writer(context, request.account_id)
        await unsubscribe(self._pool, request.account_id, request.subscription_id)
        return pb.DeleteSubscriptionResponse()

    async def _admit(self, context: Context, account_id: int, permission_sets: frozenset[str]) -> Caller:
        caller = await self._callers.of(context)
        if account_id <= 0:
            raise NotFound("ACCOUNT_NOT_FOUND", "there is no such account")
        caller.require(account_id, permission_sets)
        return caller

    async def _admit_writer(self, context: Context, account_id: int) -> None:
        caller = await self._admit(context, account_id, rights.WRITE)
        if caller.permission_set not in rights.ENTERPRISE_WRITE_ONLY:
            return
        plan = await account.plan(self._pool, account_id)
        if plan is not None and not rights.may_write(caller.permission_set, plan):
            message = f"on plan {plan} a {caller.permission_set}'s service token does not write: use another token"
            raise PermissionDenied("MISSING_PERMISSION", message)
