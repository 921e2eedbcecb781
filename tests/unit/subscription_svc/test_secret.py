"""How long two signing secrets may live side by side."""

from datetime import timedelta

import pytest
from google.protobuf.duration_pb2 import Duration

from chassis.errors import InvalidInput
from runhook.subscription.v1.subscription_service_pb2 import RotateSigningSecretRequest
from subscription_svc.convert import overlap_of


@pytest.mark.parametrize("seconds", [0, 1, 86_400, 604_800])
def test_an_overlap_is_0_to_7_days(seconds: int) -> None:
    request = RotateSigningSecretRequest(overlap_duration=Duration(seconds=seconds))
    assert overlap_of(request) == timedelta(seconds=seconds)


def test_an_overlap_that_is_not_said_is_a_day() -> None:
    assert overlap_of(RotateSigningSecretRequest()) == timedelta(days=1)


@pytest.mark.parametrize(
    ("seconds", "nanos"), [(-1, 0), (604_801, 0), (1, 1), (0, 500_000_000), (0, -1), (2**63 - 1, 0), (-(2**63), 0)]
)
def test_any_other_overlap_is_refused(seconds: int, nanos: int) -> None:
    with pytest.raises(InvalidInput, match="overlap_duration: must be 0 to 604,800 whole seconds"):
        overlap_of(RotateSigningSecretRequest(overlap_duration=Duration(seconds=seconds, nanos=nanos)))
