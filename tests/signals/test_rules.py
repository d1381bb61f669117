"""Signals as values: named, joined, decided; rows that repeat, crowds at their edges."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.attendance import rules as sheets
from chalicelib.attendance.rules import Line
from chalicelib.kernel.periods import Month, start_of
from chalicelib.policy.actions import list_packs, load_pack
from chalicelib.signals import rules
from chalicelib.signals.actions.arriving import terms
from chalicelib.signals.rules import Ref, Seen, Upload
from tests.attendance.builders import at
from tests.signals.builders import WHERE, a_finding, a_ref

DAY = date(2026, 3, 2)
PACK = load_pack("preschool", "taldykorgan")
RULE = PACK.at(DAY).signals


def of_pack(on: date) -> rules.Terms | None:
    return terms(PACK, on)


refs = st.builds(
    Ref,
    child_id=st.sampled_from(["child-1", "child-2", "child-3"]),
    month=st.sampled_from(["2026-02", "2026-03"]),
    site_id=st.sampled_from(["", "site-2"]),
    lines=st.lists(st.sampled_from("abcd"), unique=True, max_size=4).map(
        lambda found: tuple(sorted(found))
    ),
    records=st.lists(st.sampled_from("xyz"), unique=True, max_size=3).map(
        lambda found: tuple(sorted(found))
    ),
)


@given(st.lists(refs, max_size=6), st.lists(refs, max_size=6))
def test_evidence_joins_whatever_the_order_and_forgets_nothing(
    held: list[Ref], new: list[Ref]
) -> None:
    one, other = rules.joined(held, new), rules.joined(new, held)

    assert one == other
    assert rules.joined(one, [*held, *new]) == one
    assert {ref.of for ref in one} == {ref.of for ref in (*held, *new)}
    for ref in (*held, *new):
        kept = next(x for x in one if x.of == ref.of)
        assert not kept.lines or set(ref.lines) <= set(kept.lines)
        assert set(ref.records) <= set(kept.records)


@given(st.lists(refs, max_size=6), st.randoms())
def test_a_digest_knows_no_order(found: list[Ref], chance: object) -> None:
    mixed = list(found)
    chance.shuffle(mixed)  # type: ignore[attr-defined]

    assert rules.digest_of(mixed) == rules.digest_of(found)


def test_another_line_is_another_digest() -> None:
    assert rules.digest_of([a_ref("c", "a")]) != rules.digest_of([a_ref("c", "b")])
    assert rules.digest_of([a_ref("c")]) != rules.digest_of([])


@pytest.mark.parametrize(
    "changes",
    [{"kind": "far-apart"}, {"subject": "device-2"}, {"period": "2026-03-03"}],
)
def test_what_it_is_about_names_a_signal(changes: dict[str, str]) -> None:
    assert rules.id_of(a_finding(**changes), "site-1") != rules.id_of(a_finding(), "site-1")
    assert rules.id_of(a_finding(), "site-2") != rules.id_of(a_finding(), "site-1")
    more = a_finding(refs=(a_ref("another"),))
    assert rules.id_of(more, "site-1") == rules.id_of(a_finding(), "site-1")


def test_a_signal_met_again_is_the_very_same() -> None:
    first = rules.met(None, a_finding(), WHERE, now=at("2026-03-02 10:00"))

    assert rules.met(first, a_finding(), WHERE, now=at("2026-03-03 10:00")) is first


def test_the_whole_month_is_more_than_some_of_its_lines() -> None:
    (joined,) = rules.joined([a_ref("c", "2026-03-02")], [a_ref("c")])

    assert joined.lines == ()


# --- rows


def test_a_row_copied_from_the_first_day_on_repeats_it() -> None:
    before = {day: (480 + day % 7, 1020 + day % 5) for day in range(2, 20)}
    copied = {day + 3: times for day, times in before.items()}

    assert rules.repeated(copied, before, RULE) == 18
    assert rules.repeated(before, before, RULE) == 18


def test_a_mark_without_a_departure_does_not_hide_a_copy() -> None:
    before = {day: (480 + day % 7, 1020 + day % 5) for day in range(2, 20)}
    copied = {day + 3: times for day, times in before.items()}

    assert rules.repeated({**copied, 1: (600, None)}, before, RULE) == 18


def test_days_all_alike_repeat_nothing() -> None:
    same = dict.fromkeys(range(2, 20), (480, 1020))

    assert rules.repeated(same, same, RULE) == 0


def test_a_row_that_repeats_half_its_days_is_a_family_of_habits() -> None:
    before = {day: (480 + day % 7, 1020 + day % 5) for day in range(2, 20)}
    now = {d: times if d % 2 else (times[0] + 1, times[1]) for d, times in before.items()}

    assert rules.repeated(now, before, RULE) == 0


# --- crowds and clocks


def seen(counter: int, second: float, *, child: int | None = None, **more: object) -> Seen:
    when = start_of(DAY) + timedelta(hours=8, seconds=second)
    said = {"counter": counter, "child_id": f"child-{child or counter}", "kind": "in"}
    return Seen(**{**said, "enrolment_id": "e", "happened_at": when, "on": DAY, **more})  # type: ignore[arg-type]


def found(*records: Seen, **more: object) -> list[str]:
    upload = Upload(device_id="device-1", seen=records, **more)  # type: ignore[arg-type]
    return [one.kind for one in rules.findings_of_uploads([upload], of_pack)]


def test_a_second_is_a_second_whatever_its_fractions() -> None:
    assert found(*(seen(n, 0.1 * n) for n in range(1, 9))) == ["one-second"]
    assert found(*(seen(n, 0.2 * n) for n in range(1, 9))) == []


def test_guessed_times_say_nothing() -> None:
    assert found(*(seen(n, 0, guessed=True) for n in range(1, 9))) == []


def test_departures_in_one_second_are_a_bus_that_leaves() -> None:
    assert found(*(seen(n, 0, kind="out") for n in range(1, 9))) == []


def test_records_told_twice_are_told_once() -> None:
    half = [seen(n, 0) for n in range(1, 8)]
    uploads = [Upload(device_id="device-1", seen=tuple(half)) for _ in range(3)]

    assert rules.findings_of_uploads(uploads, of_pack) == []


def test_a_clock_that_runs_a_little_wrong_is_no_jump() -> None:
    assert found(seen(1, 0), skew_s=1_799, skew_before_s=0) == []
    assert found(seen(1, 0), skew_s=900, skew_before_s=-900) == ["clock-jump"]


def test_a_clock_nobody_told_of_says_nothing() -> None:
    assert found(seen(1, 0), skew_s=90_000) == []


def test_nothing_is_odd_where_no_rules_are_in_force() -> None:
    early = date(2020, 1, 6)
    records = [
        Seen(
            counter=n,
            child_id=f"child-{n}",
            enrolment_id="e",
            kind="in",
            happened_at=datetime.fromisoformat("2020-01-06T03:00:00+05:00"),
            on=early,
        )
        for n in range(1, 20)
    ]
    upload = Upload(device_id="device-1", seen=tuple(records))

    assert rules.findings_of_uploads([upload], of_pack) == []
    assert rules.findings_of_uploads([], of_pack) == []


# --- lines that are held


def test_a_lesson_is_held_by_its_name_or_by_its_day() -> None:
    lines = [
        Line(DAY, "P", (), False, "confirmed", 960, 60),
        Line(DAY, "P", (), False, "confirmed", 1080, 60),
    ]

    def held(*names: str) -> list[str]:
        sheet = sheets.hold(
            sheets.EMPTY, lines, names=frozenset(names), signal_id="s", by="o", at="now"
        )
        return [one.key for one in sheet.holds]

    assert held("20260302T1600") == ["20260302T1600"]
    assert held("2026-03-02") == ["20260302T1600", "20260302T1800"]
    assert held() == ["20260302T1600", "20260302T1800"]
    assert held("2026-03-03") == []


def test_every_pack_that_ships_says_what_is_odd() -> None:
    for pack in list_packs():
        assert pack.at(Month(2026, 3).last).signals is not None, pack.id


def test_a_line_that_was_decided_is_not_held_by_a_later_signal() -> None:
    line = Line(DAY, "P", ("decided",), False, "confirmed")
    word = sheets.Decision(
        on=DAY, code="P", counts=True, reason="device-evidence", at="now", by="officer"
    )
    decided = replace(sheets.EMPTY, decisions=(word,))

    held = sheets.hold(decided, [line], names=frozenset(), signal_id="s", by="o", at="now")

    assert held is decided
