"""What a check says. Invariant: whatever is not ok says what to do next."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Fact = Mapping[str, Any]
Facts = Sequence[Fact]


class Level(StrEnum):
    """How it stands: BAD is at work on a loss or a stop, WARN may become so or could not be told."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


_WORSE = {Level.OK: 0, Level.WARN: 1, Level.BAD: 2}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One sentence about what was found; `advice` is empty only when all is well."""

    level: Level
    found: str
    advice: str = ""


@dataclass(frozen=True, kw_only=True)
class Check:
    """A statement, its arguments, and the judgement over the rows that it returns."""

    name: str
    statement: str
    judge: Callable[[Facts], Finding]
    arguments: tuple[object, ...] = ()


def ok(found: str) -> Finding:
    """All is well."""
    return Finding(level=Level.OK, found=found)


def warn(found: str, advice: str) -> Finding:
    """Worth a look."""
    return Finding(level=Level.WARN, found=found, advice=advice)


def bad(found: str, advice: str) -> Finding:
    """To be mended now."""
    return Finding(level=Level.BAD, found=found, advice=advice)


def worst(findings: Sequence[Finding]) -> Level:
    """The level of the worst one; ok if there are none."""
    return max((finding.level for finding in findings), key=_WORSE.__getitem__, default=Level.OK)


def together(findings: Sequence[Finding], well: str) -> Finding:
    """One finding out of several, the worst ones first; `well` is said if there are none."""
    if not findings:
        return ok(well)
    ranked = sorted(findings, key=lambda finding: _WORSE[finding.level], reverse=True)
    advices = dict.fromkeys(finding.advice for finding in ranked)
    return Finding(level=ranked[0].level, found="; ".join(f.found for f in ranked), advice="; ".join(advices))


def seconds(number: float) -> str:
    """A duration for people: 12 s, 3 min, 5.0 h, 2.1 days."""
    if number < 120:
        return f"{number:.0f} s"
    if number < 7200:
        return f"{number / 60:.0f} min"
    return f"{number / 3600:.1f} h" if number < 172_800 else f"{number / 86_400:.1f} days"
