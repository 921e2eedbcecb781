"""What else of a webhook subscription is our own: its signing secrets and the headers that go out with its deliveries."""

from collections.abc import Mapping

from gateway.api.custom_headers import HeadersBody
from gateway.api.signing_secrets import RotateBody
from gateway.openapi.derived import request_of
from gateway.openapi.operation import Operation, answer, json_body
from gateway.openapi.schema import Schema, array, boolean, closed, or_null, ref, string

TAG = "Signing and headers"
SUBSCRIPTION = "/api/v1/accounts/{account_id}/subscriptions/{subscription_id}"
LONGEST_OVERLAP_SECONDS = 604_800
_FIELD_NAME = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
_FIELD_VALUE = "^([!-~]([\\t -~]*[!-~])?)?$"

SCHEMAS: Mapping[str, Schema] = {
    "SigningSecrets": closed(
        {
            "secrets": array(
                closed(
                    {
                        "created_at": ref("Time"),
                        "expires_at": or_null(
                            ref("Time"), "When it ends. Null: it lives until another takes its place."
                        ),
                        "signs_authorization": boolean("Whether `Authorization` is signed with it."),
                    }
                ),
                "The one that signs `Authorization` first.",
                minItems=1,
                maxItems=2,
            )
        },
        "The signing secrets that live: one, or two while one rotates. Never their text.",
    ),
    "NewSigningSecret": closed(
        {
            "hmac_secret": ref("SigningSecret"),
            "old_expires_at": ref("Time", "When the old one ends."),
        },
        "The one look at the new secret.",
    ),
    "RotateRequest": request_of(
        RotateBody,
        {
            "overlap_seconds": {
                "type": ["integer", "null"],
                "description": "How long the old one lives beside the new one.",
                "minimum": 0,
                "maximum": LONGEST_OVERLAP_SECONDS,
                "default": 86_400,
            }
        },
    ),
    "HeaderNames": closed(
        {"names": array(string(pattern=_FIELD_NAME, maxLength=100, examples=["X-Api-Key"]), maxItems=20)}
    ),
    "HeadersRequest": request_of(
        HeadersBody,
        {
            "headers": {
                "type": "object",
                "description": "At most 20, and 8 KiB together. No name twice, whatever its case, and none that a delivery "
                "sets itself: `Host`, `Authorization`, `Content-*`, `Webhook-*`, `Connection` and its kind.",
                "maxProperties": 20,
                "propertyNames": {"pattern": _FIELD_NAME, "minLength": 1, "maxLength": 100},
                "additionalProperties": string("A secret: never shown again.", pattern=_FIELD_VALUE, maxLength=4096),
            }
        },
    ),
}

OPERATIONS = (
    Operation(
        method="get",
        path=f"{SUBSCRIPTION}/secret",
        id="listSigningSecrets",
        summary="List the signing secrets that live",
        answers={200: answer("One, or two while one rotates.", ref("SigningSecrets"))},
    ),
    Operation(
        method="post",
        path=f"{SUBSCRIPTION}/secret/rotate",
        id="rotateSigningSecret",
        summary="Make a second signing secret",
        description="Until it is promoted or the overlap ends, `Authorization` is signed with the old one, since a "
        "receiver may know one secret only, and `webhook-signature` carries both. While two live it is 409, "
        "reason `ROTATION_UNDER_WAY`.",
        body=json_body(ref("RotateRequest"), {"overlap_seconds": 86_400}, required=False),
        answers={201: answer("The new secret.", ref("NewSigningSecret"))},
        errors=(409,),
    ),
    Operation(
        method="post",
        path=f"{SUBSCRIPTION}/secret/promote",
        id="promoteSigningSecret",
        summary="End a rotation at once",
        description="The new secret is the only one from then on. When just one lives it is 409, reason `NO_ROTATION`.",
        answers={200: answer("What lives now.", ref("SigningSecrets"))},
        errors=(409,),
    ),
    Operation(
        method="get",
        path=f"{SUBSCRIPTION}/headers",
        id="listCustomHeaders",
        summary="List the names of the custom headers",
        description="When the platform's key ring has lost the key that they were encrypted with it is 409, reason "
        "`HEADERS_UNREADABLE`: set them again.",
        answers={200: answer("The names, in the order in which they were set.", ref("HeaderNames"))},
        errors=(409,),
    ),
    Operation(
        method="put",
        path=f"{SUBSCRIPTION}/headers",
        id="replaceCustomHeaders",
        summary="Replace the custom headers",
        description="All of them; an empty object takes them away. They go out with every delivery.",
        body=json_body(ref("HeadersRequest"), {"headers": {"X-Api-Key": "of the receiver"}}),
        answers={200: answer("The names of what goes out from now on.", ref("HeaderNames"))},
    ),
)
