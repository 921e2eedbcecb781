"""What is typed of a trigger, as the API reads it. Invariant: what was not typed is not in the body."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cli.changing import said
from cli.options import Command
from cli.settings import read_secret

PRESETS = (
    *("none", "github", "stripe", "slack", "standard_webhooks", "generic_hmac", "basic", "api_key", "salesforce"),
)
_HMAC = ("header", "prefix", "algorithm", "encoding", "template", "timestamp_header")
_HMAC_HELP = {
    "header": "The header with the signature.",
    "prefix": 'What stands before it, such as "sha256=".',
    "algorithm": "sha256, sha1 or sha512.  [sha256]",
    "encoding": "hex, base64 or base64url.  [hex]",
    "template": 'What is signed, such as "{timestamp}.{body}".  [{body}]',
    "timestamp_header": "The header with the timestamp, in unix seconds.",
}
_WHEN = (
    click.option("--threshold", type=int, metavar="NUMBER", help="How many calls close a window: 1 to 10000."),
    click.option(
        "--duration",
        "duration_seconds",
        type=int,
        metavar="SECONDS",
        help="How long after its first call a window closes: 1 to 86400.",
    ),
    click.option("--at", "start_at", metavar="TIME", help="One moment, such as 2027-01-31T06:00:00Z."),
    click.option(
        "--cron", "cron_expression", metavar="EXPRESSION", help='A schedule, such as "*/15 6-18 * * mon-fri".'
    ),
    click.option("--time-zone", "cron_time_zone", metavar="ZONE", help="Of --cron, such as Europe/Berlin.  [UTC]"),
    click.option(
        "--data-mode",
        type=click.Choice(("string", "object", "talend_raw")),
        help='How a body stands in the payload\'s "data".  [string]',
    ),
)
_VERIFICATION = (
    click.option("--verify", "preset", type=click.Choice(PRESETS), help="Whose way to sign calls is checked.  [none]"),
    click.option(
        "--secret-file",
        "secrets",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="FILE",
        help="A file with a secret agreed on; twice while it is changed.",
    ),
    click.option(
        "--tolerance",
        "tolerance_seconds",
        type=int,
        metavar="SECONDS",
        help="How old a signed timestamp may be: 1 to 86400.  [300]",
    ),
    click.option("--dedupe-header", metavar="HEADER", help="Names a call for good: one that comes again is not taken."),
    click.option("--api-key-header", metavar="HEADER", help="Of api_key.  [X-Api-Key]"),
    *(
        click.option(
            f"--hmac-{name.replace('_', '-')}", f"hmac_{name}", metavar="TEXT", help=f"Of generic_hmac. {text}"
        )
        for name, text in _HMAC_HELP.items()
    ),
)
_CALL_RULES = (
    click.option(
        "--media-type", "extra_media_types", multiple=True, metavar="TYPE", help="Also taken; repeat it. Replaces all."
    ),
    click.option("--assume-media-type", "assumed_media_type", metavar="TYPE", help="Of a body that names none."),
    click.option("--validate-body/--any-body", default=None, help="Whether a body must be what it says it is."),
    click.option(
        "--lenient-encoding/--strict-encoding", default=None, help="Whether bytes that are no text are taken."
    ),
    click.option("--accept-compressed/--no-compressed", default=None, help="Whether gzip and deflate are taken."),
    click.option(
        "--refuse-while-paused/--take-while-paused", default=None, help="Whether calls are refused while paused."
    ),
    click.option(
        "--rate", "rate_per_second", type=float, metavar="NUMBER", help="Most calls a second and pod; 0: no limit."
    ),
)
_OF_RULES = (
    *("extra_media_types", "assumed_media_type", "validate_body", "lenient_encoding", "accept_compressed"),
    *("refuse_while_paused", "rate_per_second"),
)


def wished(command: Command) -> Command:
    """The options that say what a trigger is, but for name and target; `body` gathers what they say."""
    add: Callable[[Command], Command]
    for add in reversed((*_WHEN, *_VERIFICATION, *_CALL_RULES)):
        command = add(command)
    return command


def body(wish: dict[str, Any]) -> dict[str, Any]:
    """What was typed, its parts in objects of their own."""
    hmac = said({name: wish.pop(f"hmac_{name}") for name in _HMAC})
    verification = said(
        {name: wish.pop(name) for name in ("preset", "tolerance_seconds", "dedupe_header", "api_key_header")}
        | {"secrets": [read_secret(file) for file in wish.pop("secrets")] or None, "generic_hmac": hmac}
    )
    rules = said({name: wish.pop(name) for name in _OF_RULES})
    if "extra_media_types" in rules:
        rules["extra_media_types"] = list(rules["extra_media_types"])
    cron = said({name: wish.pop(f"cron_{name}") for name in ("expression", "time_zone")})
    return said(wish | {"cron": cron, "verification": verification, "call_rules": rules})
