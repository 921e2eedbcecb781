"""Tasks, plans, triggers, windows, executions and runs at the console, over real services; a test is their runner."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from gateway.console import choices, walk
from runhook.trigger.v1.run_pb2 import RunLease
from runhook.trigger.v1.run_service_pb2 import FinishRunRequest
from runhook.trigger.v1.trigger_service_pb2 import DESCRIPTOR
from tests.support.console import Seen, Visitor, visitor
from tests.support.console_form import fields_of
from tests.support.platform import Platform, new_token
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT, add_account, add_token
from tests.support.trigger_service import METADATA, ConnectedRunner

pytestmark = pytest.mark.asyncio(loop_scope="module")
XSS = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
SUMMARY = json.dumps({"preset": "dbt", "counts": {XSS: 3}, "failed": [{"name": XSS, "message": XSS, "path": XSS}]})
TASK = {"name": "Load orders", "command": "dbt_build", "takes_calls": "on"}
CALL = {"media_type": "application/json", "body": '{"n": 1}', "headers": ""}
TRIGGER = re.compile(r"/console/triggers/trg_[0-9A-Za-z]{27}")
EXECUTION = re.compile(r"/console/executions/exe_[0-9A-Za-z]{27}")
RUN = re.compile(r"/console/runs/\d+")
WINDOW = re.compile(r"/console/triggers/trg_[0-9A-Za-z]{27}/windows/\d+")
URL = re.compile(r"/t/[\w-]{43}")


def found(pattern: re.Pattern[str], seen: Seen) -> str:
    match = pattern.search(seen.html)
    assert match, seen.words
    return match[0]


def no_markup_of_others(seen: Seen) -> None:
    assert "<script>alert" not in seen.html
    assert "<img" not in seen.html.replace('<img src="/console/static/', "")


def asked() -> Counter[str]:
    """How often each rpc of trigger_svc was answered so far."""
    samples = REGISTRY.get_sample_value
    return Counter(
        {
            name: int(samples("runhook_grpc_calls_total", {"method": name, "code": "OK"}) or 0)
            for name in DESCRIPTOR.services_by_name["TriggerService"].methods_by_name
        }
    )


async def make_task(somebody: Visitor, **changes: str) -> str:
    """The path of a new task."""
    made = await somebody.post("/console/tasks/new", TASK | changes)
    assert made.status == 303, made.words
    return made.location.partition("?")[0]


async def make_trigger(somebody: Visitor, threshold: int = 2, **changes: str) -> tuple[str, str, str]:
    """The paths of a new task and of its trigger, and that of the trigger's URL."""
    task = await make_task(somebody, **changes)
    wish = {"kind": "webhook", "target": f"task:{task.rpartition('/')[2]}", "name": "orders"}
    made = await somebody.post("/console/triggers/new", wish | {"threshold": str(threshold), "duration": "600"})
    assert made.status == 200, made.words
    return task, found(TRIGGER, made), found(URL, made)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runner(house: Platform) -> AsyncIterator[ConnectedRunner]:
    """Takes runs of dbt_build."""
    async with house.triggers.runner() as made:
        yield made


async def carry_out(house: Platform, lease: RunLease, *, log: str = XSS, exit_code: int = 0) -> None:
    """Executes a run that leaves whatever it likes behind."""
    await house.triggers.start(lease)
    await house.triggers.append(lease, log.encode("latin-1"))
    reason = "command_failed" if exit_code else ""
    report = FinishRunRequest(lease=lease, exit_code=exit_code, reason=reason, message=XSS, summary=SUMMARY)
    await house.triggers.runs.FinishRun(report, metadata=METADATA)
    await house.triggers.store(lease, **{"page.html": XSS.encode()})


