"""Accounts and their service tokens on /api/v1, and accounts as other clients of this API start up with them."""

from collections.abc import Mapping

from gateway.api.accounts import AccountBody
from gateway.api.tokens import TokenBody
from gateway.numbers import LARGEST
from gateway.openapi.derived import parameters_of, request_of
from gateway.openapi.errors import ENVELOPE
from gateway.openapi.operation import Operation, answer, enveloped, json_body
from gateway.openapi.operations.webhooks import PAGE
from gateway.openapi.schema import Schema, array, closed, integer, one_of, or_null, ref, string
from gateway.paging import PageQuery

TAG = "Accounts"
ACCOUNTS = "/api/v1/accounts"
TOKENS = f"{ACCOUNTS}/{{account_id}}/tokens"
PERMISSION_SETS = (
    "account_admin",
    "admin",
    "developer",
    "member",
    "webhooks_only",
    "read_only",
    "publisher",
    "runner",
)
_NAME = string(minLength=1, maxLength=255, pattern="^[^\\u0000]*$")
_PLAN = one_of("enterprise", "team", description="On `team`, a developer's service token does not write webhooks.")
_ACCOUNT: dict[str, Schema] = {
    "account_id": ref("Number"),
    "account_identifier": ref("AccountIdentifier"),
    "name": string(minLength=1, examples=["Example"]),
    "plan": _PLAN,
    "created_at": ref("Time"),
}
_TOKEN: dict[str, Schema] = {
    "token_id": ref("Number"),
    "account_id": ref("Number"),
    "name": string("What it is for.", minLength=1, examples=["Deployments"]),
    "permission_set": one_of(*PERMISSION_SETS),
    "expires_at": or_null(ref("Time"), "From when on it is refused. Null: never."),
    "created_at": ref("Time"),
    "last_used_at": or_null(ref("Time"), "To within a few minutes. Null: never."),
    "revoked_at": or_null(ref("Time"), "Null while it lives."),
}

SCHEMAS: Mapping[str, Schema] = {
    "Account": closed(_ACCOUNT),
    "NewAccount": closed(
        _ACCOUNT | {"service_token": ref("ServiceToken"), "token": ref("ServiceTokenText")},
        "An account with the one look at its first service token.",
    ),
    "AccountRequest": request_of(
        AccountBody,
        {
            "name": _NAME,
            "account_id": ref("NumberOrZeroIn", "Its number. 0 or absent: the platform chooses the next free one."),
            "plan": _PLAN | {"default": "enterprise"},
        },
        required=["name"],
    ),
    "ServiceToken": closed(_TOKEN),
    "NewServiceToken": closed(_TOKEN | {"token": ref("ServiceTokenText")}, "A token with the one look at its text."),
    "ServiceTokenRequest": request_of(
        TokenBody,
        {
            "name": _NAME,
            "permission_set": one_of(*PERMISSION_SETS),
            "expires_at": or_null(ref("TimeIn"), "At least a minute from now. Null or absent: never."),
        },
        required=["name", "permission_set"],
    ),
    "ClientAccount": closed(
        {
            "id": integer(minimum=1, examples=[4711]),
            "name": string(minLength=1, examples=["Example"]),
            "state": {"const": 1},
            "plan": _PLAN,
        },
        "An account as other clients of this API know it.",
    ),
}
PAGE_OF_OURS = {
    "page_size": integer(
        "How many at most. 0: 100. More than 1,000 is read as 1,000.", minimum=0, maximum=LARGEST, default=0
    ),
    "page_token": ref("PageToken"),
}
_NEXT = ref("NextPageToken")


def _client_accounts(version: str) -> tuple[Operation, Operation]:
    path = f"/api/{version}/accounts"
    return (
        Operation(
            method="get",
            path=path,
            id=f"listAccounts{version.upper()}",
            summary=f"List the caller's account ({version})",
            description="What clients of this API ask for when they start. A service token sees its own account alone.",
            query=PAGE,
            answers={
                200: enveloped(200, "The accounts.", array(ref("ClientAccount")), is_success=True, extra="PageExtra")
            },
            errors_as=ENVELOPE,
        ),
        Operation(
            method="get",
            path=f"{path}/{{account_id}}",
            id=f"getAccount{version.upper()}",
            summary=f"Read the caller's account ({version})",
            answers={200: enveloped(200, "The account.", ref("ClientAccount"), is_success=True)},
            errors_as=ENVELOPE,
        ),
    )


OPERATIONS = (
    Operation(
        method="post",
        path=ACCOUNTS,
        id="createAccount",
        summary="Make an account",
        description="For the platform's operator: an account_admin of the operator's own account. The answer is the one place "
        "where the text of its first service token ever stands. A number that is taken is 409.",
        body=json_body(ref("AccountRequest"), {"name": "Example", "plan": "enterprise"}),
        answers={201: answer("The account and its first service token.", ref("NewAccount"))},
        errors=(409,),
    ),
    Operation(
        method="get",
        path=ACCOUNTS,
        id="listAccounts",
        summary="List the accounts that the caller may see",
        description="A service token sees its own account alone.",
        query=parameters_of(PageQuery, PAGE_OF_OURS),
        answers={200: answer("By number.", closed({"accounts": array(ref("Account")), "next_page_token": _NEXT}))},
    ),
    Operation(
        method="get",
        path=f"{ACCOUNTS}/{{account_id}}",
        id="getAccount",
        summary="Read an account",
        answers={200: answer("The account.", ref("Account"))},
    ),
    Operation(
        method="post",
        path=TOKENS,
        id="createServiceToken",
        summary="Make a service token",
        description="The answer is the one place where its text ever stands: the platform keeps a hash. When the account "
        "has as many as it may have it is 409, reason `TOKEN_LIMIT`.",
        body=json_body(ref("ServiceTokenRequest"), {"name": "Deployments", "permission_set": "publisher"}),
        answers={201: answer("The token with its text.", ref("NewServiceToken"))},
        errors=(409,),
    ),
    Operation(
        method="get",
        path=TOKENS,
        id="listServiceTokens",
        summary="List an account's service tokens",
        description="In the order of their making, revoked ones too, none with its text.",
        query=parameters_of(PageQuery, PAGE_OF_OURS),
        answers={200: answer("A page.", closed({"tokens": array(ref("ServiceToken")), "next_page_token": _NEXT}))},
    ),
    Operation(
        method="delete",
        path=f"{TOKENS}/{{token_id}}",
        id="revokeServiceToken",
        summary="Revoke a service token",
        description="Within 5 seconds it is refused everywhere. It may be asked for again and stays as it is. The account's "
        "last account_admin token is not revoked: 409, reason `LAST_ADMIN_TOKEN`.",
        answers={200: answer("The token with its revoked_at.", ref("ServiceToken"))},
        errors=(409,),
    ),
    *_client_accounts("v2"),
    *_client_accounts("v3"),
)
