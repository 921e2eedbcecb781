"""Tasks, plans, triggers, executions and runs by command: what is said to be so is so, and a refusal has its exit code."""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from tests.integration.cli.conftest import Runhook, shown

PAYLOAD = "resource_webhook_payload"


async def task(runhook: Runhook, *more: str) -> str:
    """The id of a task that prints how large its payload is."""
    made = ("--name", "count", "--command", "echo-payload", "--parameter", PAYLOAD, "--json", *more)
    return str(shown(await runhook("tasks", "create", *made))["task_id"])


async def waiting(runhook: Runhook, exit_code: int, seconds: int = 0) -> str:
    """The id of a task that ends so, after so many seconds."""
    slots = ("--slot", f"seconds={seconds}", "--slot", f"exit_code={exit_code}")
    return str(
        shown(await runhook("tasks", "create", "--name", "wait", "--command", "wait", *slots, "--json"))["task_id"]
    )


async def webhook(runhook: Runhook, task_id: str, *more: str) -> Any:
    """A trigger with its URL: two calls, or a minute."""
    made = ("--name", "orders", "--task", task_id, "--threshold", "2", "--duration", "60", "--json", *more)
    return shown(await runhook("triggers", "create", *made))


async def test_an_update_of_a_task_changes_what_was_named_and_keeps_the_rest(beside: Runhook) -> None:
    before = shown(await beside("tasks", "get", await task(beside, "--queue-limit", "7"), "--json"))
    update = ("tasks", "update", before["task_id"])
    after = shown(await beside(*update, "--queue-mode", "hold", "--time-limit", "90", "--json"))
    limit = {"executions": 7, "mode": "hold", "count": "concurrent"}
    assert after == before | {"queue_limit": limit, "timeout_seconds": 90, "etag": after["etag"]}
    copied = shown(await beside("tasks", "copy", before["task_id"], "--json"))
    assert (copied["name"], copied["queue_limit"]) == ("count copy", limit)
    assert shown(await beside("tasks", "pause", before["task_id"], "--json"))["paused"] is True
    assert "PAUSED" in (await beside("tasks", "list")).out
    assert (await beside(*update)).code == 2
    assert (await beside(*update, "--max-attempts", "11")).code == 1
    assert (await beside("tasks", "delete", copied["task_id"])).code == 0
    assert (await beside("tasks", "get", copied["task_id"])).code == 3


async def test_a_call_that_is_sent_is_in_a_window_and_executed_when_it_is_flushed(beside: Runhook) -> None:
    trigger = await webhook(beside, await task(beside))
    name = trigger["trigger_id"]
    assert shown(await beside("triggers", "reveal", name, "--json"))["url"] == trigger["url"]
    assert (await beside("triggers", "flush", name)).code == 1
    sent = shown(await beside("triggers", "send", name, "--data", '{"n":1}', "--json"))
    [call] = shown(await beside("triggers", "calls", name, "--bodies", "--json"))
    assert (sent["status"], call["call_id"]) == (204, sent["call_id"])
    assert '{"n":1}' in (await beside("triggers", "calls", name, "--bodies")).out
    [window] = shown(await beside("triggers", "windows", name, "--json"))
    assert shown(await beside("triggers", "window", name, window["window_id"], "--json")) == window
    assert (await beside("triggers", "window", name, "99999")).code == 3
    assert (await beside("triggers", "send", name, "--data", "x", "--content-type", "image/png")).code == 1
    flushed = shown(await beside("triggers", "flush", name, "--json"))
    watched = await beside("executions", "get", flushed["execution_id"], "--watch")
    assert (watched.code, "SUCCEEDED" in watched.out) == (0, True)
    payload = (await beside("executions", "payload", flushed["execution_id"])).out
    assert payload == '[{"data":"{\\"n\\":1}","type":"application/json"}]'


async def test_a_call_that_is_waited_for_ends_with_its_execution(beside: Runhook) -> None:
    trigger = await webhook(beside, await task(beside), "--threshold", "1")
    told = shown(await beside("triggers", "send", trigger["trigger_id"], "--data", "1", "--wait", "--json"))
    assert (told["window"]["close_reason"], told["execution"]["state"]) == ("threshold", "SUCCEEDED")
    [run] = told["execution"]["runs"]
    assert (await beside("runs", "log", run["run_id"], "--follow")).out.startswith("payload of ")
    assert "size.txt" in (await beside("runs", "artifacts", run["run_id"])).out
    assert shown(await beside("runs", "get", run["run_id"], "--json"))["exit_code"] == 0
    ran = await beside("runs", "artifact", run["run_id"], "size.txt", "-o", "size")
    assert (ran.code, int(Path("size").read_text())) == (0, told["execution"]["payload_bytes"])
    assert (await beside("runs", "artifact", run["run_id"], "../size.txt")).code == 2
    assert (await beside("runs", "artifact", run["run_id"], "nothing.txt")).code == 3