async def test_empty_pages_say_what_they_are_for_and_lead_to_the_first_step(
    house: Platform, own_database: Database
) -> None:
    await add_account(own_database, 77)
    async with visitor(house.call, await add_token(own_database, 77, "account_admin")) as fresh:
        for path, first in (
            ("tasks", "/console/tasks/new"),
            ("plans", "/console/tasks/new"),
            ("triggers", "/console/tasks/new"),
            ("executions", "/console/tasks"),
            ("triggers/new", "/console/tasks/new"),
        ):
            seen = await fresh.get(f"/console/{path}")
            assert (path, seen.status, f'class="button primary" href="{first}"' in seen.html) == (path, 200, True)
        await make_task(fresh)
        assert 'href="/console/triggers/new"' in (await fresh.get("/console/triggers")).html


async def test_a_first_time_user_sees_calls_fill_a_window_and_its_run_finish(
    house: Platform, somebody: Visitor, runner: ConnectedRunner
) -> None:
    task, trigger, _ = await make_trigger(somebody, name=XSS)
    assert "No window is open" in (await somebody.get(trigger)).words
    sent = await somebody.post(f"{trigger}/call", CALL | {"body": XSS})
    assert "was answered 204" in sent.words
    assert "1 of 2 calls" in sent.words
    part = await somebody.get(f"{trigger}/live")
    assert ("1 of 2 calls" in part.words, "hx-get=" in part.html, "<h1>" in part.html) == (True, True, False)
    await somebody.post(f"{trigger}/call", CALL)
    seen = await somebody.get(trigger)
    assert "full: it had as many calls as close it" in seen.words
    execution, window = found(EXECUTION, seen), found(WINDOW, seen)
    calls = await somebody.get(window)
    assert (XSS in calls.words, "204 No Content" in calls.words) == (True, True)
    waiting = await somebody.get(execution)
    assert ("waiting" in waiting.words, "hx-get=" in waiting.html, "Cancel" in waiting.words) == (True, True, True)
    await carry_out(house, await runner.take(), log=f"\x1b[31m{XSS}\x1b[0m\nlast line \xff\n")
    done = await somebody.get(execution)
    assert ("succeeded" in done.words, "hx-get=" in done.html, "Run again" in done.words) == (True, False, True)
    run = await somebody.get(found(RUN, done))
    assert r"last line \xff" in run.words
    for page in (seen, calls, waiting, done, run, await somebody.get(task), await somebody.get("/console/executions")):
        assert (page.status, XSS in page.words) == (200, True)
        no_markup_of_others(page)


async def test_what_a_run_leaves_behind_is_saved_and_never_opened(
    house: Platform, somebody: Visitor, runner: ConnectedRunner
) -> None:
    _, trigger, _ = await make_trigger(somebody, 1)
    execution = found(EXECUTION, await somebody.post(f"{trigger}/call", CALL | {"body": XSS}))
    await carry_out(house, await runner.take(), exit_code=1)
    run = found(RUN, await somebody.get(execution))
    for path, kind in (
        (f"{execution}/payload", "text/plain"),
        (f"{run}/log", "text/plain"),
        (f"{run}/artifacts/page.html", "application/octet-stream"),
    ):
        file = await somebody.get(path)
        assert (file.status, file.headers["content-type"].partition(";")[0]) == (200, kind)
        assert file.headers["content-disposition"].startswith("attachment")
        assert "default-src 'none'" in file.headers["content-security-policy"]
        assert "<script>" in file.html
    assert (await somebody.get(f"{run}/artifacts/other")).status == 404
    await house.triggers.pool.execute("delete from trigger.run_log")
    assert "What it wrote is gone: logs are kept for 30 days." in (await somebody.get(run)).words
    again = await somebody.post(f"{execution}/rerun", follow=True)
    assert "Started." in again.words
    cancelled = await somebody.post(f"{found(EXECUTION, again)}/cancel", follow=True)
    assert "Cancelled." in cancelled.words


