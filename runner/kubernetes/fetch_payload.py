"""`python -m runner.kubernetes.fetch_payload`: the init container of a run's pod. Writes the payload to a file that only its
pod sees, and the script through which the command starts with the payload in a variable too.

Guards that the pod needs no credential of ours: the run's token is good for this payload, under this lease, while it lasts.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

import grpc

from chassis import identity
from chassis.channel import open_channel
from chassis.identity import Identity
from chassis.settings import SettingsError
from runhook.trigger.v1.run_service_pb2_grpc import RunServiceStub
from runner.client import Client, LeaseLost
from runner.held import HeldRun
from runner.invocation import LONGEST_PAYLOAD_VARIABLE, fits_variable

#: A shell can put a file into a variable and become another program; the payload, an array, ends with no line break
#: that the shell would drop. What does not fit a variable stays in the file alone, and `variable` is not there.
ENTER = """\
here=${0%/*}
if [ -e "$here/variable" ]; then
  resource_webhook_payload=$(cat "$here/payload") || exit 126
  export resource_webhook_payload
fi
exec "$@"
"""


async def fetch(
    directory: Path, target: str, held: HeldRun, token: str, passthrough: bool | None, own: Identity | None
) -> None:
    """Writes payload, enter and, where the payload fits a variable, variable. Every user of the pod may read them."""
    async with open_channel(target, own) as channel:
        client = Client(RunServiceStub(channel), (("authorization", f"Bearer {token}"),), passthrough=passthrough)
        await client.fetch_payload(held, directory / "payload")
    (directory / "payload").chmod(0o444)
    (directory / "enter").write_text(ENTER)
    (directory / "enter").chmod(0o555)
    if (directory / "payload").stat().st_size > LONGEST_PAYLOAD_VARIABLE:
        return
    content = (directory / "payload").read_bytes()
    if fits_variable(content) and not content.endswith(b"\n"):
        (directory / "variable").touch(mode=0o444)


def _identity() -> Identity | None:
    """By the runner's RUNHOOK_RUNNER_JOB_TLS_SECRET."""
    files = [os.environ.get(variable) for variable in (identity.CERT, identity.KEY, identity.CA)]
    return Identity(*(Path(file) for file in files if file)) if all(files) else None


def main() -> int:
    """Reads what the Job says from the environment. 0, or 1 with a sentence on standard error."""
    told = os.environ
    held = HeldRun(run_id=int(told["RUNHOOK_RUN_ID"]), lease_id=int(told["RUNHOOK_LEASE_ID"]))
    token = Path(told["RUNHOOK_RUN_TOKEN_FILE"]).read_text("ascii").strip()
    directory = Path(told["RUNHOOK_PAYLOAD_DIRECTORY"])
    passthrough = json.loads(told["RUNHOOK_PASSTHROUGH"])
    try:
        own = _identity()
        asyncio.run(fetch(directory, told["RUNHOOK_TRIGGER_SVC"], held, token, passthrough, own))
    except SettingsError as error:
        print(error, file=sys.stderr)
    except LeaseLost as error:
        print(f"the run is somebody else's by now: {error}", file=sys.stderr)
    except grpc.aio.AioRpcError as error:
        print(f"trigger_svc answered {error.code().name}: {error.details()}", file=sys.stderr)
    except OSError as error:
        print(f"cannot write to {directory}: {error.strerror}", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
