"""What an officer says of a signal: remembered, carried out line by line, whatever breaks."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.attendance import actions as attendance
from chalicelib.attendance import rules as sheets
from chalicelib.attendance.rules import LineName
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.signals import actions, rules, store
from chalicelib.signals.actions.raising import raise_signals
from chalicelib.signals.rules import Reason, Signal, Verdict
from infra.local.testing import TestTables
from tests.attendance.builders import (
    AREA,
    FAR_OFFICER,
    MARCH,
    OFFICER,
    ORGANISATION,
    SITE,
    at,
    child,
    open_site,
)
from tests.signals.builders import (
    JOB,
    NOW,
    WHERE,
    a_finding,
    a_ref,
    look,
    open_signals,
)
from tests.signals.test_months import FEBRUARY, approve, attend, working

DAYS = [on.isoformat() for on in working(MARCH)]


@pytest.fixture
def signal(tables: TestTables) -> Signal:
    """A signal about two children's second and third of March, which their families approved."""
    open_site()
    for n in (1, 2):
        attend(n, MARCH, shift=n * 5)
        approve(n, MARCH)
    refs = (a_ref(child(1), *DAYS[:2]), a_ref(child(2), DAYS[0]))
    (raised,) = raise_signals([a_finding(refs=refs)], WHERE, by=JOB, now=NOW)
    return raised


def say(
    signal: Signal,
    verdict: Verdict = "confirmed",
    reason: Reason = "false-marks",
    *,
    by: Actor = OFFICER,
    seen: str | None = None,
    note_code: str = "",
) -> Signal:
    return actions.decide(
        signal.signal_id,
        verdict=verdict,
        reason=reason,
        note_code=note_code,
        seen=seen or signal.digest,
        by=by,
        now=NOW + timedelta(hours=1),
    )


def standing(n: int) -> dict[str, str]:
    """Return the lines of a child's March that are not plainly confirmed."""
    facts = attendance.month_for_billing(SITE, MARCH)
    (month,) = [one for one in facts.children if one.child_id == child(n)]
    return {line.key: line.standing for line in month.lines if not line.confirmed}


def test_a_confirmed_signal_holds_its_lines_and_no_others(signal: Signal) -> None:
    decided = say(signal)

    assert actions.hold(signal.signal_id, by=JOB, now=NOW) == 3

    assert decided.state == "confirmed"
    assert standing(1) == {DAYS[0]: "disputed", DAYS[1]: "disputed"}
    assert standing(2) == {DAYS[0]: "disputed"}
    assert store.load_signal(signal.signal_id).value.held == 3
    assert open_signals() == []


def test_a_held_line_waits_for_the_department_and_its_word_ends_it(signal: Signal) -> None:
    say(signal)
    actions.hold(signal.signal_id, by=JOB, now=NOW)
    waiting, _ = attendance.list_undecided(
        "preschool", AREA, MARCH, after=None, sites=10, by=OFFICER, now=NOW
    )
    assert [(one.child_id, [x.line for x in one.lines]) for one in waiting] == [
        (child(1), DAYS[:2]),
        (child(2), DAYS[:1]),
    ]

    for day, counts in ((DAYS[0], False), (DAYS[1], True)):
        attendance.decide(
            SITE,
            MARCH,
            child(1),
            LineName(working(MARCH)[DAYS.index(day)]),
            counts=counts,
            code=None,
            reason="device-evidence",
            by=OFFICER,
            now=NOW,
        )

    facts = attendance.month_for_billing(SITE, MARCH)
    lines = {line.key: line for line in facts.children[0].lines}
    assert (lines[DAYS[0]].code, lines[DAYS[0]].standing) == ("N", "confirmed")
    assert (lines[DAYS[1]].code, lines[DAYS[1]].standing) == ("P", "confirmed")
    assert lines[DAYS[1]].flags == ("suspected", "decided")
    # What was decided is not held again.
    assert actions.hold(signal.signal_id, by=JOB, now=NOW) == 3
    assert standing(1) == {}


