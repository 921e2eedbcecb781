"""The platform as other people's clients insist on it: at a host name, over HTTPS, with a certificate that they can check.

Invariant: a client is told three things, the host, its token and which authority to trust, and nothing else differs from
what it talks to elsewhere.
"""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import trustme

from tests.support.receiver import Receiver
from tests.support.standalone import Standalone


@dataclass(frozen=True, kw_only=True)
class Served:
    """A running one: `host` is name and port, `trust` the environment that makes clients trust it, `http` asks it."""

    host: str
    token: str
    account_id: int
    trust: dict[str, str]
    http: httpx.Client
    standalone: Standalone

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """What it answers to us."""
        return self.http.request(method, path, **options).raise_for_status().json()

    async def finished_run(self) -> int:
        """The id of a run that has ended well: a task, its trigger, one call, and the event that says so."""
        v1, v3 = (f"/api/{version}/accounts/{self.account_id}" for version in ("v1", "v3"))
        work = {"name": "t", "command": "echo-payload", "parameters": [{"name": "resource_webhook_payload"}]}
        task = self.ask("POST", f"{v1}/tasks", json=work)
        calls = {"name": "t", "task_id": task["task_id"], "threshold": 1, "duration_seconds": 60}
        trigger = self.ask("POST", f"{v1}/triggers", json=calls)
        async with Receiver(200) as receiver:
            hook = {"name": "run", "event_types": ["job.run.completed"], "client_url": receiver.url, "active": True}
            webhook = self.ask("POST", f"{v3}/webhooks/subscriptions", json=hook)["data"]
            self.http.post(urlsplit(trigger["url"]).path, json={}).raise_for_status()
            event = (await receiver.request(1)).body
            self.ask("DELETE", f"{v3}/webhooks/subscription/{webhook['id']}")
        return int(json.loads(event)["data"]["runId"])


@contextmanager
def served(directory: Path) -> Iterator[Served]:
    """Start it in this directory."""
    authority, certificate = trustme.CA(), directory / "certificate.pem"
    issued = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(directory / "authority.pem"))
    issued.private_key_pem.write_to_path(str(directory / "key.pem"))
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    tls = {"RUNHOOK_GATEWAY_TLS_CERT": str(certificate), "RUNHOOK_GATEWAY_TLS_KEY": str(directory / "key.pem")}
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with Standalone(directory / "data", **tls) as standalone:
        facts = standalone.facts
        host = f"localhost:{urlsplit(facts['gateway_url']).port}"
        headers = {"Authorization": f"Token {facts['token']}"}
        with httpx.Client(base_url=f"https://{host}", verify=trusting, headers=headers, trust_env=False) as http:
            yield Served(
                host=host,
                token=facts["token"],
                account_id=facts["account_id"],
                trust=dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), str(directory / "authority.pem")),
                http=http,
                standalone=standalone,
            )
