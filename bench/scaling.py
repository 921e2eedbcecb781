"""From what a delivery and a call cost to what a rate takes: `python -m bench.scaling` writes the tables of docs/scaling.md.

Invariant: every figure of that page follows from its first table, and what of that was measured is read from bench/results; a
test compares the page with what is computed here.
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "scaling.md"
RESULTS = ROOT / "bench" / "results"
OUTBOUND, ENGINE, TRIGGERS = "2026-11-two-cores", "2026-11-two-cores-engine", "2026-11-two-cores-triggers"
PER_MINUTE = (10, 1_000, 100_000, 10_000_000)
SHORT_DAYS = 3
_BLOCK = re.compile(r"(<!-- (costs|deliveries|calls|spread|ends) -->\n).*?(<!-- end -->)", re.DOTALL)
MICRO, DAY = 1e6, 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one delivery, one call and one installation of Postgres are taken to be. Times are CPU microseconds, sizes bytes."""

    # Measured: bench/results.
    delivery_us: float
    tls_factor: float
    delivery_postgres_us: float
    delivery_wal: float
    mb_in_flight: float
    call_gateway_us: float
    call_trigger_us: float
    call_postgres_us: float
    # Measured: docs/scaling.md says how.
    delivery_kept: float
    request_kept: float
    call_kept: float
    # Chosen.
    delivery_days: int = 30
    request_days: int = 2
    busy: float = 0.5
    answer_seconds: float = 0.2
    slots: int = 512
    pool: int = 8
    postgres_cores: int = 16
    postgres_wal: float = 60e6
    postgres_disk: float = 10e12


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a rate of deliveries takes. `installations` of Postgres is the greatest of what its three limits ask for."""

    per_second: float
    cores: float
    pods: int
    memory_mb: float
    postgres_cores: float
    wal: float
    rows_a_day: float
    partition: float
    disk: float
    connections: int
    by_cores: int
    by_wal: int
    by_disk: int

    @property
    def installations(self) -> int:
        """Postgres servers, each with pods and accounts of its own."""
        return max(self.by_cores, self.by_wal, self.by_disk)


def measured() -> Cost:
    """The costs of today's results."""
    outbound = _read(OUTBOUND)["summary"]
    engine, calls = _parts(ENGINE), _parts(TRIGGERS)["calls"]
    return Cost(
        delivery_us=round(outbound["cpu_us.delivery_svc"]["median"]),
        tls_factor=round(1 / engine["tls"]["per_cpu_second_ratio"]["median"], 1),
        delivery_postgres_us=round(outbound["cpu_us.postgres"]["median"]),
        delivery_wal=round(outbound["wal_bytes_per_delivery"]["median"], -2),
        mb_in_flight=round(engine["memory"]["mb_per_thousand_in_flight"]["median"], 1),
        delivery_kept=1_015,
        request_kept=225,
        call_gateway_us=round(calls["cpu_us.gateway"]["median"]),
        call_trigger_us=round(calls["cpu_us.trigger_svc"]["median"]),
        call_postgres_us=round(calls["cpu_us.postgres"]["median"]),
        call_kept=730,
    )


