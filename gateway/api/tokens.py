"""/api/v1 service tokens. Invariant: a token's text is in the answer that made it, and in no other."""

from starlette.responses import Response

from gateway.answers import JsonAnswer
from gateway.paging import PageQuery
from gateway.shapes import Shape
from gateway.times import Time
from gateway.times import shown as shown_time
from gateway.visit import Visit
from runhook.subscription.v1 import account_service_pb2 as pb
from runhook.subscription.v1.account_pb2 import ServiceToken


class TokenBody(Shape):
    """A new service token: what it is for, what it may do, from when on it is refused (null or absent: never)."""

    name: str = ""
    permission_set: str = ""
    expires_at: Time | None = None


async def create(visit: Visit) -> Response:
    """POST .../tokens: 201 with the one look at its text."""
    rpc = visit.services.accounts.CreateServiceToken
    hopeless = pb.CreateServiceTokenRequest(service_token=ServiceToken(account_id=visit.account_id))
    body = await visit.read(TokenBody, rpc, hopeless)
    wanted = ServiceToken(
        account_id=visit.account_id,
        name=body.name,
        permission_set=body.permission_set,
        expire_time=body.expires_at,
    )
    answer = await visit.ask(rpc, pb.CreateServiceTokenRequest(service_token=wanted), _name)
    return JsonAnswer(shown(answer.service_token) | {"token": answer.token}, 201)


async def list_(visit: Visit) -> Response:
    """GET .../tokens?page_size=&page_token=: revoked ones too."""
    rpc = visit.services.accounts.ListServiceTokens
    hopeless = pb.ListServiceTokensRequest(account_id=visit.account_id, page_size=-1)
    query = await visit.query(PageQuery, rpc, hopeless)
    request = pb.ListServiceTokensRequest(
        account_id=visit.account_id, page_size=query.page_size, page_token=query.page_token
    )
    answer = await visit.ask(rpc, request)
    tokens = [shown(one) for one in answer.service_tokens]
    return JsonAnswer({"tokens": tokens, "next_page_token": answer.next_page_token})


async def revoke(visit: Visit) -> Response:
    """DELETE .../tokens/{token_id}: the token with its revoked_at, however often it is asked for."""
    request = pb.RevokeServiceTokenRequest(account_id=visit.account_id, token_id=visit.number("token_id"))
    answer = await visit.ask(visit.services.accounts.RevokeServiceToken, request)
    return JsonAnswer(shown(answer.service_token))


def shown(token: ServiceToken) -> dict[str, object]:
    """The token as callers see it, without its text."""
    return {
        "token_id": str(token.token_id),
        "account_id": str(token.account_id),
        "name": token.name,
        "permission_set": token.permission_set,
        "expires_at": shown_time(token.expire_time),
        "created_at": shown_time(token.create_time),
        "last_used_at": shown_time(token.last_use_time),
        "revoked_at": shown_time(token.revoke_time),
    }


def _name(field: str) -> str:
    name = field.removeprefix("service_token.")
    return "expires_at" if name == "expire_time" else name
