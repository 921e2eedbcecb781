"""Triggers made and changed."""

import asyncio
from typing import Any

from starlette.responses import Response

from chassis.errors import BadField
from gateway.console.choices import choice_of, choices
from gateway.console.entry import Entry
from gateway.console.page import Page
from gateway.console.refusal import NO_REFUSAL, Refusal, refusal_of
from gateway.console.triggers.asking import page_of, shown, trigger
from gateway.console.triggers.trigger_form import KINDS, MODES, TriggerForm, fill, fill_rules, form_of, sent
from gateway.console.triggers.url import url_view
from gateway.console.visit import ConsoleVisit
from gateway.console.walk import walk
from gateway.http_errors import HttpError
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.trigger_pb2 import Trigger

_PREFIX = "trigger."
#: Kinds as their links say them.
_TABS = (("webhook", "Calls to a URL"), ("cron", "A schedule"), ("once", "One moment"))


async def new(visit: ConsoleVisit) -> Response:
    """GET /console/triggers/new?kind=&target="""
    kind = _kind(visit.query.text("kind"))
    return await _new(visit, TriggerForm(kind=kind, target=visit.query.text("target")))


async def create(visit: ConsoleVisit) -> Response:
    """POST /console/triggers/new: of a webhook, the answer shows its URL."""
    kind = _kind(visit.form.text("kind"))
    wanted, entry = Trigger(account_id=visit.account_id, kind=KINDS[kind]), Entry(visit.form)
    _fill_target(wanted, entry)
    fill(wanted, entry, kind)
    if entry.bad:
        return await _new(visit, sent(visit.form, kind), 400, entry.refusal)
    try:
        answer = await visit.ask(visit.services.triggers.CreateTrigger, pb.CreateTriggerRequest(trigger=wanted))
    except HttpError as error:
        if error.status in (401, 404):
            raise
        return await _new(visit, sent(visit.form, kind), error.status, _refusal(error))
    if not answer.token:
        return visit.redirect(f"/console/triggers/{answer.trigger.trigger_id}", done="trigger_made")
    url = url_view(visit.settings.public_url, answer.token)
    view = await shown(visit, answer.trigger)
    return visit.page("triggers/url.html", trigger=view, url=url, fresh="The trigger is made, and its URL answers.")


async def edit(visit: ConsoleVisit) -> Response:
    """GET /console/triggers/{trigger_id}/edit"""
    found = await trigger(visit)
    return await _edit(visit, found, form_of(found))


async def change(visit: ConsoleVisit) -> Response:
    """POST /console/triggers/{trigger_id}/edit"""
    found = await trigger(visit)
    kind, wanted, entry = form_of(found).kind, Trigger(), Entry(visit.form)
    wanted.CopyFrom(found)
    wanted.etag = visit.form.text("etag")
    fill(wanted, entry, kind)
    if kind == "webhook":
        fill_rules(wanted, entry)
    if entry.bad:
        return await _edit(visit, found, sent(visit.form, kind), 400, entry.refusal)
    try:
        await visit.ask(visit.services.triggers.UpdateTrigger, pb.UpdateTriggerRequest(trigger=wanted))
    except HttpError as error:
        if error.status in (401, 404):
            raise
        return await _edit(visit, found, sent(visit.form, kind), error.status, _refusal(error))
    return visit.redirect(page_of(visit), done="trigger_changed")


async def _new(visit: ConsoleVisit, form: TriggerForm, status: int = 200, refusal: Refusal = NO_REFUSAL) -> Response:
    tasks, plans = await asyncio.gather(
        walk(visit, visit.services.triggers.ListTasks, pb.ListTasksRequest(account_id=visit.account_id)),
        walk(visit, visit.services.triggers.ListPlans, pb.ListPlansRequest(account_id=visit.account_id)),
    )
    targets = choices(
        (one for answer in tasks for one in answer.tasks),
        (one for answer in plans for one in answer.plans),
        chosen=form.target,
    )
    around: dict[str, Any] = {"tabs": _TABS, "modes": MODES, "targets": targets, "now_in_utc": _now(visit)}
    return visit.page("triggers/new.html", status=status, refusal=refusal, trigger=form, **around)


async def _edit(
    visit: ConsoleVisit, found: Trigger, form: TriggerForm, status: int = 200, refusal: Refusal = NO_REFUSAL
) -> Response:
    around: dict[str, Any] = {"modes": MODES, "now_in_utc": _now(visit), "stored": await shown(visit, found)}
    return visit.page("triggers/edit.html", status=status, refusal=refusal, trigger=form, **around)


def _refusal(error: HttpError) -> Refusal:
    """What the service has against it, under the names that the form has: task and plan are one field of it."""
    refusal = refusal_of(error, _PREFIX)
    named = {"task_id": "target", "plan_id": "target"}
    return Refusal(
        message=refusal.message,
        fields=tuple(BadField(named.get(bad.field, bad.field), bad.message) for bad in refusal.fields),
    )


def _fill_target(wanted: Trigger, entry: Entry) -> None:
    noun, number = choice_of(entry.form.text("target"))
    if not noun:
        entry.bad.append(BadField("target", "choose the task or plan that it starts"))
    elif noun == "task":
        wanted.task_id = number
    else:
        wanted.plan_id = number


def _kind(text: str) -> str:
    return text if text in KINDS else "webhook"


def _now(visit: ConsoleVisit) -> str:
    return f"{visit.now:%Y-%m-%d %H:%M}"


PAGES = (
    Page("GET", "/console/triggers/new", new),
    Page("POST", "/console/triggers/new", create),
    Page("GET", "/console/triggers/{trigger_id}/edit", edit),
    Page("POST", "/console/triggers/{trigger_id}/edit", change),
)