def deliveries(cost: Cost, per_minute: float, *, days: int | None = None) -> Need:
    """What so many deliveries a minute take, over TLS, one attempt each.

    >>> plain = Cost(delivery_us=100, tls_factor=2, delivery_postgres_us=80, delivery_wal=2_000, mb_in_flight=6,
    ...     delivery_kept=1_000, request_kept=200, call_gateway_us=1, call_trigger_us=1, call_postgres_us=1, call_kept=1)
    >>> need = deliveries(plain, 600_000)
    >>> need.cores, need.pods, need.postgres_cores, need.wal, round(need.disk / 1e12, 1)
    (2.0, 4, 0.8, 20000000.0, 26.3)
    """
    days = cost.delivery_days if days is None else days
    rate = per_minute / 60
    cores = rate * cost.delivery_us * cost.tls_factor / MICRO
    in_flight = rate * cost.answer_seconds
    pods = max(2, math.ceil(cores / cost.busy), math.ceil(in_flight / cost.slots))
    postgres_cores, wal = rate * cost.delivery_postgres_us / MICRO, rate * cost.delivery_wal
    disk = rate * DAY * (cost.delivery_kept * days + cost.request_kept * cost.request_days)
    return Need(
        per_second=rate,
        cores=cores,
        pods=pods,
        memory_mb=90 + in_flight / pods * cost.mb_in_flight / 1_000,
        postgres_cores=postgres_cores,
        wal=wal,
        rows_a_day=rate * DAY,
        partition=rate * DAY * cost.delivery_kept,
        disk=disk,
        connections=(pods + 4) * cost.pool,
        by_cores=math.ceil(postgres_cores / (cost.postgres_cores * cost.busy)),
        by_wal=math.ceil(wal / cost.postgres_wal),
        by_disk=math.ceil(disk / cost.postgres_disk),
    )


def ends(cost: Cost, days: int) -> dict[str, float]:
    """Deliveries a minute at which one Postgres is full, by what is full first."""
    kept = cost.delivery_kept * days + cost.request_kept * cost.request_days
    return {
        "cores": 60 * cost.postgres_cores * cost.busy * MICRO / cost.delivery_postgres_us,
        "write-ahead log": 60 * cost.postgres_wal / cost.delivery_wal,
        "disk": 60 * cost.postgres_disk / (kept * DAY),
    }


def filled(page: str, cost: Cost) -> str:
    """The page with its tables as they are computed."""
    tables: dict[str, Callable[[Cost], str]] = {
        "costs": _costs,
        "deliveries": _deliveries,
        "calls": _calls,
        "spread": _spread,
        "ends": _ends,
    }
    return _BLOCK.sub(lambda block: block[1] + tables[block[2]](cost) + block[3], page)


def _costs(cost: Cost) -> str:
    results, chosen = f"`bench/results/{OUTBOUND}.json`", "chosen"
    engine, triggers, here = f"`bench/results/{ENGINE}.json`", f"`bench/results/{TRIGGERS}.json`", "measured as below"
    rows = [
        ("a delivery, delivery_svc (publish, send, record)", f"{cost.delivery_us:.0f} CPU-us", results),
        ("the same over TLS, kept connections", f"x {cost.tls_factor}", engine),
        ("a delivery, Postgres", f"{cost.delivery_postgres_us:.0f} CPU-us", results),
        ("a delivery, write-ahead log", f"{cost.delivery_wal:,.0f} bytes", results),
        ("1,000 in flight, memory of the pod", f"{cost.mb_in_flight} MB", engine),
        ("a delivery that is done, on disk", f"{cost.delivery_kept:,.0f} bytes", here),
        ("its request id, on disk", f"{cost.request_kept:.0f} bytes", here),
        ("a call, gateway", f"{cost.call_gateway_us:.0f} CPU-us", triggers),
        ("a call, trigger_svc", f"{cost.call_trigger_us:.0f} CPU-us", triggers),
        ("a call, Postgres", f"{cost.call_postgres_us:.0f} CPU-us", triggers),
        ("a call, on disk, its part of window and execution included", f"{cost.call_kept:.0f} bytes", here),
        ("days that deliveries and calls are kept", f"{cost.delivery_days}", "default"),
        ("days that request ids are kept", f"{cost.request_days}", "fixed"),
        ("how busy a core is planned to be", f"{cost.busy:.0%}", chosen),
        ("an endpoint's answer takes", f"{cost.answer_seconds} s", chosen),
        ("slots of a pod (`RUNHOOK_DELIVERY_SLOTS`)", f"{cost.slots}", "default"),
        ("connections of a pod (`RUNHOOK_DATABASE_POOL_SIZE`)", f"{cost.pool}", "default"),
        ("one Postgres: cores", f"{cost.postgres_cores}", chosen),
        ("one Postgres: write-ahead log that disk and standby take", f"{_size(cost.postgres_wal)}/s", chosen),
        ("one Postgres: disk that backup and restore can bear", _size(cost.postgres_disk), chosen),
    ]
    return _table(("what", "figure", "from"), rows)


