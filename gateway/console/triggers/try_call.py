"""What somebody wants to try a trigger with, and what became of it: the call goes the way of every other call.

Invariant: nothing vouches for it. It carries what its form says and no signature, so that a trigger that verifies its calls
refuses it unless the form brings the proof.
"""

from dataclasses import dataclass

from chassis.errors import BadField
from gateway import call_answers
from gateway.call_stream import CallLost
from gateway.console.form import Form
from gateway.console.readable import readable
from gateway.console.visit import ConsoleVisit
from gateway.http_errors import HttpError
from runhook.trigger.v1.trigger_service_pb2 import CallAccepted, ReceiveCallsRequest

SAMPLE = '{"hello": "world"}'
MEDIA_TYPES = tuple(call_answers.MEDIA_TYPES.split(", "))
_AGENT = b"runhook-console"
_HEADER = "must be a header in each line, such as X-Hub-Signature-256: sha256=..."


@dataclass(frozen=True, kw_only=True)
class CallForm:
    """A call as its form shows it."""

    media_type: str = MEDIA_TYPES[0]
    body: str = SAMPLE
    headers: str = ""

    @classmethod
    def read(cls, form: Form) -> "CallForm":
        """As it was sent."""
        return cls(media_type=form.text("media_type").strip(), body=form.text("body"), headers=form.text("headers"))

    def request(self, token: str) -> ReceiveCallsRequest | BadField:
        """The call to the URL that ends with this token; or what is wrong with the form."""
        request = ReceiveCallsRequest()
        call = request.call
        call.token, call.media_type, call.body, call.method = token, self.media_type, self.body.encode(), "POST"
        call.headers.add(name="user-agent", value=_AGENT)
        if self.media_type:
            call.headers.add(name="content-type", value=self.media_type.encode())
        for line in self.headers.splitlines():
            name, colon, value = line.partition(":")
            if not line.strip():
                continue
            if not colon or not name.strip().isascii() or not name.strip():
                return BadField("headers", _HEADER)
            call.headers.add(name=name.strip().lower(), value=value.strip().encode())
        return request


@dataclass(frozen=True, kw_only=True)
class CallAnswer:
    """What a sender would have been answered. `kind` is of a notice; `unproven` is whether its proof was not good."""

    kind: str
    status: int
    sentence: str
    call_id: str = ""
    reason: str = ""
    body: str = ""
    unproven: bool = False


async def send(visit: ConsoleVisit, request: ReceiveCallsRequest) -> CallAnswer:
    """Brings the call to trigger_svc as the trigger door does; its answer."""
    try:
        answer = await visit.streams.send(request)
    except CallLost:
        return refused_answer(call_answers.lost())
    if answer.HasField("accepted"):
        return accepted_answer(answer.accepted)
    return refused_answer(call_answers.refusal(answer.refused))


def accepted_answer(accepted: CallAccepted) -> CallAnswer:
    """Of a call that was taken, or known already, or a handshake."""
    status = accepted.reply.status_code if accepted.HasField("reply") else 204
    sentence = "It is stored, and a member of a window."
    if accepted.duplicate:
        sentence = "It came before, and is not counted again: its sender has named both with the same id."
    elif not accepted.call_id:
        sentence = "It was a handshake, which is answered and is no call."
    body = readable(accepted.reply.body)
    return CallAnswer(kind="good", status=status, sentence=sentence, call_id=accepted.call_id, body=body)


def refused_answer(error: HttpError) -> CallAnswer:
    """Of a call that was not taken."""
    sentence = f"It is not stored: {error.message}"
    return CallAnswer(
        kind="bad", status=error.status, sentence=sentence, reason=error.reason, unproven=error.status == 401
    )
