"""How a webhook subscription is delivered to by its owner's wish, and what its endpoint is shown of us."""

from collections.abc import Mapping

from gateway.api.client_certificate import CertificateBody
from gateway.api.delivery_settings import ScheduleBody, SettingsBody
from gateway.openapi.derived import request_of
from gateway.openapi.operation import Operation, answer, json_body
from gateway.openapi.schema import Schema, array, closed, integer, number, or_null, ref, string

TAG = "Delivery settings"
SUBSCRIPTION = "/api/v1/accounts/{account_id}/subscriptions/{subscription_id}"
LONGEST_PEM = 65_536
_DELAYS = array(
    number(minimum=0.1, maximum=86_400, examples=[5]), "Seconds before each retry. Empty: no retry.", maxItems=20
)
_JITTER = or_null(
    number(minimum=0, maximum=1, examples=[0.2]),
    "Each delay is spread by this part of it, up and down. Null: the platform's.",
)
_CONCURRENCY = or_null(
    integer(minimum=1, maximum=1000, examples=[10]), "POSTs under way at once in each pod. Null: the platform's."
)
_RATE = or_null(
    number(exclusiveMinimum=0, maximum=10_000, examples=[5]),
    "Most POSTs a second, above 0, shared by the pods that serve. Null: no limit.",
)
_SCHEDULE = "Null: the platform's delays."
_PEM = "-----BEGIN {0}-----\n...\n-----END {0}-----\n"

SCHEMAS: Mapping[str, Schema] = {
    "RetrySchedule": closed({"delays_seconds": _DELAYS, "jitter": _JITTER}),
    "DeliverySettings": closed(
        {
            "retry_schedule": or_null(ref("RetrySchedule"), _SCHEDULE),
            "concurrency": _CONCURRENCY,
            "rate_per_second": _RATE,
        }
    ),
    "RetryScheduleRequest": request_of(ScheduleBody, {"delays_seconds": _DELAYS, "jitter": _JITTER}),
    "DeliverySettingsRequest": request_of(
        SettingsBody,
        {
            "retry_schedule": or_null(ref("RetryScheduleRequest"), _SCHEDULE),
            "concurrency": _CONCURRENCY,
            "rate_per_second": _RATE,
        },
    ),
    "ClientCertificate": closed(
        {
            "subject": or_null(string(examples=["CN=runhook"]), "Whom it names, as RFC 4514 writes it."),
            "fingerprint": or_null(
                string(pattern="^[0-9a-f]{64}$", examples=["9e107d9d372bb682" * 4]), "SHA-256 of it, in lower-case hex."
            ),
            "expires_at": or_null(ref("Time"), "When it ends."),
        },
        "What may be told of a client certificate; nulls when there is none.",
    ),
    "ClientCertificateRequest": request_of(
        CertificateBody,
        {
            "certificate_chain": string(
                "PEM: the certificate, then those that lead to its authority. At most 64 KiB.",
                minLength=1,
                maxLength=LONGEST_PEM,
            ),
            "private_key": string(
                "PEM, without a pass phrase: RSA of 2,048 to 4,096 bits, ECDSA on P-256, P-384 or P-521, or Ed25519. "
                "A secret: never shown again.",
                minLength=1,
                maxLength=LONGEST_PEM,
            ),
        },
    ),
}

OPERATIONS = (
    Operation(
        method="get",
        path=f"{SUBSCRIPTION}/delivery-settings",
        id="getDeliverySettings",
        summary="Read how a subscription is delivered to",
        answers={200: answer("The settings.", ref("DeliverySettings"))},
    ),
    Operation(
        method="put",
        path=f"{SUBSCRIPTION}/delivery-settings",
        id="replaceDeliverySettings",
        summary="Replace how a subscription is delivered to",
        description="All of it: what is null or absent is the platform's own from then on. Holds for deliveries that are "
        "begun or tried again after it.",
        body=json_body(
            ref("DeliverySettingsRequest"),
            {
                "retry_schedule": {"delays_seconds": [5, 60, 600], "jitter": 0.2},
                "concurrency": 10,
                "rate_per_second": 5.5,
            },
        ),
        answers={200: answer("The settings.", ref("DeliverySettings"))},
    ),
    Operation(
        method="get",
        path=f"{SUBSCRIPTION}/client-certificate",
        id="getClientCertificate",
        summary="Read what may be told of the client certificate",
        answers={200: answer("What may be told; nulls when there is none.", ref("ClientCertificate"))},
    ),
    Operation(
        method="put",
        path=f"{SUBSCRIPTION}/client-certificate",
        id="replaceClientCertificate",
        summary="Replace the client certificate",
        description="It is shown to an https endpoint that asks for one (mTLS). The key must be the certificate's, and the "
        "certificate must not have ended. Both are kept encrypted.",
        body=json_body(
            ref("ClientCertificateRequest"),
            {"certificate_chain": _PEM.format("CERTIFICATE"), "private_key": _PEM.format("PRIVATE KEY")},
        ),
        answers={200: answer("What may be told.", ref("ClientCertificate"))},
    ),
    Operation(
        method="delete",
        path=f"{SUBSCRIPTION}/client-certificate",
        id="deleteClientCertificate",
        summary="Take the client certificate away",
        description="Repeatable.",
        answers={200: answer("Nulls.", ref("ClientCertificate"))},
    ),
)