def _deliveries(cost: Cost) -> str:
    needs = [deliveries(cost, rate) for rate in PER_MINUTE]
    rows = [
        ("deliveries a second", *(f"{one.per_second:,.1f}" for one in needs)),
        ("delivery_svc: cores that are busy", *(f"{one.cores:,.2f}" for one in needs)),
        ("delivery_svc: pods", *(f"{one.pods:,}" for one in needs)),
        ("memory of each", *(f"{one.memory_mb:,.0f} MB" for one in needs)),
        ("Postgres: cores that are busy", *(f"{one.postgres_cores:,.2f}" for one in needs)),
        ("write-ahead log", *(f"{_size(one.wal)}/s" for one in needs)),
        ("rows of a day's partition", *(f"{one.rows_a_day:,.0f}" for one in needs)),
        ("bytes of a day's partitions", *(_size(one.partition) for one in needs)),
        (f"disk, {cost.delivery_days} days", *(_size(one.disk) for one in needs)),
        ("connections", *(f"{one.connections:,}" for one in needs)),
        ("**installations of Postgres**", *(f"**{one.installations}**" for one in needs)),
    ]
    return _table(("", *(f"{rate:,}/min" for rate in PER_MINUTE)), rows)


def _calls(cost: Cost) -> str:
    rows = []
    for per_minute in PER_MINUTE:
        rate = per_minute / 60
        gateway, trigger, postgres = (
            rate * us / MICRO for us in (cost.call_gateway_us, cost.call_trigger_us, cost.call_postgres_us)
        )
        disk = rate * DAY * cost.delivery_days * cost.call_kept
        pods = [max(2, math.ceil(cores / cost.busy)) for cores in (gateway, trigger)]
        rows.append((f"{per_minute:,}/min", *(f"{one:,}" for one in pods), f"{postgres:,.2f}", _size(disk)))
    return _table(("calls", "gateway: pods", "trigger_svc: pods", "Postgres: cores that are busy", "disk"), rows)


def _spread(cost: Cost) -> str:
    rows = []
    for days in (cost.delivery_days, SHORT_DAYS):
        need = deliveries(cost, PER_MINUTE[-1], days=days)
        one = deliveries(cost, PER_MINUTE[-1] / need.installations, days=days)
        rows.append(
            (
                f"{days} days",
                f"{need.by_cores}, {need.by_wal}, {need.by_disk}",
                f"{need.installations}",
                f"{one.per_second:,.0f}/s",
                f"{one.pods}",
                f"{one.connections}",
                f"{_size(one.wal)}/s, {_size(one.disk)}",
            )
        )
    each = ("each: rate", "pods", "connections", "log, disk")
    return _table(("kept for", "by cores, log, disk", "installations", *each), rows)


def _ends(cost: Cost) -> str:
    rows = [
        (what, *(f"{_about(ends(cost, days)[what])}/min" for days in (cost.delivery_days, SHORT_DAYS)))
        for what in ends(cost, SHORT_DAYS)
    ]
    return _table(("full first", f"kept for {cost.delivery_days} days", f"kept for {SHORT_DAYS} days"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _size(size: float) -> str:
    """Three digits at most.

    >>> _size(13_400_000_000), _size(999)
    ('13.4 GB', '999 B')
    """
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 999.5 or unit == "TB":
            return f"{size:.3g} {unit}" if size < 999.5 else f"{size:,.0f} {unit}"
        size /= 1_000
    raise AssertionError


def _about(number: float) -> str:
    """Two digits: what is multiplied so often has no more.

    >>> _about(1_636_364)
    '1,600,000'
    """
    return f"{float(f'{number:.1e}'):,.0f}"


def _parts(name: str) -> dict[str, Any]:
    return {part["part"]: part["figures"] for part in _read(name)["parts"]}


def _read(name: str) -> Any:
    return json.loads((RESULTS / f"{name}.json").read_text())


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(), measured()))
