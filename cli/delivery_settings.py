"""`runhook subscriptions delivery-settings`. Invariant: a change sets what was named and sends back the rest."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from cli.options import Id, connected
from cli.printer import Printer
from cli.shown import Column, plain

if TYPE_CHECKING:
    from cli.api import Api

DEFAULT = "default"
_UNSET = "the platform's"


class OrDefault(click.ParamType[Any]):
    """What `read` makes of the text, or the word default; whether it is allowed is the platform's to say."""

    name = "value"

    def __init__(self, read: Callable[[str], Any]) -> None:
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value; the word itself for default."""
        if value == DEFAULT:
            return value
        try:
            return self._read(value)
        except ValueError:
            self.fail(f"{value} is neither what --help says nor the word {DEFAULT}", param, ctx)


def delays(text: str) -> list[float]:
    """Seconds with commas between them; ValueError.

    >>> delays("5,0.5"), delays("none")
    ([5.0, 0.5], [])
    """
    return [] if text == "none" else [float(one) for one in text.split(",")]


def _schedule(key: str) -> Callable[[Any], str]:
    def show(schedule: Any) -> str:
        value = schedule[key] if schedule else None
        return "none" if value == [] else _own(value)

    return show


def _own(value: Any) -> str:
    return _UNSET if value is None else plain(value)


COLUMNS = (
    Column("RETRY DELAYS", "retry_schedule", _schedule("delays_seconds")),
    Column("JITTER", "retry_schedule", _schedule("jitter")),
    Column("CONCURRENCY", "concurrency", _own),
    Column("RATE PER SECOND", "rate_per_second", lambda value: "no limit" if value is None else plain(value)),
)


@click.command("delivery-settings")
@click.argument("subscription_id", type=Id())
@click.option(
    "--retry-delays",
    type=OrDefault(delays),
    metavar="SECONDS,...",
    help="Before each retry, such as 5,60,600; none for no retry.",
)
@click.option(
    "--jitter", type=OrDefault(float), metavar="PART", help="The part of a delay that it is spread by: 0 to 1."
)
@click.option("--concurrency", type=OrDefault(int), metavar="NUMBER", help="POSTs under way at once in each pod.")
@click.option("--rate", type=OrDefault(float), metavar="NUMBER", help="Most POSTs a second.")
@click.option("--reset", is_flag=True, help="All of it as the platform has it.")
@connected
def delivery_settings(api: "Api", printer: Printer, subscription_id: str, reset: bool, **wish: Any) -> None:
    """Show or change how it is delivered to.

    Changes what is named and keeps the rest; the word default leaves a setting to the platform. What somebody else changes
    at the same moment may be lost.
    """
    named = {key: value for key, value in wish.items() if value is not None}
    if reset and named:
        raise click.UsageError("--reset or settings, not both")
    path = f"{api.v1}/subscriptions/{subscription_id}/delivery-settings"
    settings = api.call("GET", path) if named or not reset else {}
    if named or reset:
        settings = api.call("PUT", path, body=changed(settings, **named))
    printer.record(settings, COLUMNS)


def changed(before: Mapping[str, Any], **named: Any) -> dict[str, Any]:
    """The settings with what was named. UsageError for a jitter without delays."""
    set_to = {key: None if value == DEFAULT else value for key, value in named.items()}
    schedule = before.get("retry_schedule")
    if "retry_delays" in set_to:
        found = set_to["retry_delays"]
        schedule = None if found is None else {"jitter": None, **(schedule or {}), "delays_seconds": found}
    if schedule is not None and "jitter" in set_to:
        schedule = {**schedule, "jitter": set_to["jitter"]}
    elif set_to.get("jitter") is not None:
        raise click.UsageError("--jitter goes with --retry-delays: the platform's delays have their own")
    return {
        "retry_schedule": schedule,
        "concurrency": set_to.get("concurrency", before.get("concurrency")),
        "rate_per_second": set_to.get("rate", before.get("rate_per_second")),
    }
