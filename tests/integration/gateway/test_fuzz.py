"""The running platform under requests that its own document makes up: what is sound is taken, what is not is refused, and
every answer is what the document says. Nothing may be found.

Each operation gets the cases that schemathesis derives from the document (examples, every boundary, other methods) and
FUZZ_EXAMPLES random ones (5). With that variable set they are random every time; without it they are always the same, and of
the derived ones every second is sent, and of those that break a rule every eighth.
"""

import itertools
import os
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.meta import TestPhase
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import ignored_auth

from tests.support.fuzzing import ACCOUNT, Platform, aim
from tests.support.standalone import Standalone

EXAMPLES = os.environ.get("FUZZ_EXAMPLES")
LONGEST_SECONDS = 3600 if EXAMPLES else 240
CONFIGURATION = {
    "generation": {"with-security-parameters": False},  # the token is ours
    "checks": {
        # The defaults and 412, 413: what is sound in all its parts may still be of another version, or more than 1 MiB.
        # The default and 412, which no If-Match but the right one escapes.
        "negative_data_rejection": {
            "expected-statuses": [
                *("400", "401", "403", "404", "405", "406", "409", "412", "415", "422", "428", "429", "5xx"),
            ]
        },
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "3xx", "401", "403", "404", "409", "412", "413", "429", "5xx"]
        },
    },
}
# Times of an answer are the database's; those of a request may be any that we take, which a token's end makes the future.
schemathesis.openapi.format(
    "date-time",
    st.builds(
        "{}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z".format,
        st.integers(2100, 2261),
        st.integers(1, 12),
        st.integers(1, 28),
        st.integers(0, 23),
        st.integers(0, 59),
        st.integers(0, 59),
        st.sampled_from(["", ".1", ".123456", ".123456789"]),
    ),
)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Every process of the platform over a Postgres of its own. What is delivered to nobody is final at once."""
    settings = {
        "RUNHOOK_OPERATOR_ACCOUNT_ID": str(ACCOUNT),
        "RUNHOOK_GATEWAY_FAILURE_RATE": "0",
        "RUNHOOK_DELIVERY_RETRY_DELAYS_SECONDS": "0.01",
    }
    with Standalone(tmp_path_factory.mktemp("fuzz"), **settings) as running, requests.Session() as session:
        yield Platform(running.facts["gateway_url"], running.facts["token"], session)


#: The document was read here and is left alone for that.
UNPROVEN = {"GET /openapi.json"}


@pytest.fixture
def described(request: pytest.FixtureRequest, platform: Platform) -> Iterator[BaseSchema]:
    """The document as the gateway serves it. In the end every operation of it must have had a good answer."""
    # Schemathesis 4.32 writes the operation's name there; pytest 9.2 has no such place.
    request.node._nodeid = request.node.nodeid
    schema = schemathesis.openapi.from_url(
        f"{platform.url}/openapi.json", config=SchemathesisConfig.from_dict(CONFIGURATION)
    )
    yield schema
    told = {f"{method.upper()} {path}" for path in schema for method in schema[path]}
    assert told - platform.proven <= UNPROVEN


numbers = itertools.count()


def left_out(case: schemathesis.Case[Any]) -> bool:
    """Of thousands: `make fuzz` sends them all."""
    if EXAMPLES or case.meta is None or case.meta.phase.name is not TestPhase.COVERAGE:
        return False
    breaks_a_rule = case.meta.generation.mode is GenerationMode.NEGATIVE
    return next(numbers) % (8 if breaks_a_rule else 2) != 0


operations = schemathesis.pytest.from_fixture("described")


@pytest.mark.timeout(LONGEST_SECONDS)
@operations.parametrize()
@settings(
    max_examples=int(EXAMPLES or 5),
    derandomize=EXAMPLES is None,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_no_request_finds_what_the_document_does_not_say(case: schemathesis.Case[Any], platform: Platform) -> None:
    if left_out(case):
        return
    aim(case, platform)
    # Each good answer would be asked for twice more without a good token: once for each operation is enough.
    proven = [ignored_auth] if case.operation.label in platform.proven else []
    response = case.call_and_validate(
        base_url=platform.url, headers=platform.headers, session=platform.session, excluded_checks=proven
    )
    if response.status_code < 300:
        platform.proven.add(case.operation.label)
    platform.memory.look(case.path, response.text)
    platform.memory.follow(case.path, case.path_parameters, response.text)
