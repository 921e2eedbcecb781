"""What a person reads when all is ready. Invariant: the first line is `ready <gateway URL>`; every command works."""

from collections.abc import Mapping
from pathlib import Path

_TEXT = """\
ready {gateway_url}

{token_line}
In a browser: {gateway_url}/console, signed in with the token.
In another terminal: `{command} listen --subscribe` shows what arrives, `--help` what else there is.
Routes are at {gateway_url}/docs.
By hand:
  export TOKEN=$(python3 -c 'import json; print(json.load(open("{data_dir}/standalone.json"))["token"])')

Outbound: whoever listens on port 9000 gets a signed POST when a run ends.
  curl -sS {gateway_url}/api/v3/accounts/{account_id}/webhooks/subscriptions \\
    -H "Authorization: Token $TOKEN" -H 'Content-Type: application/json' \\
    -d '{{"name": "one", "active": true, "client_url": "http://127.0.0.1:9000/", "event_types": ["job.run.completed"]}}'

Inbound: a task, then a trigger for its "task_id", then POST anything to the trigger's "url".
  curl -sS {gateway_url}/api/v1/accounts/{account_id}/tasks \\
    -H "Authorization: Token $TOKEN" -H 'Content-Type: application/json' \\
    -d '{{"name": "first", "command": "echo-payload", "parameters": [{{"name": "resource_webhook_payload"}}]}}'
  curl -sS {gateway_url}/api/v1/accounts/{account_id}/triggers \\
    -H "Authorization: Token $TOKEN" -H 'Content-Type: application/json' \\
    -d '{{"name": "first", "task_id": TASK_ID, "threshold": 2, "duration_seconds": 60}}'

Data and logs are in {data_dir}. Deliveries may go to loopback addresses here ({allowed}); a deployment refuses them.
Ctrl-C ends everything.
"""


def welcome(facts: Mapping[str, object], *, data_dir: Path, allowed: str, token_is_new: bool, called: str) -> str:
    """`facts` are those of standalone.json; the token is shown only when this start made it up.

    `called` is how this program was: `make run` does so by a path, and then `runhook` alone is not found.
    """
    command = called if Path(called).name == "runhook" else "runhook"
    token_line = (
        f"The token, shown this once: {facts['token']}"
        if token_is_new
        else "The token is the one that you have; the export below finds it."
    )
    return _TEXT.format(**facts, token_line=token_line, data_dir=data_dir, allowed=allowed, command=command)