def test_holding_twice_is_holding_once(signal: Signal, tables: TestTables) -> None:
    say(signal)
    actions.hold(signal.signal_id, by=JOB, now=NOW)
    before = tables.dump()

    assert actions.hold(signal.signal_id, by=JOB, now=NOW + timedelta(hours=3)) == 3
    assert tables.dump() == before


def test_whole_months_are_held_where_no_lines_are_named(tables: TestTables) -> None:
    open_site(children_count=1)
    attend(1, MARCH)
    approve(1, MARCH)
    (signal,) = raise_signals([a_finding(refs=(a_ref(child(1)),))], WHERE, by=JOB, now=NOW)
    say(signal)

    assert actions.hold(signal.signal_id, by=JOB, now=NOW) == len(DAYS)


def test_a_dismissed_signal_holds_nothing_and_is_not_raised_again(signal: Signal) -> None:
    say(signal, "dismissed", "explained")

    assert actions.hold(signal.signal_id, by=JOB, now=NOW) == 0
    again = raise_signals([a_finding(refs=signal.refs)], WHERE, by=JOB, now=NOW + timedelta(days=1))

    assert again == []
    assert standing(1) == {}
    assert open_signals() == []


def test_fewer_of_the_same_facts_do_not_raise_it_either(signal: Signal) -> None:
    say(signal, "dismissed", "explained")

    fewer = a_finding(refs=(a_ref(child(1), DAYS[0]),))
    assert raise_signals([fewer], WHERE, by=JOB, now=NOW) == []


def test_new_facts_open_it_again_and_the_old_word_stays_on_it(signal: Signal) -> None:
    say(signal, "dismissed", "explained")

    more = a_finding(refs=(a_ref(child(2), DAYS[5]),))
    (again,) = raise_signals([more], WHERE, by=JOB, now=NOW + timedelta(days=1))

    assert (again.signal_id, again.state) == (signal.signal_id, "open")
    assert [one.verdict for one in again.decisions] == ["dismissed"]
    assert open_signals() == [again]
    assert say(again).state == "confirmed"
    events = [entry.event for entry in journal.history(f"oddity/{signal.signal_id}")]
    assert events == [
        "signals/raised",
        "signals/decided",
        "signals/raised-again",
        "signals/decided",
    ]


def test_a_signal_that_was_opened_again_holds_nothing_until_it_is_decided(signal: Signal) -> None:
    say(signal)
    more = a_finding(refs=(a_ref(child(2), DAYS[5]),))
    raise_signals([more], WHERE, by=JOB, now=NOW)

    assert actions.hold(signal.signal_id, by=JOB, now=NOW) == 0


def test_the_same_word_again_is_the_same_and_another_is_refused(signal: Signal) -> None:
    decided = say(signal)

    assert say(signal) == decided
    with pytest.raises(AnotherContent):
        say(signal, "dismissed", "mistake")
    with pytest.raises(AnotherContent):
        say(signal, note_code="case-7")
    with pytest.raises(AnotherContent):
        say(signal, seen="0" * 32)


@pytest.mark.parametrize(
    ("verdict", "reason"), [("confirmed", "explained"), ("dismissed", "false-marks")]
)
def test_a_reason_goes_with_its_verdict(signal: Signal, verdict: Verdict, reason: Reason) -> None:
    with pytest.raises(rules.WrongReason) as refused:
        say(signal, verdict, reason)

    assert reason not in refused.value.facts["reasons"]


def test_who_looked_before_more_came_looks_again(signal: Signal) -> None:
    more = a_finding(refs=(a_ref(child(2), DAYS[5]),))
    raise_signals([more], WHERE, by=JOB, now=NOW)

    with pytest.raises(rules.SignalChanged):
        say(signal)


def test_another_area_knows_of_no_signal(signal: Signal) -> None:
    with pytest.raises(Unknown):
        say(signal, by=FAR_OFFICER)


