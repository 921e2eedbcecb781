"""What a person reads when all is ready. Invariant: the first line is `ready <gateway URL>` alone; each curl works."""

from collections.abc import Mapping
from pathlib import Path

_TEXT = """\
ready {gateway_url}

{token_line}
Account {account_id}. Addresses and the token for other programs: {data_dir}/standalone.json. Logs: {data_dir}/logs.
Here deliveries may go to loopback addresses (127.0.0.0/8, ::1/128); a deployment refuses them.
"""


def welcome(facts: Mapping[str, object], *, data_dir: Path, token_is_new: bool) -> str:
    """`facts` are those of standalone.json; the token is shown only when it was made up by this start."""
    token_line = (
        f"export TOKEN={facts['token']}   # shown this once" if token_is_new else "TOKEN is the one from before."
    )
    return _TEXT.format(**facts, token_line=token_line, data_dir=data_dir)
