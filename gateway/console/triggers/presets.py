"""The ways in which senders sign, as their form shows them: words, and which fields belong to each. Rules are the service's."""

from dataclasses import dataclass

from runhook.trigger.v1.trigger_pb2 import VerificationPreset


@dataclass(frozen=True, kw_only=True)
class Preset:
    """`header` is where a call's proof stands, empty where there is none; `secret` says what to enter."""

    key: str
    title: str
    about: str
    header: str = ""
    secret: str = ""
    timed: bool = False

    @property
    def number(self) -> "VerificationPreset.ValueType":
        """Its number in the protocol."""
        return VerificationPreset.Value(f"VERIFICATION_PRESET_{self.key.upper()}")

    @property
    def signed(self) -> bool:
        """Whether a call proves itself with something that was agreed on."""
        return bool(self.header)


NONE = Preset(
    key="none",
    title="None: the URL is the secret",
    about="Whoever knows the URL may call. Good enough where the sender cannot sign.",
)
PRESETS = (
    NONE,
    Preset(
        key="github",
        title="GitHub",
        about="Set the same secret in the webhook's settings at GitHub, and its content type to application/json.",
        header="X-Hub-Signature-256",
        secret="The secret that you enter at GitHub.",
    ),
    Preset(
        key="stripe",
        title="Stripe",
        about="An event that Stripe sends again is known by its id and counted once.",
        header="Stripe-Signature",
        secret="The endpoint's signing secret, which begins with whsec_.",
        timed=True,
    ),
    Preset(
        key="slack",
        title="Slack",
        about="Slack's url_verification is answered by itself when you enter the URL there.",
        header="X-Slack-Signature",
        secret="The app's signing secret.",
        timed=True,
    ),
    Preset(
        key="standard_webhooks",
        title="Standard Webhooks (Svix and others)",
        about="Calls have webhook-id, webhook-timestamp and webhook-signature, or svix- instead of webhook-.",
        header="webhook-signature",
        secret="whsec_ and base64, or the sender's public key, which begins with whpk_.",
        timed=True,
    ),
    Preset(
        key="generic_hmac",
        title="An HMAC in a header",
        about="For senders that sign in a way of their own: say which header, which hash, how it is written.",
        header="a header of your choice",
        secret="The key of the HMAC, as text.",
        timed=True,
    ),
    Preset(
        key="basic",
        title="Name and password (HTTP Basic)",
        about="For senders that can do no more.",
        header="Authorization",
        secret="name:password",
    ),
    Preset(
        key="api_key",
        title="A secret in a header",
        about="For senders that can send a fixed header.",
        header="a header of your choice",
        secret="The value of the header.",
    ),
    Preset(
        key="salesforce",
        title="Salesforce outbound messages",
        about="Nothing is signed, the URL is the secret. Messages are acknowledged as Salesforce expects, and counted once.",
    ),
)
BY_KEY = {preset.key: preset for preset in PRESETS}
_BY_NUMBER = {preset.number: preset for preset in PRESETS}


def preset_of(number: "VerificationPreset.ValueType") -> Preset:
    """The preset of a message; what is not said is none."""
    return _BY_NUMBER.get(number, NONE)