def test_nobody_judges_the_provider_they_work_for(signal: Signal) -> None:
    both = replace(
        OFFICER, roles=OFFICER.roles | {Role.HEAD}, organisations=frozenset({ORGANISATION})
    )

    with pytest.raises(rules.WorksHere):
        say(signal, by=both)


def test_of_two_officers_at_once_one_is_heard(signal: Signal) -> None:
    gate = threading.Barrier(2)
    said: list[object] = []

    def one(verdict: Verdict, reason: Reason) -> None:
        gate.wait()
        try:
            said.append(say(signal, verdict, reason).state)
        except AnotherContent as refusal:
            said.append(refusal.code)

    both: list[tuple[Verdict, Reason]] = [("confirmed", "false-marks"), ("dismissed", "mistake")]
    threads = [threading.Thread(target=one, args=pair) for pair in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    kept = store.load_signal(signal.signal_id).value
    assert sorted(map(str, said)) == sorted([kept.state, AnotherContent.code])
    assert len(kept.decisions) == 1


def test_two_finders_at_once_raise_one_signal(tables: TestTables) -> None:
    gate = threading.Barrier(2)

    def one(n: int) -> None:
        gate.wait()
        raise_signals([a_finding(refs=(a_ref(child(n), DAYS[0]),))], WHERE, by=JOB, now=NOW)

    threads = [threading.Thread(target=one, args=(n,)) for n in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (signal,) = open_signals()
    assert [ref.child_id for ref in signal.refs] == [child(1), child(2)]


def test_a_child_that_is_not_there_holds_nothing_and_hinders_no_other(signal: Signal) -> None:
    more = a_finding(refs=(a_ref("child-nobody", DAYS[0]),))
    (grown,) = raise_signals([more], WHERE, by=JOB, now=NOW)
    say(grown)

    assert actions.hold(signal.signal_id, by=JOB, now=NOW) == 3


def test_a_line_decided_before_is_not_held(signal: Signal) -> None:
    say(signal)
    actions.hold(signal.signal_id, by=JOB, now=NOW)
    attendance.decide(
        SITE,
        MARCH,
        child(2),
        LineName(working(MARCH)[0]),
        counts=True,
        code=None,
        reason="device-evidence",
        by=OFFICER,
        now=NOW,
    )
    other = a_finding(subject="device-2", refs=(a_ref(child(2), *DAYS[:2]),))
    (second,) = raise_signals([other], WHERE, by=JOB, now=NOW)
    say(second)

    assert actions.hold(second.signal_id, by=JOB, now=NOW) == 1
    assert standing(2) == {DAYS[1]: "disputed"}


def test_an_absence_is_not_held() -> None:
    line = sheets.Line(working(MARCH)[0], "S", (), True, "confirmed")
    held = sheets.hold(
        sheets.EMPTY, [line], names=frozenset(), signal_id="s", by="officer", at="now"
    )

    assert held is sheets.EMPTY


def test_the_provider_is_told_how_much_waits(signal: Signal, tables: TestTables) -> None:
    say(signal)
    actions.hold(signal.signal_id, by=JOB, now=NOW)

    rows = [row for row in tables.dump()["kezek-test-outbox"] if "signals/confirmed" in str(row)]
    assert [row["pk"]["S"] for row in rows] == [f"NOTICES#organisation:{ORGANISATION}"]


def test_silence_of_families_is_a_signal_whose_lines_wait_already(tables: TestTables) -> None:
    open_site(children_count=1)
    attend(1, FEBRUARY, shift=2)
    attend(1, MARCH)
    (signal,) = look(now=at("2026-04-08 05:00"))
    assert set(standing(1).values()) == {"undecided"}

    say(signal, "confirmed", "false-marks")

    assert actions.hold(signal.signal_id, by=JOB, now=NOW) == len(DAYS)
    assert set(standing(1).values()) == {"disputed"}
