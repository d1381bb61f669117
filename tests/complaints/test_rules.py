"""The law of complaints: desks, terms, who may answer, what the public may know."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.complaints import rules, store
from chalicelib.complaints.rules import About, Complaint, Counts, Subject
from chalicelib.kernel.actors import Role
from chalicelib.kernel.periods import Month, stamp
from chalicelib.policy.actions import load_pack

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
CALENDAR = load_pack("preschool", "taldykorgan").calendar
BOOK = store.book()
TERM = BOOK.term(date(2026, 3, 2))


def a_complaint(topic: str = "queue", **said: object) -> Complaint:
    made = rules.receive(
        complaint_id="complaint-1",
        ticket="abcd-efgh-jkmn",
        by="parent",
        role=Role.REPRESENTATIVE,
        person_id=None,
        about=About(kind="system"),
        subject=Subject(programme="preschool", area="taldykorgan", acted="officer-who-acted"),
        topic=BOOK.topic(topic, date(2026, 3, 2)),
        term=TERM,
        calendar=CALENDAR,
        pack="p",
        asked="digest",
        now=NOW,
    )
    return replace(made, **said)  # type: ignore[arg-type]


def answered(complaint: Complaint, officer: str = "officer", at: datetime = NOW) -> Complaint:
    return rules.decide_answer(
        complaint,
        officer=officer,
        role=complaint.answers_now,
        digest=f"{officer} says",
        term=TERM,
        calendar=CALENDAR,
        now=at,
    )


def higher(complaint: Complaint, at: datetime, why: str | None = None) -> Complaint:
    return rules.decide_escalation(complaint, why=why, term=TERM, calendar=CALENDAR, now=at)


def after_term(complaint: Complaint) -> datetime:
    assert complaint.answer_by is not None
    return datetime.fromisoformat(complaint.answer_by)


def test_every_topic_has_desks_that_answer_and_ends_with_one_that_watches() -> None:
    for topic in BOOK.topics:
        assert topic.levels[0] != Role.AUDITOR
        assert topic.levels[-1] == Role.AUDITOR
        assert set(topic.levels) <= set(BOOK.desks)
        assert all((topic.text.kk, topic.text.ru, topic.text.en))


def test_terms_neither_overlap_nor_leave_a_gap() -> None:
    first, *others = sorted(BOOK.terms, key=lambda term: term.during.first)
    for term in others:
        assert first.during.last is not None
        assert term.during.first == first.during.last + timedelta(days=1)
        first = term
    assert first.during.last is None


def test_an_answer_is_due_within_fifteen_working_days() -> None:
    # 2 March 2026 is a Monday; 9 March is off for Women's Day, 23 to 25 March for Nauryz.
    complaint = a_complaint()

    days = TERM.answer_working_days
    assert days == 15
    due = CALENDAR.add_working_days(date(2026, 3, 2), days)
    assert complaint.answer_by == stamp(CALENDAR.deadline(NOW, working_days=days))
    assert due > date(2026, 3, 23)


def test_a_late_complaint_passes_desk_after_desk_and_the_last_one_watches() -> None:
    complaint = a_complaint()

    second = higher(complaint, after_term(complaint))
    third = higher(second, after_term(second))

    assert (complaint.lies_with, second.lies_with, third.lies_with) == (
        Role.DEPARTMENT,
        Role.OPERATOR,
        Role.AUDITOR,
    )
    assert third.answers_now == Role.OPERATOR  # an auditor changes nothing, so the desk below owes
    assert third.answer_by is None
    assert third.outcome == "late"
    with pytest.raises(rules.NoHigherDesk):
        higher(third, after_term(second))


def test_nobody_takes_a_complaint_further_while_its_term_runs() -> None:
    complaint = a_complaint()

    with pytest.raises(rules.NotYet):
        higher(complaint, after_term(complaint) - timedelta(microseconds=1), why="slow")
    assert higher(complaint, after_term(complaint), why="slow").level == 1
    assert higher(answered(complaint), NOW, why="no good").level == 1


@pytest.mark.parametrize("officer", ["parent", "officer-who-acted"])
def test_nobody_answers_about_their_own_act_or_their_own_complaint(officer: str) -> None:
    with pytest.raises(rules.OwnAct):
        answered(a_complaint(), officer)
    with pytest.raises(rules.OwnAct):
        rules.decide_assignment(
            a_complaint(), officer=officer, role=Role.DEPARTMENT, desk=None, book=BOOK, now=NOW
        )


def test_who_answered_does_not_answer_again_higher_up() -> None:
    complaint = higher(answered(a_complaint(), "two-hats"), NOW, why="no good")

    with pytest.raises(rules.OwnAct):
        answered(complaint, "two-hats")
    assert answered(complaint, "another").answers == 2


def test_an_answer_waits_for_its_officer_and_comes_once() -> None:
    taken = rules.decide_assignment(
        a_complaint(), officer="officer", role=Role.DEPARTMENT, desk=None, book=BOOK, now=NOW
    )
    said = answered(taken)

    with pytest.raises(rules.Taken):
        answered(taken, "colleague")
    assert answered(said) is said
    with pytest.raises(rules.NotOpen):
        answered(said, "colleague")
    again = rules.decide_assignment(
        taken, officer="officer", role=Role.DEPARTMENT, desk=None, book=BOOK, now=NOW
    )
    assert again is taken


def test_handing_on_moves_the_desk_and_not_the_term() -> None:
    complaint = a_complaint()

    handed = rules.decide_assignment(
        complaint,
        officer="officer",
        role=Role.DEPARTMENT,
        desk=Role.FINANCE,
        book=BOOK,
        now=NOW + timedelta(days=3),
    )

    assert (handed.answers_now, handed.answer_by) == (Role.FINANCE, complaint.answer_by)
    assert higher(handed, after_term(handed)).lies_with == Role.OPERATOR
    with pytest.raises(rules.WrongDesk):
        rules.decide_assignment(
            complaint, officer="o", role=Role.DEPARTMENT, desk=Role.AUDITOR, book=BOOK, now=NOW
        )


@pytest.mark.parametrize(
    ("satisfied", "at", "outcome"),
    [
        (True, NOW, "withdrawn"),
        (False, NOW, "withdrawn"),
        (True, datetime(2026, 5, 1, tzinfo=UTC), "late"),
    ],
)
def test_what_is_closed_unanswered_counts_by_the_term(
    satisfied: bool, at: datetime, outcome: str
) -> None:
    closed = rules.decide_closing(a_complaint(), satisfied=satisfied, now=at)

    assert closed.outcome == outcome
    assert rules.decide_closing(closed, satisfied=satisfied, now=at) is closed
    with pytest.raises(rules.AlreadyClosed):
        rules.decide_closing(closed, satisfied=not satisfied, now=at)
    with pytest.raises(rules.AlreadyClosed):
        higher(closed, at, why="after all")


@pytest.mark.parametrize(
    ("about", "field"),
    [
        (About(kind="system", id="site-1234"), "id"),
        (About(kind="site"), "id"),
        (About(kind="site", id="site-1234", month="2026-03"), "month"),
        (About(kind="child-month", id="child-1234"), "month"),
        (About(kind="child-month", id="child-1234", month="2026-03"), "site_id"),
        (About(kind="claim", id="claim-1234", site_id="site-1234"), "site_id"),
    ],
)
def test_what_is_complained_about_is_named_whole(about: About, field: str) -> None:
    with pytest.raises(rules.WhatAbout) as no:
        rules.check_about(about)

    assert no.value.facts == {"field": field}


def test_so_many_a_day_and_no_more() -> None:
    sent = rules.Sent()
    for _ in range(3):
        sent = rules.count_one_more(sent, most=3)

    with pytest.raises(rules.TooMany):
        rules.count_one_more(sent, most=3)


# --- figures


COUNTS = st.builds(
    lambda topic, parts, up: Counts(
        topic=topic,
        received=sum(parts),
        in_time=parts[0],
        late=parts[1],
        withdrawn=parts[2],
        escalated=min(up, sum(parts)),
    ),
    st.sampled_from([topic.code for topic in BOOK.topics]),
    st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 6)),
    st.integers(0, 12),
)
MONTHS = st.lists(COUNTS, max_size=8, unique_by=lambda counts: counts.topic)


@given(MONTHS)
def test_no_shown_number_and_no_complement_is_one_to_four(counts: list[Counts]) -> None:
    for figure in rules.public(counts):
        assert figure.received >= 5
        shown = [figure.in_time, figure.late, figure.withdrawn]
        assert all(part is None for part in shown) or all(part is not None for part in shown)
        for part in (*shown, figure.escalated):
            if part is not None:
                assert part == 0 or part >= 5
                assert figure.received - part == 0 or figure.received - part >= 5


def test_hidden_outcomes_are_never_the_only_ones_possible() -> None:
    for received in range(5, 14):
        possible = [
            parts for parts in product(range(received + 1), repeat=3) if sum(parts) == received
        ]
        hidden = [
            (in_time, late, withdrawn)
            for in_time, late, withdrawn in possible
            if rules.public(
                [
                    Counts(
                        topic="queue",
                        received=received,
                        in_time=in_time,
                        late=late,
                        withdrawn=withdrawn,
                    )
                ]
            )[0].late
            is None
        ]
        for position in range(3):
            assert len({parts[position] for parts in hidden}) > 4, (received, position)


def test_a_month_is_shown_when_its_last_term_is_over() -> None:
    march = Month(2026, 3)

    shown_from = rules.published_on(march, term=TERM, calendar=CALENDAR)

    last_term = CALENDAR.add_working_days(march.last, TERM.answer_working_days)
    assert shown_from > last_term
    assert CALENDAR.is_working(shown_from)


def test_each_complaint_counts_once_and_an_escalation_until_the_month_is_shown() -> None:
    first = a_complaint()
    second = higher(first, after_term(first))
    third = higher(second, after_term(second))
    shown_from = rules.published_on(first.month, term=TERM, calendar=CALENDAR)

    def count(counts: Counts, before: Complaint | None, after: Complaint, at: datetime) -> Counts:
        return rules.counted(counts, before, after, published_on=shown_from, now=at)

    counts = count(Counts(topic="queue"), None, first, NOW)
    counts = count(counts, first, second, after_term(first))
    counts = count(counts, second, third, after_term(second))

    assert counts == Counts(topic="queue", received=1, late=1, escalated=1)
    late = datetime(2026, 6, 1, tzinfo=UTC)
    unhappy = higher(answered(first), late, why="no good")
    kept = Counts(topic="queue", received=1, in_time=1)
    assert count(kept, answered(first), unhappy, late) == kept
