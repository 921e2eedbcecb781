"""Receivers: each answers in its way, and what it has got it keeps, since the sender's own tables prove nothing."""

from random import Random

from delivery_svc.sending.exchange import ErrorClass, Exchange, unanswered

TIMEOUT_SECONDS = 2.0
BACK_AT = 40.0  # everybody takes everything: what a breaker keeps waiting would take minutes to fail
CHARACTERS = ("takes", "takes", "slow", "fails", "hangs", "flaps", "refuses", "asks for later", "recovers")


class Endpoint:
    """One receiver. `answer` gives the exchange of a POST at `now`, and how long it takes."""

    def __init__(self, character: str, random: Random) -> None:
        self.character = character
        self._random = random

    def answer(self, now: float) -> tuple[Exchange, float]:
        """What becomes of a POST, and after how many seconds its sender knows."""
        pause = 0.005 + 0.05 * self._random.random()
        if now > BACK_AT:
            return _answered(200, pause)
        match self.character:
            case "takes":
                return _answered(200, pause)
            case "slow":
                return _answered(200, 20 * pause)
            case "fails":
                return _answered(500, pause)
            case "hangs":
                return unanswered(ErrorClass.TIMEOUT, "no answer in time", TIMEOUT_SECONDS), TIMEOUT_SECONDS
            case "flaps":
                return _answered(self._random.choice((200, 503)), pause)
            case "refuses":
                return unanswered(ErrorClass.CONNECT, "connection refused", 0.001), 0.0
            case "asks for later":
                return _answered(200 if self._random.random() < 0.5 else 429, pause, retry_after=2.0)
            case _:
                return _answered(200 if now > 4 else 502, pause)


def _answered(status_code: int, seconds: float, retry_after: float | None = None) -> tuple[Exchange, float]:
    return Exchange(status_code, ErrorClass.NONE, "", retry_after, b"", seconds), seconds
