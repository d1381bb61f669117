"""A tablet under suspicion: which of its marks are no proof, from when, and until when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from chalicelib.attendance import rules
from chalicelib.attendance.rules import Device, Doubt, Mark, doubts_of, tag_of
from chalicelib.kernel.periods import Month

MARCH = Month(2026, 3)
DEVICE = Device(
    device_id="device-aaaa",
    site_id="site-aaaa",
    organisation_id="organisation-1",
    programme="preschool",
    area="taldykorgan",
    label="Hall",
    public_key="k",
    pairing_id="pairing-1",
    paired_at="2026-03-01T00:00:00Z",
    asked="x",
)
FORKED = (40, "2026-03-20T10:00:00Z")
NOON = datetime(2026, 3, 25, 7, tzinfo=UTC)


def mark(counter: int, *, day: int = 5, device: str = "device-aaaa") -> Mark:
    return Mark(
        day=day,
        minute=500,
        counter=counter,
        tag=tag_of(device),
        kind=1,
        way="educator",
        guessed=False,
    )


@pytest.mark.parametrize(
    ("counter", "device", "covered"),
    [
        (39, "device-aaaa", False),
        (40, "device-aaaa", True),
        (41, "device-aaaa", True),
        (99, "device-bbbb", False),
    ],
)
def test_a_fork_makes_suspect_what_was_signed_from_there_on(counter, device, covered):
    (doubt,) = doubts_of(DEVICE, [FORKED])

    assert doubt.covers(mark(counter, device=device), MARCH) is covered


def test_of_several_forks_the_first_counts():
    assert doubts_of(DEVICE, [(70, FORKED[1]), FORKED, (50, FORKED[1])]) == [
        Doubt("device-aaaa", counter=40)
    ]


@pytest.mark.parametrize(("day", "covered"), [(9, False), (10, True), (11, True)])
def test_foreign_hands_make_suspect_what_was_marked_since_that_day(day, covered):
    lost = rules.decide_revocation(DEVICE, foreign_on=date(2026, 3, 10), now=NOON)

    (doubt,) = doubts_of(lost, [])

    assert lost.revoked_at == lost.foreign_at
    assert doubt.covers(mark(1, day=day), MARCH) is covered
    assert doubt.covers(mark(1, day=1), Month(2026, 4))


def test_a_tablet_that_was_only_revoked_is_not_suspect():
    assert doubts_of(rules.decide_revocation(DEVICE, now=NOON), []) == []


def test_an_earlier_day_takes_the_place_of_a_later_one_and_never_the_other_way():
    lost = rules.decide_revocation(DEVICE, foreign_on=date(2026, 3, 10), now=NOON)

    assert rules.decide_revocation(lost, foreign_on=date(2026, 3, 12), now=NOON) is lost
    assert rules.decide_revocation(lost, foreign_on=date(2026, 3, 10), now=NOON) is lost
    earlier = rules.decide_revocation(lost, foreign_on=date(2026, 3, 3), now=NOON)
    assert earlier.foreign_on == date(2026, 3, 3)
    assert earlier.revoked_at == lost.revoked_at


def test_a_day_to_come_is_refused_and_today_is_not():
    with pytest.raises(rules.DayToCome):
        rules.decide_revocation(DEVICE, foreign_on=date(2026, 3, 26), now=NOON)
    assert rules.decide_revocation(DEVICE, foreign_on=date(2026, 3, 25), now=NOON).foreign_on


def cleared(at: datetime = NOON, device: Device = DEVICE) -> Device:
    return rules.decide_clearing(
        device, doubts_of(device, [FORKED]), reason="inspected", by="officer-1", now=at
    )


def test_a_cleared_tablet_is_proof_again_until_something_new_is_found_out():
    device = cleared()

    assert doubts_of(device, [FORKED]) == []
    later = (10, "2026-03-26T10:00:00Z")
    assert doubts_of(device, [FORKED, later]) == [Doubt("device-aaaa", counter=10)]
    lost = rules.decide_revocation(device, foreign_on=date(2026, 3, 1), now=NOON.replace(day=27))
    assert doubts_of(lost, [FORKED]) == [Doubt("device-aaaa", day=date(2026, 3, 1))]
    assert doubts_of(cleared(NOON.replace(day=28), lost), [FORKED, later]) == []


def test_at_an_instant_only_what_was_known_then_is_doubted():
    device = cleared()

    assert doubts_of(device, [FORKED], upto="2026-03-20T09:00:00Z") == []
    assert doubts_of(device, [FORKED], upto="2026-03-24T00:00:00Z") == [
        Doubt("device-aaaa", counter=40)
    ]
    assert doubts_of(device, [FORKED], upto="2026-03-30T00:00:00Z") == []


def test_clearing_again_changes_nothing_and_nothing_is_not_cleared():
    device = cleared()

    again = rules.decide_clearing(device, [], reason="inspected", by="officer-1", now=NOON)

    assert again is device
    for other in (device, replace(device, cleared_by=None, cleared_reason=None)):
        with pytest.raises(rules.NotDoubted):
            rules.decide_clearing(other, [], reason="inspected", by="officer-2", now=NOON)


def test_what_was_doubted_at_an_instant_does_not_depend_on_later_clearings() -> None:
    """Forked on the 20th, cleared on the 25th, forked on the 27th, cleared on the 28th."""
    again = (60, "2026-03-27T10:00:00Z")
    forks = [FORKED, again]
    once = cleared(NOON)
    twice = rules.decide_clearing(
        once,
        doubts_of(once, forks),
        reason="inspected",
        by="officer-1",
        now=NOON + timedelta(days=3),
    )

    def counters(upto: str | None) -> list[int | None]:
        return [doubt.counter for doubt in doubts_of(twice, forks, upto=upto)]

    assert counters("2026-03-21T00:00:00Z") == [40]
    assert counters("2026-03-26T00:00:00Z") == []
    assert counters("2026-03-27T23:00:00Z") == [60]
    assert counters(None) == []


def test_an_earlier_day_said_later_leaves_what_was_known_before() -> None:
    lost = rules.decide_revocation(DEVICE, foreign_on=date(2026, 3, 20), now=NOON)
    sooner = rules.decide_revocation(
        lost, foreign_on=date(2026, 3, 10), now=NOON + timedelta(days=1)
    )

    (then,) = doubts_of(sooner, [], upto="2026-03-25T23:00:00Z")
    (now,) = doubts_of(sooner, [])

    assert (then.day, now.day) == (date(2026, 3, 20), date(2026, 3, 10))
