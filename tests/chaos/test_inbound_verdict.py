"""The judge of calls finds what it is for: a loss, a call that counts twice, one that was refused and stored, another array."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.chaos import inbound_verdict
from tests.chaos.callers import CallLog
from tests.chaos.inbound_verdict import Verdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def call(number: int, seq: int, call_id: str = "") -> Any:
    return {
        "trigger_id": 1,
        "seq": seq,
        "window_id": 7,
        "call_id": call_id or f"cal_{number}",
        "body": json.dumps({"n": number}).encode(),
        "received_at": NOW,
    }


def judged(log: CallLog, *calls: Any) -> str:
    found = Verdict()
    inbound_verdict._calls(found, log, list(calls))
    return " ".join(found.broken)


def test_an_acknowledged_call_that_is_not_stored_is_lost() -> None:
    log = CallLog(acked={1: {"cal_1"}, 2: {"cal_2"}})
    assert "I1: 1 acknowledged calls are lost: [2]" in judged(log, call(1, 1))


def test_a_call_that_is_stored_twice_and_a_gap_are_found() -> None:
    said = judged(CallLog(acked={1: {"cal_1"}}), call(1, 1), call(1, 3, "cal_9"))
    assert "stored twice: [1]" in said
    assert "a gap before 3" in said


def test_what_was_refused_must_not_be_stored_and_what_nobody_heard_of_may() -> None:
    assert judged(CallLog(unknown={1}), call(1, 1)) == ""
    assert "I8" in judged(CallLog(), call(1, 1))


def test_an_id_of_another_call_is_found() -> None:
    assert "I10" in judged(CallLog(acked={1: {"cal_2"}}), call(1, 1))


def window(**changes: Any) -> Any:
    good = {"window_id": 7, "trigger_id": 1, "state": "CLOSED", "threshold": 2, "first_seq": 1, "size": 1}
    times = {"opened_at": NOW, "deadline_at": NOW + timedelta(seconds=2), "closed_at": NOW + timedelta(seconds=3)}
    return {**good, **times, "close_reason": "deadline", **changes}


def test_a_window_that_is_whole_breaks_nothing_and_one_that_is_not_is_named() -> None:
    found = Verdict()
    inbound_verdict._windows(found, [window()], {7: [call(1, 1)]})
    assert found.broken == []
    inbound_verdict._windows(found, [window(closed_at=NOW)], {7: [call(1, 1)]})
    inbound_verdict._windows(found, [window(close_reason="threshold")], {7: [call(1, 1)]})
    assert [line[:2] for line in found.broken] == ["I3", "I3"]


def test_a_run_that_got_another_array_is_found(tmp_path: Path) -> None:
    execution: Any = {
        "public_id": "exe_1",
        "execution_id": 1,
        "window_id": 7,
        "payload_of": None,
        "state": "SUCCEEDED",
    }
    (tmp_path / "exe_1.1.1").write_text(json.dumps([{"data": json.dumps({"n": 1}), "type": "application/json"}]))
    found = Verdict()
    inbound_verdict._payloads(found, [execution], {7: [call(1, 1)]}, tmp_path)
    assert found.broken == []
    inbound_verdict._payloads(found, [execution], {7: [call(2, 1)]}, tmp_path)
    assert "I11" in found.broken[0]