async def test_names_cost_one_question_however_many_there_are(somebody: Visitor) -> None:
    tasks = [await make_task(somebody, name=f"task of its own {number}") for number in range(3)]
    for number, task in enumerate(tasks):
        await somebody.post(f"{task}/start", {"request_id": f"names-{number}"})
    gone = await make_task(somebody, name="soon gone")
    started = await somebody.post(f"{gone}/start", {"request_id": "gone"})
    await somebody.post(f"{started.location.partition('?')[0]}/cancel")
    await somebody.post(f"{gone}/delete")
    before = asked()
    listed = await somebody.get("/console/executions")
    assert asked() - before == {"ListExecutions": 1, "ListTasks": 1}
    assert all(f"task of its own {number}" in listed.words for number in range(3))
    assert f"task {gone.rpartition('/')[2]}, which is gone" in listed.words
    steps = [("name", "p"), *[("steps.key", "s"), ("steps.value", " ".join(task.rpartition("/")[2] for task in tasks))]]
    plan = (await somebody.post("/console/plans/new", steps)).location.partition("?")[0]
    before = asked()
    shown = await somebody.get(plan)
    assert all(f"task of its own {number}" in shown.words for number in range(3))
    assert set(asked() - before) == {"GetPlan", "ListTasks", "ListExecutions", "ListTriggers"}


async def test_a_url_is_shown_by_a_post_alone_and_replaced_on_demand(house: Platform, somebody: Visitor) -> None:
    _, trigger, url = await make_trigger(somebody)
    for path in ("", "/url", "/regenerate", "/edit", "/windows"):
        assert url not in (await somebody.get(trigger + path)).html
    shown = await somebody.post(f"{trigger}/url")
    assert (found(URL, shown), shown.headers["cache-control"]) == (url, "no-store")
    odd = await somebody.post(f"{trigger}/regenerate", {"grace": "an hour"})
    assert (odd.status, "must be a whole number" in odd.words, URL.search(odd.html)) == (400, True, None)
    fresh = found(URL, await somebody.post(f"{trigger}/regenerate", {"grace": "3600"}))
    assert fresh != url
    both = await somebody.post(f"{trigger}/url")
    assert (url in both.html, fresh in both.html) == (True, True)
    answers = [
        await house.call("POST", one, data=b"{}", headers={"Content-Type": "application/json"}) for one in (url, fresh)
    ]
    assert [answer.status for answer in answers] == [204, 204]


async def test_a_trigger_that_verifies_refuses_a_test_call_and_the_page_says_why(somebody: Visitor) -> None:
    _, trigger, _ = await make_trigger(somebody)
    bare = await somebody.post(f"{trigger}/verification", {"preset": "api_key", "api_key_header": "X Y"})
    assert ("must be the name of a header" in bare.words, "must be one, or two" in bare.words) == (True, True)
    wish = {"preset": "api_key", "api_key_header": "X-Mine", "secrets": "geheim-geheim"}
    saved = await somebody.post(f"{trigger}/verification", wish, follow=True)
    assert ("Saved." in saved.words, "geheim" in saved.html) == (True, False)
    kept = await somebody.post(f"{trigger}/verification", wish | {"secrets": "", "dedupe_header": "X-Id"}, follow=True)
    assert "the header X-Id" in kept.words
    refused = await somebody.post(f"{trigger}/call", CALL)
    assert "answered 401, SIGNATURE_MISSING" in refused.words
    assert "A call with a good X-Mine is taken" in refused.words
    proven = CALL | {"headers": "X-Mine: geheim-geheim\nX-Id: 5"}
    answers = [await somebody.post(f"{trigger}/call", proven) for _ in range(2)]
    assert ["was answered 204" in one.words for one in answers] == [True, True]
    assert "not counted again" in answers[1].words


