"""Accounts, twice: as our own resource on /api/v1, and on /api/v2 and v3 in the form that other clients start up with.

A service token sees its own account alone; any other, there or not, is answered alike.
"""

from typing import Literal

from starlette.responses import Response

from gateway import envelope, paging
from gateway.answers import JsonAnswer
from gateway.api.tokens import shown as shown_token
from gateway.http_errors import HttpError, not_found
from gateway.numbers import Id
from gateway.shapes import Shape
from gateway.times import shown as shown_time
from gateway.visit import Visit
from runhook.subscription.v1 import account_service_pb2 as pb
from runhook.subscription.v1.account_pb2 import Account, AccountPlan

MOST_SEEN = 1_000
ACTIVE = 1
PLANS = {"enterprise": AccountPlan.ACCOUNT_PLAN_ENTERPRISE, "team": AccountPlan.ACCOUNT_PLAN_TEAM}


class AccountBody(Shape):
    """A new account. `account_id` 0 lets the platform choose the number."""

    name: str = ""
    account_id: Id = 0
    plan: Literal["enterprise", "team"] = "enterprise"


async def create(visit: Visit) -> Response:
    """POST /api/v1/accounts: 201 with the account and the one look at its first service token. The operator only."""
    rpc = visit.services.accounts.CreateAccount
    body = await visit.read(AccountBody, rpc, pb.CreateAccountRequest())
    wanted = Account(account_id=body.account_id, name=body.name, plan=PLANS[body.plan])
    answer = await visit.ask(rpc, pb.CreateAccountRequest(account=wanted), _name)
    made = {"service_token": shown_token(answer.service_token), "token": answer.token}
    return JsonAnswer(shown(answer.account) | made, 201)


async def list_(visit: Visit) -> Response:
    """GET /api/v1/accounts?page_size=&page_token="""
    rpc = visit.services.accounts.ListAccounts
    query = await visit.query(paging.PageQuery, rpc, pb.ListAccountsRequest(page_size=-1))
    request = pb.ListAccountsRequest(page_size=query.page_size, page_token=query.page_token)
    answer = await visit.ask(rpc, request)
    return JsonAnswer({"accounts": [shown(one) for one in answer.accounts], "next_page_token": answer.next_page_token})


async def read(visit: Visit) -> Response:
    """GET /api/v1/accounts/{account_id}"""
    return JsonAnswer(shown(await _find(visit)))


async def list_v3(visit: Visit) -> Response:
    """GET /api/v2/accounts/ and /api/v3/accounts/, with ?limit=&offset="""
    hopeless = pb.ListAccountsRequest(page_size=-1)
    page = await paging.offset_query(visit, visit.services.accounts.ListAccounts, hopeless)
    seen = await _seen(visit)
    data = [shown_v3(one) for one in seen[page.offset : page.offset + page.limit]]
    extra = paging.extra(page, count=len(data), total_count=len(seen))
    return envelope.success(200, data, extra=extra, is_success=True)


async def read_v3(visit: Visit) -> Response:
    """GET /api/v2/accounts/{account_id}/ and /api/v3/accounts/{account_id}/"""
    return envelope.success(200, shown_v3(await _find(visit)), is_success=True)


def shown(account: Account) -> dict[str, object]:
    """The account as callers of our own API see it."""
    return {
        "account_id": str(account.account_id),
        "account_identifier": account.account_identifier,
        "name": account.name,
        "plan": _plan(account),
        "created_at": shown_time(account.create_time),
    }


def shown_v3(account: Account) -> dict[str, object]:
    """The account as other clients know it: the keys that all of them read, and no other that one may misread."""
    return {"id": account.account_id, "name": account.name, "state": ACTIVE, "plan": _plan(account)}


async def _find(visit: Visit) -> Account:
    """The account of the path. HttpError 403 when the caller's token is not its own, 404 when there can be none."""
    seen = {one.account_id: one for one in await _seen(visit)}
    account_id = visit.account_id
    if account_id in seen:
        return seen[account_id]
    if not account_id:
        raise not_found()
    raise HttpError(403, "the token is not scoped to this account: use one of its own", reason="WRONG_ACCOUNT")


async def _seen(visit: Visit) -> list[Account]:
    # One page is all: who comes through this door has a service token, and that sees one account.
    answer = await visit.ask(visit.services.accounts.ListAccounts, pb.ListAccountsRequest(page_size=MOST_SEEN))
    return list(answer.accounts)


def _plan(account: Account) -> str:
    return "team" if account.plan == AccountPlan.ACCOUNT_PLAN_TEAM else "enterprise"


def _name(field: str) -> str:
    return field.removeprefix("account.")
