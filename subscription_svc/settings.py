"""What subscription_svc can be told by its environment, beside what every service knows."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from chassis.settings import ServiceSettings, SettingsError, read_secret

LARGEST_ACCOUNT_ID = 2**63 - 1
TOKEN_FILE = "RUNHOOK_SUBSCRIPTION_FIRST_TOKEN_FILE"
LONGEST_TOKEN = 512


class SubscriptionSettings(ServiceSettings):
    """The first account is made at start, so that a fresh platform has somebody who may use it."""

    #: Number of the account to make at start if it is not there. Unset: none is made.
    subscription_first_account_id: int | None = Field(default=None, gt=0, le=LARGEST_ACCOUNT_ID)
    #: File with that account's account_admin service token. Set together with the id.
    subscription_first_token_file: Path | None = None
    #: Most subscriptions that an account may have at a time.
    subscription_most_per_account: int = Field(default=500, ge=1, le=100_000)
    #: Most service tokens that an account may have at a time; revoked and expired ones do not count.
    subscription_most_tokens_per_account: int = Field(default=1_000, ge=1, le=100_000)

    @classmethod
    def own_prefix(cls) -> str:
        """Names that no other process reads."""
        return "SUBSCRIPTION_"

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.subscription_first_account_id is None) != (self.subscription_first_token_file is None):
            raise ValueError(
                "SUBSCRIPTION_FIRST_ACCOUNT_ID and SUBSCRIPTION_FIRST_TOKEN_FILE belong together: set both"
            )
        return self

    def first_token(self) -> str | None:
        """The first account's token, or None. SettingsError when the file holds nothing that a header can carry."""
        if self.subscription_first_token_file is None:
            return None
        token = read_secret(self.subscription_first_token_file, TOKEN_FILE).strip()
        if not token or len(token) > LONGEST_TOKEN or not all("!" <= character <= "~" for character in token):
            raise SettingsError(
                [f"{TOKEN_FILE}: must hold one token of 1 to {LONGEST_TOKEN} printable ASCII characters"]
            )
        return token
