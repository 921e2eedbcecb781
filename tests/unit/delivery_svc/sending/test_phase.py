"""The steps to a connection: each has its own seconds, and the last one counts even when it fails."""

from delivery_svc.sending.phase import Dial


def test_each_step_takes_from_the_end_of_the_one_before() -> None:
    dial = Dial(10.0)
    dial.turn_to("connect", 11.0)
    dial.turn_to("tls", 13.0)
    dial.end(16.0)
    assert dial.seconds == {"resolve": 1.0, "connect": 2.0, "tls": 3.0}
    assert dial.phase == "tls"


def test_a_step_that_was_not_reached_took_nothing() -> None:
    dial = Dial(10.0)
    dial.turn_to("connect", 11.0)
    dial.end(12.5)
    assert dial.seconds == {"resolve": 1.0, "connect": 1.5}
