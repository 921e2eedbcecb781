"""The services' login roles against schema/roles.sql. Invariant: that file alone says which settings a role must have."""

import re
from collections.abc import Mapping

from schema import FOLDER
from schema.examination.finding import Check, Fact, Facts, Finding, bad, together, warn
from schema.roles import ROLES

_SETTING = re.compile(r"^alter role (\w+) set (\w+) = '?([^';]+)'?;", re.MULTILINE)
_OFF = {"false": "off", "no": "off", "0": "off"}
RUN_ROLES_SQL = (
    "run schema/roles.sql in this cluster (psql -f) and restart the services: sessions keep what they began with"
)

# What is set for the role in this database goes before what is set for it everywhere.
READ_ROLES = """
select wanted.name, r.oid is not null as is_there, r.rolcanlogin as can_login, r.rolsuper as is_superuser,
       coalesce(r.rolvaliduntil < now(), false) as has_expired, r.rolconnlimit as connections,
       array(
           select entry
             from pg_db_role_setting s, unnest(s.setconfig) as entry
            where s.setrole = r.oid
              and s.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database()))
            order by s.setdatabase) as settings
  from unnest($1::text[]) as wanted (name)
  left join pg_roles r on r.rolname = wanted.name
 order by wanted.name
"""


def wanted_settings(text: str) -> dict[str, dict[str, str]]:
    """Role to setting to value, as the text of roles.sql has them."""
    wanted: dict[str, dict[str, str]] = {}
    for role, setting, value in _SETTING.findall(text):
        wanted.setdefault(role, {})[setting] = value
    return wanted


def judge_roles(facts: Facts, wanted: Mapping[str, Mapping[str, str]]) -> Finding:
    """Whether each role logs in with the settings that its plans and its patience need."""
    findings = [finding for fact in facts for finding in _of_role(fact, wanted.get(fact["name"], {}))]
    return together(findings, f"{', '.join(fact['name'] for fact in facts)} log in with the settings of roles.sql")


def _of_role(fact: Fact, wanted: Mapping[str, str]) -> list[Finding]:
    role = fact["name"]
    if not fact["is_there"]:
        return [bad(f"{role} does not exist", "run: runhook migrate")]
    findings = []
    if not fact["can_login"]:
        findings.append(bad(f"{role} may not log in", f"ALTER ROLE {role} LOGIN, and give it a password"))
    if fact["has_expired"]:
        findings.append(bad(f"the password of {role} has expired", f"ALTER ROLE {role} VALID UNTIL 'infinity'"))
    if fact["connections"] == 0:
        findings.append(bad(f"{role} may not connect", f"ALTER ROLE {role} CONNECTION LIMIT -1"))
    if fact["is_superuser"]:
        findings.append(warn(f"{role} is a superuser: no grant binds it", f"ALTER ROLE {role} NOSUPERUSER"))
    return findings + _of_settings(role, dict(entry.split("=", 1) for entry in fact["settings"]), wanted)


def _of_settings(role: str, settings: Mapping[str, str], wanted: Mapping[str, str]) -> list[Finding]:
    findings = []
    lacking = [name for name in wanted if name not in settings]
    if lacking:
        findings.append(bad(f"{role} has no {', '.join(lacking)}", RUN_ROLES_SQL))
    other = [name for name in wanted if name in settings and _plain(settings[name]) != _plain(wanted[name])]
    if other:
        values = ", ".join(f"{name} {settings[name]} instead of {wanted[name]}" for name in other)
        findings.append(warn(f"{role} has {values}", RUN_ROLES_SQL))
    if _plain(settings.get("synchronous_commit", "on")) == "off":
        advice = f"ALTER ROLE {role} RESET synchronous_commit"
        findings.append(bad(f"{role} commits without waiting for the disk", advice))
    return findings


def _plain(value: str) -> str:
    return _OFF.get(value.lower(), value.lower())


def checks() -> tuple[Check, ...]:
    """The check against this release's roles.sql."""
    wanted = wanted_settings((FOLDER / "roles.sql").read_text(encoding="utf-8"))
    return (
        Check(
            name="roles",
            statement=READ_ROLES,
            judge=lambda facts: judge_roles(facts, wanted),
            arguments=(list(ROLES),),
        ),
    )