async def test_a_form_that_is_sent_back_as_it_came_changes_nothing(house: Platform, somebody: Visitor) -> None:
    task, trigger, _ = await make_trigger(somebody)
    number = task.rpartition("/")[2]
    rules = {
        "call_rules.validate_body": "on",
        "call_rules.extra_media_types": "a/b c/d",
        "call_rules.rate_per_second": "0.5",
    }
    first = fields_of(await somebody.get(f"{trigger}/edit"), f"{trigger}/edit")
    changed = [(name, value) for name, value in first if name not in rules] + list(rules.items())
    assert (await somebody.post(f"{trigger}/edit", changed)).status == 303
    hmac = {"preset": "generic_hmac", "generic_hmac.header": "X-S", "generic_hmac.template": "{timestamp}.{body}"}
    hmac |= {"generic_hmac.timestamp_header": "X-T", "secrets": "s3cret-s3cret", "tolerance": "60"}
    hmac |= {"generic_hmac.algorithm": "sha256", "generic_hmac.encoding": "hex"}
    assert (await somebody.post(f"{trigger}/verification", hmac)).status == 303
    wish = {"name": "Nightly", "steps.key": "load", "steps.value": number, "failure_handler_task_id": number}
    plan = (await somebody.post("/console/plans/new", wish)).location.partition("?")[0]
    cron = {"kind": "cron", "target": f"plan:{plan.rpartition('/')[2]}", "name": "n", "cron.expression": "0 3 * * *"}
    schedule = (await somebody.post("/console/triggers/new", cron)).location.partition("?")[0]
    more = [("parameters.key", "region"), ("parameters.value", "eu\nus"), ("slots.key", "a"), ("slots.value", "b")]
    task_form = [pair for pair in fields_of(await somebody.get(f"{task}/edit"), f"{task}/edit") if pair[1]]
    assert (await somebody.post(f"{task}/edit", [*task_form, *more, ("queue_limit.executions", "7")])).status == 303
    for page, form in (
        (task, "edit"),
        (plan, "edit"),
        (trigger, "edit"),
        (trigger, "verification"),
        (schedule, "edit"),
    ):
        assert (await somebody.get(page)).status == 200
        api = f"/api/v1/accounts/{ACCOUNT}{page.removeprefix('/console')}"
        before = (await house.call("GET", api)).json
        untouched = fields_of(await somebody.get(f"{page}/{form}"), f"{page}/{form}")
        assert (await somebody.post(f"{page}/{form}", untouched)).status == 303
        after = (await house.call("GET", api)).json
        assert after | {"etag": ""} == before | {"etag": ""}
        stale = await somebody.post(f"{page}/{form}", untouched)
        assert (stale.status, "changed" in stale.words) == (412, True)


async def test_what_is_wrong_stands_at_its_field_and_the_rest_is_kept(somebody: Visitor) -> None:
    seen = await somebody.post("/console/tasks/new", {"name": "Keep me", "command": "No Command", "timeout": "soon"})
    assert (seen.status, "must be a whole number" in seen.words, 'value="Keep me"' in seen.html) == (400, True, True)
    assert 'value="soon"' in seen.html, "what cannot be read stays in its field"
    seen = await somebody.post("/console/tasks/new", {"name": "Keep me", "command": "No Command", "timeout": "5"})
    assert (seen.status, 'id="e-command"' in seen.html, 'id="e-timeout"' in seen.html) == (400, True, True)
    mixed = await somebody.post("/console/plans/new", {"name": "P", "steps.key": "", "steps.value": "1, x"})
    assert (mixed.status, 'value="1, x"' in mixed.html) == (400, True)
    plan = await somebody.post("/console/plans/new", {"name": "P", "steps.key": "", "steps.value": "999999"})
    assert (plan.status, "no task 999999" in plan.words) == (400, True)
    task, trigger, _ = await make_trigger(somebody)
    twice = {
        "kind": "webhook",
        "target": f"task:{task.rpartition('/')[2]}",
        "name": "b",
        "threshold": "1",
        "duration": "9",
    }
    again = await somebody.post("/console/triggers/new", twice)
    assert (again.status, "Make the trigger" in again.words, "webhook" in again.words) == (409, True, True)
    for path in (f"{trigger}/flush", f"{task}/delete"):
        refused = await somebody.post(path)
        assert (path, refused.status, 'role="alert"' in refused.html) == (path, 409, True)
    assert (await somebody.get("/console/executions?task_id=x")).status == 400


