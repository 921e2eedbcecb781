"""This machine's clock against the database's. What is due is told by the database's; signatures carry the sender's."""

from datetime import datetime

from schema.examination.finding import Finding, bad, ok, warn

OFF_SECONDS, FAR_OFF_SECONDS = 1.0, 30.0

READ_CLOCK = "select clock_timestamp()"


def judge_clock(asked: datetime, told: datetime, answered: datetime) -> Finding:
    """`told` is the database's clock, read between two looks at ours. Only what the round trip cannot explain counts."""
    middle = asked + (answered - asked) / 2
    ahead = (told - middle).total_seconds()
    doubt = (answered - asked).total_seconds() / 2
    found = (
        f"the database is {abs(ahead):.3f} s {'ahead of' if ahead > 0 else 'behind'} this machine (+- {doubt:.3f} s)"
    )
    advice = "run an NTP client on both machines; receivers refuse signatures that are minutes old"
    if abs(ahead) - doubt >= FAR_OFF_SECONDS:
        return bad(found, advice)
    return warn(found, advice) if abs(ahead) - doubt >= OFF_SECONDS else ok(found)
