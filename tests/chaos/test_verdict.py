"""The judge finds what it is for: a loss, a request id that did not hold, a duplicate and its cause, a lag that stays."""

from collections.abc import Iterable
from math import inf
from pathlib import Path

from tests.chaos import verdict
from tests.chaos.ledger import FIRST_RUN_ID, Ledger
from tests.chaos.plan import Fault, Kind
from tests.chaos.receiver import Arrival
from tests.chaos.striker import Struck


def struck(kind: Kind, began: float, ended: float) -> Struck:
    fault = Fault(at=0, kind=kind, target="", lasts=0, until=0)
    return Struck(fault=fault, began=began, ended=ended, went=ended)


def ledger(
    acknowledged: Iterable[tuple[int, str]] = (), arrivals: Iterable[tuple[float, int, str, int]] = (), age: int = 0
) -> Ledger:
    """Of (number, event id) and (time, number, event id, status); what comes was sent `age` seconds before."""
    made = Ledger(Path("nowhere"))
    for number, event_id in acknowledged:
        made.acknowledge(number, event_id, 1.0)
    for at, number, event_id, status in arrivals:
        made.take(Arrival(at, number % 50, event_id, FIRST_RUN_ID + number, status, int(at) - age))
    return made


def test_an_event_that_was_never_answered_200_is_lost() -> None:
    found = ledger([(1, "a"), (2, "b"), (3, "c")], [(5, 1, "a", 200), (6, 2, "b", 500)])
    assert verdict.lost(found) == [2, 3]
    assert found.outstanding == 2


def test_what_came_before_its_acknowledgement_is_not_lost() -> None:
    found = ledger([], [(5, 1, "a", 200)])
    found.acknowledge(1, "a", 4.0)
    assert verdict.lost(found) == []
    assert found.outstanding == 0


def test_one_run_under_two_event_ids_was_published_twice() -> None:
    found = ledger([(1, "a")], [(1, 1, "a", 200), (2, 1, "b", 200), (2, 2, "c", 200)])
    assert found.twice == {1: {"b"}}


def test_a_retry_is_no_duplicate_and_what_follows_a_200_is_one() -> None:
    found = verdict.duplicates(ledger([], [(1, 7, "a", 500), (2, 7, "a", 200), (3, 7, "a", 200)]), [], 128, 2)
    assert [(one.number, one.answered, one.at, one.fault) for one in found] == [(7, 2, 3, verdict.NO_FAULT)]


def test_what_was_read_when_its_sender_had_given_up_is_the_receivers_lateness() -> None:
    found = verdict.duplicates(
        ledger([], [(11, 7, "a", 200), (13, 7, "a", 200)], age=6), [struck(Kind.KILL_POD, 11, 12)], 128, 2
    )
    assert verdict.by_cause(found, []) == {"read after its timeout": 1}


def test_a_duplicate_is_laid_to_the_kill_that_undid_the_record_and_not_to_what_came_later() -> None:
    faults = [struck(Kind.KILL_POD, 5, 7), struck(Kind.KILL_POD, 10.2, 12), struck(Kind.REFUSE, 14, 15)]
    assert verdict.causes(10, 20, faults)[0] == 1
    assert verdict.causes(7.5, 20, faults) == []


def test_of_two_faults_at_once_neither_is_charged_with_more_than_its_pod_held() -> None:
    both = [struck(Kind.KILL_POD, 10, 12), struck(Kind.KILL_POD, 10.5, 12)]
    answers = [(float(at), number, "a", 200) for number in range(3) for at in (10, 20)]
    found = verdict.duplicates(ledger([], answers), both, 1, 2)
    assert sorted(one.fault for one in found) == [0, 0, 1]


def test_while_the_database_is_away_an_answer_can_be_undone_for_as_long() -> None:
    away = [struck(Kind.REFUSE, 10.5, 12), struck(Kind.KILL_POSTGRES, 14, 16)]
    assert verdict.causes(10, 30, away)[0] == 0
    assert verdict.causes(10, 30, [*away, struck(Kind.KILL_POD, 18, 20)])[0] == 2
    assert verdict.causes(10, 30, [struck(Kind.KILL_POD, 18, 20)]) == []


def test_a_stopped_pod_may_send_again_what_another_delivered_meanwhile() -> None:
    assert verdict.causes(20, 26, [struck(Kind.STOP_POD, 10, 25)])[0] == 0


def test_a_drain_may_cause_duplicates_only_where_the_database_was_away() -> None:
    drain, away = struck(Kind.DRAIN_POD, 10, 12), struck(Kind.KILL_POSTGRES, 11, 13)
    assert verdict.most_of(drain, [drain], 128, 2) == 0
    assert verdict.most_of(drain, [drain, away], 128, 2) == 256


def test_only_what_pods_took_with_them_may_stand_in_no_record() -> None:
    faults = [struck(Kind.KILL_POD, 1, 2), struck(Kind.POINT, 5, 6), struck(Kind.KILL_POSTGRES, 8, 9)]
    assert verdict.most_unrecorded(faults, 128, 2) == 512


def test_the_lag_is_back_to_normal_after_its_last_bad_second() -> None:
    lags = [(100 + second, 5.0 if second < 7 else 0.1) for second in range(20)]
    assert verdict.recovery(lags, 100, 120) == 7
    assert verdict.recovery(lags, 107, 120) == 0
    assert verdict.recovery([*lags, (119.5, inf)], 100, 120) == inf
    assert verdict.recovery([], 100, 120) == inf


def test_a_retry_is_late_only_where_no_fault_excuses_it() -> None:
    arrivals = [(10, 2, "b", 500), (19, 2, "b", 200), (50, 1, "a", 500), (53, 1, "a", 200)]
    found = ledger([], arrivals)
    assert verdict.retry_lateness(found, [struck(Kind.KILL_POD, 15, 16)], 2.4) == [53 - 50 - 2.4]


def test_a_million_events_take_less_than_a_hundred_megabytes() -> None:
    found = ledger([(999_999, "a")], [])
    assert sum(column.itemsize for column in found.columns) * len(found.due) < 60e6
