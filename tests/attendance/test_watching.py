"""Misses in a row, silence, reminders: small tables with every edge."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from chalicelib.attendance.rules import watching
from chalicelib.attendance.rules.lines import Line
from chalicelib.policy.actions import load_pack

START = date(2026, 10, 1)
RULE = load_pack("clubs", "karaganda").at(date(2026, 10, 15)).exclusion


def lessons(codes, *, every=2, standing="open"):
    """Return a line per letter, two days apart from START on."""
    return tuple(
        Line(START + timedelta(days=every * n), code, standing=standing, starts=960, minutes=60)
        for n, code in enumerate(codes)
    )


@pytest.mark.parametrize(
    ("codes", "completed"),
    [
        ("PNN", []),
        ("PNNN", [3]),
        ("NNNN", [2]),
        ("NNNNNN", [2, 5]),  # again after three more
        ("NNPN", []),
        ("NNSNN", []),  # a reason: somebody knows where the child is
        ("NNLN", [3]),  # a cancelled lesson is nobody's miss
        ("NXHNN", [4]),
        ("", []),
    ],
)
def test_three_unexplained_misses_in_a_row_are_said_once(codes, completed):
    lines = lessons(codes)

    assert watching.rows_of_misses(lines, RULE) == tuple(lines[n] for n in completed)


def test_a_pack_may_leave_misses_alone():
    assert watching.rows_of_misses(lessons("NNNN"), replace(RULE, missed_in_a_row=0)) == ()


@pytest.mark.parametrize(
    ("codes", "since"),
    [
        ("NNN", START),
        ("PNN", START),
        ("NPNN", START + timedelta(days=2)),
        ("NSN", START + timedelta(days=2)),
        ("NNP", None),
        ("LLL", None),  # no lesson was given
        ("", None),
    ],
)
def test_a_child_is_silent_since_its_last_visit_or_reason(codes, since):
    found = watching.silence(lessons(codes), starts_on=START, rule=RULE)

    assert (found.since if found else None) == since
    if found:
        assert found.warn_on == since + timedelta(days=30)
        assert found.release_on == since + timedelta(days=35)


@pytest.mark.parametrize(
    ("today", "warned", "asks"),
    [
        (29, None, None),
        (30, None, "warn"),
        (40, None, "warn"),  # the job was late: warned first, whatever the day
        (34, 30, None),
        (35, 30, "release"),
        (44, 40, None),
        (45, 40, "release"),
    ],
)
def test_nobody_is_released_without_a_warning_and_its_term(today, warned, asks):
    found = watching.silence(lessons("PNN"), starts_on=START, rule=RULE)

    said = watching.due(
        found,
        warned_on=None if warned is None else START + timedelta(days=warned),
        today=START + timedelta(days=today),
        rule=RULE,
    )

    assert said == asks


def test_a_pack_without_a_release_only_warns():
    rule = replace(RULE, release_after_warning_days=0)
    found = watching.silence(lessons("PNN"), starts_on=START, rule=rule)

    later = START + timedelta(days=300)

    assert watching.due(found, warned_on=START, today=later, rule=rule) is None


@pytest.mark.parametrize(
    ("today", "lines"),
    [(0, 0), (1, 1), (2, 0), (3, 0), (4, 2), (5, 0), (7, 3), (9, 0), (10, 3)],
)
def test_visits_that_wait_are_reminded_of_after_a_day_and_then_each_third(today, lines):
    waiting = lessons("PPP")

    said = watching.to_remind(
        waiting, today=START + timedelta(days=today), after_days=1, every_days=3
    )

    # The oldest visit sets the days, 1, 4, 7 and 10; what waits by then is named with it.
    assert len(said) == lines


def test_confirmed_visits_and_absences_are_not_reminded_of():
    lines = (*lessons("P", standing="confirmed"), *lessons("NS"))

    said = watching.to_remind(lines, today=START + timedelta(days=1), after_days=1, every_days=1)

    assert said == ()
