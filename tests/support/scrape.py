"""What a process shows at /metrics, read as Prometheus reads it."""

import asyncio
from collections.abc import Callable

import aiohttp
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

WAIT_SECONDS = 15.0


class Scrape:
    """One scrape: families by name, values by sample name and labels."""

    def __init__(self, text: str) -> None:
        self.families: dict[str, Metric] = {}
        self._values: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        for family in text_string_to_metric_families(text):
            self.families[family.name] = family
            for sample in family.samples:
                self._values[sample.name, frozenset(sample.labels.items())] = sample.value

    def value(self, name: str, **labels: str) -> float:
        """The value of a sample; 0 when it is not there."""
        return self._values.get((name, frozenset(labels.items())), 0.0)

    def labels_of(self, name: str) -> set[frozenset[str]]:
        """Names of the labels of the family's samples, without a histogram's own."""
        return {frozenset(sample.labels) - {"le"} for sample in self.families[name].samples}


async def scrape(address: str) -> Scrape:
    """What http://address/metrics shows now."""
    async with aiohttp.ClientSession() as session, session.get(f"http://{address}/metrics") as answer:
        assert answer.status == 200
        return Scrape(await answer.text())


async def scraped(address: str, condition: Callable[[Scrape], bool]) -> Scrape:
    """The first scrape that meets the condition: samplers look on an interval."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition(found := await scrape(address)):  # noqa: ASYNC110 - there is no event in another process
            await asyncio.sleep(0.1)
        return found