async def test_a_task_shows_its_triggers_beyond_the_first_page_of_them(
    somebody: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, trigger, _ = await make_trigger(somebody)
    monkeypatch.setattr(walk, "SIZE", 1)
    monkeypatch.setattr(walk, "PAGES", 1000)
    assert trigger in (await somebody.get(task)).html


async def test_among_many_tasks_one_is_chosen_by_its_name_or_number(
    somebody: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await make_task(somebody, name='"One" of (many)')
    number = task.rpartition("/")[2]
    monkeypatch.setattr(choices, "FEW", 0)
    form = await somebody.get(f"/console/triggers/new?target=task:{number}")
    chosen = dict(fields_of(form, "/console/triggers/new"))["target"]
    assert chosen == f'"One" of (many) (task {number})'
    cron = {"kind": "cron", "name": "n", "cron.expression": "0 3 * * *"}
    refused = await somebody.post("/console/triggers/new", cron | {"target": "One of"})
    assert (refused.status, 'value="One of"' in refused.html) == (400, True)
    made = await somebody.post("/console/triggers/new", cron | {"target": chosen}, follow=True)
    assert f'href="{task}"' in made.html
    wish = {"name": "p", "steps.key": "s", "steps.value": number, "failure_handler_task_id": f"task {number}"}
    plan = (await somebody.post("/console/plans/new", wish)).location.partition("?")[0]
    form = await somebody.get(f"{plan}/edit")
    assert dict(fields_of(form, f"{plan}/edit"))["failure_handler_task_id"] == chosen
    assert (await somebody.post(f"{plan}/edit", wish | {"failure_handler_task_id": f"plan {number}"})).status == 400


async def test_buttons_do_what_they_say(somebody: Visitor) -> None:
    task, trigger, _ = await make_trigger(somebody)
    assert "paused" in (await somebody.post(f"{task}/pause", follow=True)).words
    assert "Resumed." in (await somebody.post(f"{task}/resume", follow=True)).words
    copied = await somebody.post(f"{task}/copy", follow=True)
    assert "Load orders copy" in copied.html
    assert "was answered 204" in (await somebody.post(f"{trigger}/call", CALL)).words
    flushed = await somebody.post(f"{trigger}/flush", follow=True)
    assert "The window is closed." in flushed.words
    execution = flushed.html.partition('action="/console/executions/')[2][:31]
    assert "Cancelled." in (await somebody.post(f"/console/executions/{execution}/cancel", follow=True)).words
    assert "closed by hand" in (await somebody.get(trigger)).words
    assert "Disabled." in (await somebody.post(f"{trigger}/disable", follow=True)).words
    assert "was answered 404" in (await somebody.post(f"{trigger}/call", CALL)).words
    assert "Enabled." in (await somebody.post(f"{trigger}/enable", follow=True)).words
    started = await somebody.post(
        f"{task}/start", {"payload": XSS, "reason": "to see", "request_id": "r1"}, follow=True
    )
    assert ("started by hand" in started.words, XSS in started.words) == (True, True)
    no_markup_of_others(started)
    number = task.rpartition("/")[2]
    mine = await somebody.get(f"/console/executions?task_id={number}&state=CANCELLED")
    assert len(set(EXECUTION.findall(mine.html))) == 1
    by_hand = found(EXECUTION, await somebody.get(f"/console/executions?task_id={number}&state=PENDING"))
    await somebody.post(f"{by_hand}/cancel")
    assert "The trigger is deleted." in (await somebody.post(f"{trigger}/delete", {"discard": "on"}, follow=True)).words
    assert "The task is deleted." in (await somebody.post(f"{task}/delete", follow=True)).words


async def test_who_may_only_read_sees_pages_and_never_a_url(house: Platform, somebody: Visitor) -> None:
    task, trigger, url = await make_trigger(somebody)
    async with visitor(house.call, await new_token(house.call, ACCOUNT, "read_only")) as reader:
        for path in (task, trigger, f"{trigger}/windows", "/console/executions"):
            assert (await reader.get(path)).status == 200
        for path in ("url", "call", "delete", "disable"):
            refused = await reader.post(f"{trigger}/{path}", CALL)
            assert (path, refused.status, url in refused.html) == (path, 403, False)
    async with visitor(house.call, await new_token(house.call, ACCOUNT, "webhooks_only")) as stranger:
        assert (await stranger.get(trigger)).status == 403
