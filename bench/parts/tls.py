"""How many deliveries does a CPU-second bring to endpoints that speak TLS, beside plain ones?

Pairs of saturated rounds on one platform, plain and then TLS, over kept connections; the certificate is of a CA that was
made for the run and is told to delivery_svc. The handshakes are before the measured stretch.
"""

import contextlib
import dataclasses
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import trustme

from bench import programs
from bench.figures import ProductRound
from bench.finding import Finding, Options, lost, spreads
from bench.goal import at_least
from bench.rounds import DRAIN_SECONDS, Ground
from bench.stage import Stage, new_load, stage
from bench.subscriptions import subscribed

RATIO = (0.60, 0.75)
WARM_SECONDS = 1.5
AUTHORITY = "ca.pem"
CERTIFICATE = "certificate.pem"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A plain round and the TLS round that followed it."""

    plain: ProductRound
    tls: ProductRound

    @property
    def ratio(self) -> float:
        """TLS deliveries per CPU-second of delivery_svc over plain ones."""
        return self.plain.product_us["delivery_svc"] / self.tls.product_us["delivery_svc"]


def limit(options: Options) -> float:
    """Seconds that it takes at most."""
    return 90 + 2 * (options.pairs + 1) * (WARM_SECONDS + options.seconds + DRAIN_SECONDS)


@contextlib.asynccontextmanager
async def set_up(options: Options) -> AsyncIterator[Stage]:
    """A platform that trusts a CA made for it; its folder holds a certificate of that."""
    with tempfile.TemporaryDirectory(prefix="runhook-bench-") as folder:
        make_certificates(Path(folder))
        told = {"RUNHOOK_DELIVERY_CA_FILE": str(Path(folder) / AUTHORITY)}
        async with stage(options.endpoints, told=told) as made:
            yield dataclasses.replace(made, folder=Path(folder))


async def run(here: Stage, options: Options) -> Finding:
    """Runs it, after one short pair that is not kept."""
    load = new_load(here.product, options.endpoints)
    async with (
        programs.receiver(options.endpoints, certificate=here.folder / CERTIFICATE) as receiver,
        subscribed(here.product, receiver.urls, load.first_job_id),
    ):
        plain = Ground(here.product, here.receiver, here.database, here.load, here.folder)
        secure = Ground(here.product, receiver, here.database, load, here.folder)
        await _pair(plain, secure, min(options.seconds, 2.0))
        pairs = [await _pair(plain, secure, options.seconds) for _ in range(options.pairs)]
        missing = [ground.published - await ground.receiver.control.events() for ground in (plain, secure)]
    return found(pairs, sum(map(len, missing)))


async def _pair(plain: Ground, secure: Ground, seconds: float) -> Pair:
    return Pair(plain=await plain.saturated(WARM_SECONDS, seconds), tls=await secure.saturated(WARM_SECONDS, seconds))


def make_certificates(folder: Path) -> None:
    """Writes a CA's certificate, and one of it for 127.0.0.1 with its key, both PEM."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / AUTHORITY)
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / CERTIFICATE)


def found(pairs: list[Pair], missing: int) -> Finding:
    """Figures and goal."""
    figures = spreads(
        per_cpu_second_ratio=[pair.ratio for pair in pairs],
        plain_delivery_svc_us=[pair.plain.product_us["delivery_svc"] for pair in pairs],
        tls_delivery_svc_us=[pair.tls.product_us["delivery_svc"] for pair in pairs],
        plain_deliveries_per_second=[pair.plain.rate for pair in pairs],
        tls_deliveries_per_second=[pair.tls.rate for pair in pairs],
    )
    text = "deliveries per CPU-second of delivery_svc over warm TLS, over plain ones"
    return Finding(
        part="tls",
        figures=figures,
        goals=[at_least(text, *RATIO, figures["per_cpu_second_ratio"].median)],
        failures=lost(missing),
    )
