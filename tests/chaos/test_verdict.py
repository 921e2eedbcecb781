"""The judge finds what it is for: a loss, a request id that did not hold, a duplicate and its cause, a lag that stays."""

from math import inf

from tests.chaos import verdict
from tests.chaos.plan import Fault, Kind
from tests.chaos.publisher import Acknowledged
from tests.chaos.receiver import Arrival
from tests.chaos.striker import Struck


def struck(kind: Kind, began: float, ended: float) -> Struck:
    return Struck(fault=Fault(at=0, kind=kind, target="", lasts=0, until=0), began=began, ended=ended)


def acknowledged(event_id: str, run_id: int = 1, due: float = 0.0) -> Acknowledged:
    return Acknowledged(event_id, run_id, 9, due, due)


def arrival(at: float, event_id: str = "a", status: int = 200, run_id: int = 1) -> Arrival:
    return Arrival(at, 9, event_id, run_id, status)


def test_an_event_that_was_never_answered_200_is_lost() -> None:
    assert verdict.lost([acknowledged("a"), acknowledged("b")], {"a"}) == ["b"]


def test_one_run_under_two_event_ids_was_published_twice() -> None:
    seen = {"a": [arrival(1)], "b": [arrival(2, "b")], "c": [arrival(2, "c", run_id=2)]}
    assert verdict.published_twice([acknowledged("a")], seen) == {1: ["a", "b"]}


def test_a_retry_is_no_duplicate_and_what_follows_a_200_is_one() -> None:
    found = verdict.duplicates({"a": [arrival(1, status=500), arrival(2), arrival(3)]}, [])
    assert [(one.answered, one.at, one.fault) for one in found] == [(2, 3, verdict.NO_FAULT)]


def test_a_duplicate_is_laid_to_the_kill_that_undid_the_record_and_not_to_what_came_later() -> None:
    faults = [struck(Kind.KILL_POD, 5, 7), struck(Kind.KILL_POD, 10.2, 12), struck(Kind.REFUSE, 14, 15)]
    assert verdict.cause(10, 20, faults) == 1
    assert verdict.cause(7.5, 20, faults) == verdict.NO_FAULT


def test_while_the_database_is_away_an_answer_can_be_undone_for_as_long() -> None:
    away = [struck(Kind.REFUSE, 10.5, 12), struck(Kind.KILL_POSTGRES, 14, 16)]
    assert verdict.cause(10, 30, away) == 0
    assert verdict.cause(10, 30, [*away, struck(Kind.KILL_POD, 18, 20)]) == 2
    assert verdict.cause(10, 30, [struck(Kind.KILL_POD, 18, 20)]) == verdict.NO_FAULT


def test_a_stopped_pod_may_send_again_what_another_delivered_meanwhile() -> None:
    assert verdict.cause(20, 26, [struck(Kind.STOP_POD, 10, 25)]) == 0


def test_the_lag_is_back_to_normal_after_its_last_bad_second() -> None:
    lags = [(100 + second, 5.0 if second < 7 else 0.1) for second in range(20)]
    assert verdict.recovery(lags, 100, 120) == 7
    assert verdict.recovery(lags, 107, 120) == 0
    assert verdict.recovery([*lags, (119.5, inf)], 100, 120) == inf
    assert verdict.recovery([], 100, 120) == inf


def test_a_retry_is_late_only_where_no_fault_excuses_it() -> None:
    seen = {"a": [arrival(50, status=500), arrival(53)], "b": [arrival(10, "b", 500), arrival(19, "b")]}
    assert verdict.retry_lateness(seen, [struck(Kind.KILL_POD, 15, 16)], 2.4) == [53 - 50 - 2.4]
