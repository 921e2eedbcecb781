"""One request id from the client's header to the log lines of the service that its request came to."""

from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from tests.support.gateway import gateway
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT, TOKEN, subscription_service

PATH = f"/api/v3/accounts/{ACCOUNT}/webhooks/subscription/wsu_{'x' * 27}"


async def test_the_service_logs_a_refusal_under_the_id_of_the_request(database: Database) -> None:
    async with (
        subscription_service(database) as service,
        gateway(token=TOKEN, subscription_svc=service.target) as call,
    ):
        with capture_logs(processors=[merge_contextvars]) as lines:
            sent = await call("GET", PATH, headers={"X-Request-Id": "id-of-the-client"})
            made = await call("GET", PATH)
    assert (sent.status, made.status) == (404, 404)
    refused = [line for line in lines if line["event"] == "call.refused"]
    assert [line["request_id"] for line in refused] == ["id-of-the-client", made.headers["X-Request-Id"]]
    assert {line["reason"] for line in refused} == {"SUBSCRIPTION_NOT_FOUND"}
