"""Gives the services' login roles settings and passwords. Invariant: roles.sql alone says what a role must have."""

from collections.abc import Mapping

import asyncpg

from schema import FOLDER

ROLES = ("runhook_subscription", "runhook_delivery", "runhook_trigger")
# The server quotes: ALTER ROLE takes no parameters.
ALTER_ROLE = "select format('alter role %I login password %L', $1::text, $2::text)"


class RolesRefused(Exception):
    """The owner may not alter the roles; the text is one line that says what to grant."""


async def prepare_roles(dsn: str, passwords: Mapping[str, str]) -> None:
    """Let each role (name to password) log in and give all of ROLES their settings, as the owner at `dsn`.

    The roles exist (migration 0001). Raises RolesRefused; connection errors of asyncpg pass through.
    """
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            for role, password in passwords.items():
                await connection.execute(await connection.fetchval(ALTER_ROLE, role, password))
            await connection.execute((FOLDER / "roles.sql").read_text(encoding="utf-8"))
    except asyncpg.InsufficientPrivilegeError as error:
        owner = await connection.fetchval("select current_user")
        raise RolesRefused(
            f"{owner} may not alter the services' roles: let a superuser run "
            f"ALTER ROLE {owner} CREATEROLE; GRANT {', '.join(ROLES)} TO {owner} WITH ADMIN OPTION"
        ) from error
    finally:
        await connection.close()
