"""Daily partitions: there before their day, gone after their retention."""

import re
from datetime import date, datetime, timedelta

from schema.examination.finding import Check, Fact, Facts, Finding, bad, together, warn

#: With today. The eighth is made within the hour after midnight, so that it may be missing for that long.
DAYS_AHEAD = 7
#: Those past their retention are dropped within the hour after midnight, so that one day more may be there.
DAYS_LATE = 1
_DAY = re.compile(r"_p(\d{8})$")

READ_PARTITIONS = """
select t.parent, t.retention_days, to_regclass(t.parent) is not null as is_there,
       (now() at time zone 'UTC')::date as today,
       array(
           select c.relname::text
             from pg_inherits i
             join pg_class c on c.oid = i.inhrelid
            where i.inhparent = to_regclass(t.parent)
              and not i.inhdetachpending
            order by c.relname) as partitions
  from runhook.partitioned_table t
 order by t.parent
"""


def judge_partitions(facts: Facts) -> Finding:
    """A day without a partition refuses every row of that day, so a near one is bad."""
    if not facts:
        return bad("no table is registered as partitioned", "run: runhook migrate")
    findings = [finding for fact in facts for finding in (_ahead(fact), _behind(fact)) if finding]
    return together(findings, f"{DAYS_AHEAD} days of {len(facts)} tables are there, none is past its retention")


def _ahead(fact: Fact) -> Finding | None:
    parent, today = fact["parent"], fact["today"]
    if not fact["is_there"]:
        return bad(f"{parent} is gone", "restore the backup")
    there = _days(fact)
    missing = [day for day in (today + timedelta(days=n) for n in range(DAYS_AHEAD)) if day not in there]
    if not missing:
        return None
    found = f"{parent} has no partition for {', '.join(day.isoformat() for day in missing)}"
    owner = parent.partition(".")[0]
    advice = (
        f"SELECT runhook.make_partitions('{owner}') as the owner, and see why {owner}_svc did not (its log, its locks)"
    )
    return bad(found, advice) if missing[0] <= today + timedelta(days=1) else warn(found, advice)


def _behind(fact: Fact) -> Finding | None:
    oldest_kept = fact["today"] - timedelta(days=fact["retention_days"] + DAYS_LATE)
    left = sorted(day for day in _days(fact) if day < oldest_kept)
    if not left:
        return None
    owner = fact["parent"].partition(".")[0]
    return warn(
        f"{fact['parent']} still has {len(left)} partitions past {fact['retention_days']} days, the oldest of {left[0]}",
        f"SELECT runhook.drop_partitions('{owner}') as the owner until it returns nothing; if it gives up: see transactions",
    )


def _days(fact: Fact) -> set[date]:
    found = (_DAY.search(name) for name in fact["partitions"])
    return {datetime.strptime(match[1], "%Y%m%d").date() for match in found if match}


CHECKS = (Check(name="partitions", statement=READ_PARTITIONS, judge=judge_partitions),)
