"""The rules of an account and of a service token."""

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from runhook.subscription.v1 import account_pb2
from subscription_svc import account, convert, service_token
from subscription_svc.account import NewAccount
from subscription_svc.rights import PERMISSION_SETS
from subscription_svc.service_token import NewToken, hash_of, new_text

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT = NewAccount(account_id=0, name="n", plan="team")
TOKEN = NewToken(name="n", permission_set="member")


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({}, []),
        ({"account_id": 2**63 - 1, "name": "\U0001f600" * 255}, []),
        ({"account_id": -1}, ["account.account_id"]),
        ({"name": ""}, ["account.name"]),
        ({"name": "x" * 256}, ["account.name"]),
        ({"name": "a\x00b"}, ["account.name"]),
        ({"plan": None}, ["account.plan"]),
        ({"account_id": -5, "name": "", "plan": None}, ["account.account_id", "account.name", "account.plan"]),
    ],
)
def test_every_broken_rule_of_an_account_is_named(change: dict[str, Any], fields: list[str]) -> None:
    assert [bad.field for bad in account.broken_rules(replace(ACCOUNT, **change))] == fields


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({}, []),
        ({"expires_at": NOW + timedelta(minutes=1)}, []),
        ({"name": ""}, ["service_token.name"]),
        ({"name": "x" * 256}, ["service_token.name"]),
        ({"name": "\x00"}, ["service_token.name"]),
        ({"permission_set": ""}, ["service_token.permission_set"]),
        ({"permission_set": "Account_Admin"}, ["service_token.permission_set"]),
        ({"permission_set": "service"}, ["service_token.permission_set"]),
        ({"expires_at": NOW + timedelta(seconds=59)}, ["service_token.expire_time"]),
        ({"expires_at": convert.LONG_AGO}, ["service_token.expire_time"]),
    ],
)
def test_every_broken_rule_of_a_token_is_named(change: dict[str, Any], fields: list[str]) -> None:
    assert [bad.field for bad in service_token.broken_rules(replace(TOKEN, **change), NOW)] == fields


@pytest.mark.parametrize("permission_set", PERMISSION_SETS)
def test_every_permission_set_can_be_given(permission_set: str) -> None:
    assert service_token.broken_rules(replace(TOKEN, permission_set=permission_set), NOW) == []


@pytest.mark.parametrize("stamp", [Timestamp(seconds=2**62), Timestamp(seconds=-(2**62)), Timestamp(nanos=-1)])
def test_a_timestamp_that_is_none_breaks_the_rule_of_its_field(stamp: Timestamp) -> None:
    wish = convert.new_token(account_pb2.ServiceToken(name="n", permission_set="member", expire_time=stamp))
    assert [bad.field for bad in service_token.broken_rules(wish, NOW)] == ["service_token.expire_time"]


def test_a_plan_that_is_not_said_is_enterprise_and_an_unknown_one_is_none() -> None:
    assert convert.new_account(account_pb2.Account()).plan == "enterprise"
    assert convert.new_account(account_pb2.Account(plan=account_pb2.ACCOUNT_PLAN_TEAM)).plan == "team"
    assert convert.new_account(account_pb2.Account(plan=9)).plan is None  # type: ignore[arg-type]


def test_a_tokens_text_is_a_prefix_and_256_random_bits_and_its_hash_is_of_all_of_it() -> None:
    first, second = new_text(), new_text()
    assert re.fullmatch("rhk_[0-9A-Za-z_-]{43}", first)
    assert first != second
    assert hash_of(first) == hashlib.sha256(first.encode()).digest()
