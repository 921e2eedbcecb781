"""Logs and artifacts over REST: what is sent, as what, and what a break looks like to whoever reads."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import aiohttp
import grpc
import pytest

from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.trigger_service_pb2_grpc import add_TriggerServiceServicer_to_server
from tests.support.gateway import gateway
from tests.support.grpc_peer import serving
from tests.support.platform import platform
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT, TOKEN
from tests.support.tenant import LOG, RUN_RESULTS, tenant
from tests.support.trigger_peer import TriggerPeer


async def test_a_log_and_artifacts_are_sent_as_what_they_are_and_never_as_a_page(
    database: Database, tmp_path: Path
) -> None:
    async with platform(database, tmp_path, operator_account_id=ACCOUNT) as house:
        owner = await tenant(house, "Owner")
        run = f"/api/v1/accounts/{owner.account_id}/runs/{owner.ids['run_id']}"
        for offset in (0, 5, 15, len(LOG), 10**9):
            answer = await house.call("GET", f"{run}/log?offset={offset}", token=owner.token)
            assert (answer.status, answer.body) == (200, LOG[offset:])
            assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert answer.headers["Content-Disposition"] == f'inline; filename="run-{owner.ids["run_id"]}.log"'
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        head = await house.call("HEAD", f"{run}/log", token=owner.token)
        assert (head.status, head.body) == (200, b"")
        listed = await house.call("GET", f"{run}/artifacts", token=owner.token)
        assert listed.json == {"artifacts": [{"name": "run_results.json", "media_type": "application/json"}]}
        v2 = f"/api/v2/accounts/{owner.account_id}/runs/{owner.ids['run_id']}/artifacts/"
        listed = await house.call("GET", v2, token=owner.token)
        assert listed.json == {"data": ["run_results.json"], "status": {"code": 200, "is_success": True}}
        for path in (f"{run}/artifacts/run_results.json", f"{v2}run_results.json"):
            answer = await house.call("GET", path, token=owner.token)
            assert (answer.status, answer.body) == (200, RUN_RESULTS)
            assert answer.headers["Content-Type"] == "application/json"
            assert answer.headers["Content-Disposition"] == 'attachment; filename="run_results.json"'
        shown = (await house.call("GET", run, token=owner.token)).json
        assert (shown["log_bytes"], shown["log_truncated"], shown["summary"]) == (len(LOG), False, None)


async def test_a_bad_offset_is_named_and_what_is_not_there_is_not_found(database: Database, tmp_path: Path) -> None:
    async with platform(database, tmp_path, operator_account_id=ACCOUNT) as house:
        owner = await tenant(house, "Owner")
        run = f"/api/v1/accounts/{owner.account_id}/runs/{owner.ids['run_id']}"
        for bad in ("-1", "x", "1.5", str(2**63)):
            answer = await house.call("GET", f"{run}/log?offset={bad}", token=owner.token)
            assert (answer.status, answer.json["errors"][0]["field"]) == (400, "offset")
        for path in (f"{run}/artifacts/manifest.json", f"{run}/artifacts/a%2Fb", f"{run}/artifacts/a/b", f"{run}0/log"):
            answer = await house.call("GET", path, token=owner.token)
            assert (path, answer.status) == (path, 404)


class LargePeer(TriggerPeer):
    """Has a log of many pieces, which may break off."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces = 0
        self.breaks = False

    async def GetRunLog(self, request: pb.GetRunLogRequest, context: Any) -> AsyncIterator[pb.GetRunLogResponse]:
        """So many pieces of 256 KiB."""
        for _ in range(self.pieces):
            yield pb.GetRunLogResponse(chunk=b"x" * 262_144)
        if self.breaks:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "broken on purpose")


async def test_a_long_log_arrives_whole_and_one_that_breaks_off_is_not_taken_for_whole() -> None:
    peer: LargePeer = cast(Any, LargePeer)()  # it has not all rpcs
    async with (
        serving(lambda server: add_TriggerServiceServicer_to_server(peer, server)) as target,
        gateway(token=TOKEN, trigger_svc=target) as call,
    ):
        peer.pieces = 40
        answer = await call("GET", "/api/v1/accounts/4711/runs/7/log")
        assert (answer.status, len(answer.body)) == (200, 40 * 262_144)
        peer.pieces, peer.breaks = 3, True
        with pytest.raises(aiohttp.ClientPayloadError):
            await call("GET", "/api/v1/accounts/4711/runs/7/log")
        peer.pieces = 0
        assert (await call("GET", "/api/v1/accounts/4711/runs/7/log")).status == 503
        assert (await call("GET", "/healthz")).status == 200
