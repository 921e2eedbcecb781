"""The services' URLs, made from the owner's."""

from standalone.database import as_role


def test_only_the_login_changes() -> None:
    url = "postgresql://owner:p%40ss@db.example:6432/app?sslmode=require"
    assert as_role(url, "runhook_trigger", "a/b") == (
        "postgresql://runhook_trigger:a%2Fb@db.example:6432/app?sslmode=require"
    )


def test_an_owner_without_a_password_and_an_ipv6_host_are_understood() -> None:
    assert as_role("postgresql://owner@[::1]:5432/app", "r", "p") == "postgresql://r:p@[::1]:5432/app"
    assert as_role("postgresql://db/app", "r", "p") == "postgresql://r:p@db/app"