async def test_a_call_is_verified_and_its_secret_survives_an_update_and_is_never_shown(beside: Runhook) -> None:
    Path("secret").write_text("of github\n")
    trigger = await webhook(beside, await task(beside), "--verify", "github", "--secret-file", "secret")
    name = trigger["trigger_id"]
    updated = await beside("triggers", "update", name, "--rate", "5", "--json")
    after = json.loads(updated.out)
    assert (after["verification"]["secret_count"], after["call_rules"]["rate_per_second"]) == (1, 5)
    assert "of github" not in updated.out + json.dumps(trigger)
    refused = await beside("triggers", "send", name, "--data", "1")
    assert (refused.code, "X-Hub-Signature-256" in refused.err) == (4, True)
    digest = hmac.new(b"of github", b"1", hashlib.sha256).hexdigest()
    signed = ("--header", f"X-Hub-Signature-256: sha256={digest}", "--header", "X-GitHub-Delivery: d")
    assert shown(await beside("triggers", "send", name, "--data", "1", *signed, "--json"))["duplicate"] is False
    assert shown(await beside("triggers", "send", name, "--data", "1", *signed, "--json"))["duplicate"] is True


async def test_a_url_that_was_made_anew_lets_the_old_one_answer_for_a_while(beside: Runhook) -> None:
    trigger = await webhook(beside, await task(beside))
    new = shown(await beside("triggers", "regenerate", trigger["trigger_id"], "--grace", "60", "--json"))["url"]
    told = shown(await beside("triggers", "reveal", trigger["trigger_id"], "--json"))
    assert (told["url"], told["old_url"]) == (new, trigger["url"])
    assert shown(await beside("triggers", "update", trigger["trigger_id"], "--disabled", "--json"))["enabled"] is False
    assert (await beside("triggers", "send", trigger["trigger_id"], "--data", "1")).code == 3
    assert (await beside("triggers", "delete", trigger["trigger_id"], "--discard")).code == 0
    assert (await beside("triggers", "get", trigger["trigger_id"])).code == 3


async def test_a_start_with_a_request_id_happens_once_and_tells_how_it_ended(beside: Runhook) -> None:
    failing = await waiting(beside, 3)
    start = ("executions", "start", "--task", failing, "--request-id", f"of-{failing}", "--json")
    first = shown(await beside(*start))
    assert shown(await beside(*start))["execution_id"] == first["execution_id"]
    assert (await beside("executions", "get", first["execution_id"], "--watch")).code == 1
    assert len(shown(await beside("executions", "list", "--task", failing, "--json"))) == 1
    assert (await beside("executions", "start", "--task", failing, "--plan", "1")).code == 2
    again = await beside("executions", "rerun", first["execution_id"], "--watch", "--json")
    assert (again.code, json.loads(again.out)["rerun_of"]) == (1, first["execution_id"])


async def test_a_cancelled_execution_is_over(beside: Runhook) -> None:
    begun = shown(await beside("executions", "start", "--task", await waiting(beside, 0, 600), "--json"))
    cancelled = shown(await beside("executions", "cancel", begun["execution_id"], "--json"))
    assert (cancelled["state"], cancelled["finished_at"] is not None) == ("CANCELLED", True)


async def test_a_plan_runs_its_steps_and_keeps_what_an_update_does_not_name(beside: Runhook) -> None:
    good, bad = await waiting(beside, 0), await waiting(beside, 1)
    steps = ("--step", f"{good},{bad}", "--step", good, "--failure-handler", good)
    plan = shown(await beside("plans", "create", "--name", "nightly", *steps, "--json"))
    ran = await beside("executions", "start", "--plan", plan["plan_id"], "--watch", "--json")
    runs = [(run["step"], run["state"]) for run in json.loads(ran.out)["runs"]]
    assert (ran.code, sorted(runs)) == (1, [(0, "SUCCEEDED"), (1, "FAILED"), (1, "SUCCEEDED")])
    update = ("plans", "update", plan["plan_id"], "--json")
    after = shown(await beside(*update, "--no-failure-handler"))
    assert after == plan | {"failure_handler_task_id": None, "etag": after["etag"]}
    assert f"{good},{bad} -> {good}" in (await beside("plans", "get", plan["plan_id"])).out


async def test_schedules_are_made_and_exclude_a_webhook(beside: Runhook) -> None:
    own = await task(beside)
    made = ("triggers", "create", "--name", "early", "--task", own, "--json")
    cron = shown(await beside(*made, "--cron", "30 6 * * *", "--time-zone", "Europe/Berlin"))
    once = shown(await beside(*made, "--at", "2100-01-01T00:00:00Z"))
    assert (cron["kind"], once["kind"], once["next_start_at"]) == ("cron", "once", "2100-01-01T00:00:00Z")
    assert (await beside(*made, "--threshold", "1", "--duration", "1")).code == 1
    moved = shown(await beside("triggers", "update", cron["trigger_id"], "--cron", "0 7 * * *", "--json"))
    assert moved["cron"] == {"expression": "0 7 * * *", "time_zone": "Europe/Berlin"}
    for one in (cron, once):
        assert (await beside("triggers", "delete", one["trigger_id"])).code == 0
