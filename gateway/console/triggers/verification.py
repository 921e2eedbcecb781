"""How a trigger's calls prove whom they are from: the preset, then its own fields. Secrets come in and are never shown."""

from google.protobuf.duration_pb2 import Duration
from starlette.responses import Response

from gateway.console.entry import Entry
from gateway.console.page import Page
from gateway.console.refusal import NO_REFUSAL, Refusal, refusal_of
from gateway.console.triggers.asking import page_of, shown, trigger
from gateway.console.triggers.presets import BY_KEY, PRESETS, Preset, preset_of
from gateway.console.visit import ConsoleVisit
from gateway.http_errors import HttpError
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.trigger_pb2 import GenericHmac, Trigger, Verification

_PREFIX = "trigger.verification."
ALGORITHMS = (("sha256", "SHA-256"), ("sha1", "SHA-1"), ("sha512", "SHA-512"))
ENCODINGS = (("hex", "hexadecimal"), ("base64", "base64"), ("base64url", "base64url"))


async def edit(visit: ConsoleVisit) -> Response:
    """GET /console/triggers/{trigger_id}/verification?preset=: the fields of the preset that was chosen, or is stored."""
    found = await trigger(visit)
    chosen = BY_KEY.get(visit.query.text("preset"), preset_of(found.verification.preset))
    stored = found.verification if chosen == preset_of(found.verification.preset) else Verification()
    return await _shown(visit, found, chosen, stored)


async def change(visit: ConsoleVisit) -> Response:
    """POST /console/triggers/{trigger_id}/verification"""
    found = await trigger(visit)
    chosen, entry = BY_KEY.get(visit.form.text("preset"), PRESETS[0]), Entry(visit.form)
    wanted = Trigger()
    wanted.CopyFrom(found)
    wanted.etag = visit.form.text("etag")
    wanted.verification.CopyFrom(_verification(chosen, entry))
    if entry.bad:
        return await _shown(visit, found, chosen, wanted.verification, 400, entry.refusal)
    try:
        await visit.ask(visit.services.triggers.UpdateTrigger, pb.UpdateTriggerRequest(trigger=wanted))
    except HttpError as error:
        if error.status in (401, 404):
            raise
        return await _shown(visit, found, chosen, wanted.verification, error.status, refusal_of(error, _PREFIX))
    return visit.redirect(page_of(visit), done="verification_changed")


async def _shown(
    visit: ConsoleVisit,
    found: Trigger,
    chosen: Preset,
    values: Verification,
    status: int = 200,
    refusal: Refusal = NO_REFUSAL,
) -> Response:
    return visit.page(
        "triggers/verification.html",
        status=status,
        refusal=refusal,
        trigger=await shown(visit, found),
        etag=visit.form.text("etag") or found.etag,
        presets=PRESETS,
        chosen=chosen,
        kept=found.verification.secret_count if chosen == preset_of(found.verification.preset) else 0,
        tolerance=str(values.tolerance.seconds) if values.HasField("tolerance") else "",
        values=values,
        algorithms=ALGORITHMS,
        encodings=ENCODINGS,
    )


def _verification(chosen: Preset, entry: Entry) -> Verification:
    form = entry.form
    wanted = Verification(preset=chosen.number, dedupe_header=form.text("dedupe_header").strip())
    if chosen.signed:
        wanted.secrets.extend(secret for secret in form.all("secrets") if secret)
    if chosen.timed and form.text("tolerance").strip():
        wanted.tolerance.CopyFrom(Duration(seconds=entry.number("tolerance")))
    if chosen.key == "api_key":
        wanted.api_key_header = form.text("api_key_header").strip()
    if chosen.key == "generic_hmac":
        named = ("header", "prefix", "algorithm", "encoding", "template", "timestamp_header")
        wanted.generic_hmac.CopyFrom(GenericHmac(**{name: form.text(f"generic_hmac.{name}").strip() for name in named}))
    return wanted


PAGES = (
    Page("GET", "/console/triggers/{trigger_id}/verification", edit),
    Page("POST", "/console/triggers/{trigger_id}/verification", change),
)
