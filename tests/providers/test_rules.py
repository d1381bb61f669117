"""The law about organisations, sites and groups."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.kernel.refusals import AnotherContent, Refusal
from chalicelib.providers import rules
from chalicelib.providers.rules import DatedCapacity, Group, Reason, Seat, Vote, documents, showing
from chalicelib.providers.rules import admission as steps
from chalicelib.providers.rules import sites as law
from chalicelib.providers.rules.showing import Wanted
from chalicelib.providers.rules.sites import Measure, SiteState, Step
from tests.providers.builders import ADMISSION, TODAY, a_checklist, a_group, a_site, asked_of

AGES = (1, 5)
A_DAY = timedelta(days=1)
DUE = "2026-03-10T19:00:00.000000Z"
NOW = "2026-03-02T04:00:00.000000Z"
REASON = (Reason("fire-safety", "no alarm in two rooms, act 14 of 01.03.2026"),)


# --- seats --------------------------------------------------------------------------------------

_VOUCHERS = st.sampled_from([f"voucher-{n}" for n in range(3)])
_DAYS = st.integers(0, 4).map(lambda n: TODAY + timedelta(days=n))
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), _VOUCHERS, _DAYS),
        st.tuples(st.just("use"), _VOUCHERS, _DAYS),
        st.tuples(st.just("leave"), _VOUCHERS, _DAYS),
        st.tuples(st.just("free"), _VOUCHERS, _DAYS),
    ),
    max_size=12,
)


def _played(group: Group, step: tuple[str, str, date]) -> Group:
    name, voucher_id, day = step
    try:
        match name:
            case "take":
                return rules.take_seat(group, voucher_id, "reserved", day)
            case "use":
                return rules.use_seat(group, voucher_id, day)
            case "leave":
                return rules.leave_seat(group, voucher_id, day)
            case _:
                return rules.free_seat(group, voucher_id)
    except (rules.NoPlace, rules.NoSeat):
        return group


@settings(max_examples=500, deadline=None)
@given(_STEPS, st.integers(1, 2))
def test_no_sequence_of_seats_sells_a_day_twice_a9(
    steps: list[tuple[str, str, date]], capacity: int
) -> None:
    group = a_group(capacity=capacity)

    for step in steps:
        group = _played(group, step)

    for n in range(7):
        day = TODAY + n * A_DAY
        used = [
            s
            for s in group.holders.values()
            if s.since <= day and (s.until is None or day <= s.until)
        ]
        assert 0 <= len(used) <= capacity
    assert rules.free_places(group) >= 0


@given(_STEPS)
def test_what_is_shown_as_free_can_be_taken(steps: list[tuple[str, str, date]]) -> None:
    group = a_group(capacity=2)
    for step in steps:
        group = _played(group, step)

    if rules.free_places(group) > 0:
        assert "new" in rules.take_seat(group, "new", "reserved", TODAY).holders


def test_the_last_place_is_taken_once() -> None:
    full = rules.take_seat(a_group(capacity=1), "first", "reserved", TODAY)

    with pytest.raises(rules.NoPlace) as refused:
        rules.take_seat(full, "second", "reserved", TODAY)

    assert refused.value.facts == {"group_id": "group-0001"}
    assert rules.take_seat(full, "first", "reserved", TODAY) == full


def test_a_closed_group_takes_nobody_new_but_keeps_who_has_a_seat() -> None:
    group = rules.take_seat(a_group(), "held", "reserved", TODAY)

    closed = rules.set_open(group, to=False)

    assert rules.free_places(closed) == 0
    assert rules.use_seat(closed, "held").holders["held"].state == "used"
    with pytest.raises(rules.GroupClosed):
        rules.take_seat(closed, "new", "reserved", TODAY)


def test_the_next_child_may_begin_the_day_after_a_seat_ends() -> None:
    group = rules.take_seat(a_group(capacity=1), "leaving", "used", TODAY)
    group = rules.leave_seat(group, "leaving", TODAY + 9 * A_DAY)

    after = rules.take_seat(group, "coming", "used", TODAY + 10 * A_DAY)

    assert after.holders["coming"].since == TODAY + 10 * A_DAY
    with pytest.raises(rules.NoPlace):
        rules.take_seat(group, "coming", "used", TODAY + 9 * A_DAY)


def test_a_reserved_seat_begins_earlier_only_while_there_is_room() -> None:
    group = rules.take_seat(a_group(capacity=1), "leaving", "used", TODAY)
    group = rules.leave_seat(group, "leaving", TODAY)
    group = rules.take_seat(group, "coming", "reserved", TODAY + A_DAY)

    with pytest.raises(rules.NoPlace):
        rules.use_seat(group, "coming", TODAY)
    with pytest.raises(rules.NoPlace):
        rules.leave_seat(group, "leaving", TODAY + A_DAY)
    assert rules.use_seat(group, "coming", TODAY + 3 * A_DAY).holders["coming"].state == "used"


def test_a_place_can_be_reserved_before_the_groups_first_day() -> None:
    starts = date(2026, 9, 1)
    group = a_group(capacity=1, capacities=(DatedCapacity(starts, 1),))

    reserved = rules.take_seat(group, "early", "reserved", date(2026, 7, 2))

    assert rules.free_places(reserved) == 0
    with pytest.raises(rules.NoPlace):
        rules.take_seat(reserved, "late", "reserved", starts)


def test_a_voucher_without_a_seat_cannot_use_one() -> None:
    with pytest.raises(rules.NoSeat):
        rules.use_seat(a_group(), "nobody")
    assert rules.free_seat(a_group(), "nobody") == a_group()


@pytest.mark.parametrize(
    ("age", "language", "kind", "fit"),
    [
        (3, "kk", "general", True),
        (4, "kk", "general", True),
        (2, "kk", "general", False),
        (5, "kk", "general", False),
        (3, "ru", "general", False),
        (3, "kk", "correctional", False),
    ],
)
def test_a_group_fits_by_age_language_and_kind(
    age: int, language: str, kind: str, fit: bool
) -> None:
    assert rules.fits(a_group(), age=age, language=language, kind=kind) is fit


# --- what a head says of a group ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"capacity": 1}, None),
        ({"capacity": 40}, None),
        ({"capacity": 0}, rules.BadCapacity),
        ({"capacity": -3}, rules.BadCapacity),
        ({"capacity": 41}, rules.BadCapacity),
        ({"age_from": 4, "age_to": 3}, rules.BadAges),
        ({"age_from": 0}, rules.BadAges),
        ({"age_to": 6}, rules.BadAges),
        ({"age_from": 1, "age_to": 5}, None),
    ],
)
def test_a_group_is_made_within_the_limits(
    said: dict[str, int], refusal: type[Refusal] | None
) -> None:
    def make() -> Group:
        return rules.form_group(
            asked_of(a_group(), **said),
            site_id="site-0001",
            organisation_id="org-00001",
            programme="preschool",
            area="taldykorgan",
            locality="urban",
            listed=False,
            today=TODAY,
            ages=AGES,
            fingerprint="x",
        )

    if refusal is None:
        assert make().open is False
    else:
        with pytest.raises(refusal):
            make()


def _changed(group: Group, *, turnover: bool = False, **said: object) -> Group:
    return rules.change_group(
        group,
        asked_of(group, **said),
        today=TODAY,
        ages=AGES,
        turnover=turnover,
        fingerprint="y",
    )


def test_with_children_in_it_a_group_keeps_its_sort() -> None:
    group = rules.take_seat(a_group(), "child", "used", TODAY)

    assert _changed(group, name="Қарлығаш").name == "Қарлығаш"
    for said in ({"language": "ru"}, {"age_to": 5}, {"kind": "correctional"}, {"hours": "24"}):
        with pytest.raises(rules.GroupFixed):
            _changed(group, **said)
    assert _changed(a_group(), language="ru").language == "ru"


def test_lessons_are_as_long_as_the_timetable_was_published_with() -> None:
    timed = rules.set_times(a_group(hours="45"), (rules.WeeklyLesson(2, "16:00", 45),))
    emptied = rules.set_times(timed, ())

    # Else a head would have short lessons paid as long ones.
    for group in (timed, emptied):
        with pytest.raises(rules.LengthFixed) as refused:
            _changed(group, hours="90")
        assert refused.value.facts == {"minutes": "45"}
        assert _changed(group, language="ru").language == "ru"
    assert _changed(a_group(hours="45"), hours="90").hours == "90"


def test_in_the_turnover_a_group_moves_up_with_its_children() -> None:
    group = rules.take_seat(a_group(), "child", "used", TODAY)
    up = {"academic_year": 2026, "age_from": 4, "age_to": 5}

    assert _changed(group, turnover=True, **up).academic_year == 2026
    with pytest.raises(rules.GroupFixed):
        _changed(group, turnover=False, **up)
    with pytest.raises(rules.GroupFixed):
        _changed(group, turnover=True, **{**up, "age_from": 3})


def test_capacity_never_falls_below_the_seats_held() -> None:
    group = rules.take_seat(a_group(), "a", "used", TODAY)
    group = rules.take_seat(group, "b", "reserved", TODAY)

    assert _changed(group, capacity=2).capacity == 2
    with pytest.raises(rules.BelowHeld):
        _changed(group, capacity=1)


def test_a_larger_capacity_counts_from_its_day_and_a_smaller_one_at_once() -> None:
    later = TODAY + 30 * A_DAY

    larger = _changed(a_group(), capacity=6, from_on=later)
    smaller = _changed(a_group(), capacity=2, from_on=later)

    assert (larger.capacity, rules.capacity_on(larger, later)) == (4, 6)
    assert rules.renew_capacity(larger, later).capacity == 6
    # New seats must fit on the day the group shrinks, so they count on the smaller number now.
    assert (smaller.capacity, rules.capacity_on(smaller, TODAY)) == (2, 4)


def test_a_capacity_is_never_changed_in_the_past() -> None:
    changed = _changed(a_group(), capacity=5, from_on=date(2025, 1, 1))

    assert rules.capacity_on(changed, TODAY - A_DAY) == 4
    assert rules.capacity_on(changed, TODAY) == 5


# --- the way onto the List ----------------------------------------------------------------------


def _submitted() -> rules.Site:
    return steps.submit(
        a_site(),
        a_checklist(),
        attempt=1,
        admission=ADMISSION,
        today=TODAY,
        now=NOW,
        due_at=DUE,
    )


def _in_check() -> rules.Site:
    return steps.check(_submitted(), "complete", (), admission=ADMISSION, due_at=DUE)


def _decided(result: str, reasons: tuple[Reason, ...] = ()) -> rules.Site:
    return _voted(_in_check(), a_vote("member", result, reasons))


def a_vote(by: str, result: str, reasons: tuple[Reason, ...] = ()) -> Vote:
    return Vote(by, result, reasons, NOW)  # type: ignore[arg-type]


def _voted(site: rules.Site, *votes: Vote, of: Any = ADMISSION, step: Step = Step.DECIDE) -> Any:
    for vote in votes:
        site = steps.vote(site, step, vote, admission=of, pack="pack@1", object_by=DUE)
    return site


def _listed() -> rules.Site:
    return law.enlist(_decided("admit"), by="officer", today=TODAY, admission=ADMISSION)


def _suspended() -> rules.Site:
    measure = Measure("suspension", "12-Ө", REASON, "no-new-choices", NOW, "officer")
    return law.suspend(_listed(), measure, today=TODAY, admission=ADMISSION)


def test_a_whole_checklist_leads_to_a_year_on_the_list() -> None:
    site = _listed()

    assert site.state is SiteState.LISTED
    assert (site.listed_from, site.valid_to) == (TODAY, date(2027, 3, 2))


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        ({"licence": None}, {"missing": ["licence"], "not_ready": [], "expired": []}),
        (
            {"fire_safety": {"state": "in-progress"}},
            {"missing": [], "not_ready": ["fire-safety"], "expired": []},
        ),
        (
            {"fire_safety": {"valid_to": TODAY - A_DAY}},
            {"missing": [], "not_ready": [], "expired": ["fire-safety"]},
        ),
        (
            {"fire_safety": {"valid_to": None}},
            {"missing": [], "not_ready": [], "expired": ["fire-safety"]},
        ),
    ],
)
def test_an_incomplete_checklist_names_each_item(
    said: dict[str, object], facts: dict[str, list[str]]
) -> None:
    with pytest.raises(rules.ChecklistUnmet) as refused:
        documents.check_list(a_checklist(**said), admission=ADMISSION, today=TODAY, on_map=True)

    assert refused.value.facts == facts


def test_the_sanitary_conclusion_may_still_be_in_progress() -> None:
    shown = a_checklist(sanitary_conclusion={"state": "in-progress", "valid_to": None})

    documents.check_list(shown, admission=ADMISSION, today=TODAY, on_map=True)


def test_an_item_that_nobody_asks_or_that_comes_twice_is_refused() -> None:
    twice = [*a_checklist(), a_checklist()[0]]
    unknown = [*a_checklist(), rules.Shown("swimming-pool", "ready")]

    for shown in (twice, unknown):
        with pytest.raises(rules.UnknownItem):
            documents.check_list(shown, admission=ADMISSION, today=TODAY, on_map=True)


def test_there_is_one_chance_to_correct() -> None:
    back = steps.check(_submitted(), "correction", REASON, admission=ADMISSION, due_at=DUE)
    again = steps.submit(
        back, a_checklist(), attempt=2, admission=ADMISSION, today=TODAY, now=NOW, due_at=DUE
    )

    assert back.state is SiteState.DRAFT
    with pytest.raises(rules.CorrectionUsed):
        steps.check(again, "correction", REASON, admission=ADMISSION, due_at=DUE)
    with pytest.raises(rules.CorrectionLate):
        steps.submit(
            back, a_checklist(), attempt=2, admission=ADMISSION, today=TODAY, now=DUE, due_at=DUE
        )


def test_a_missed_correction_refuses_and_the_site_may_apply_again_with_a_new_chance() -> None:
    back = steps.check(_submitted(), "correction", REASON, admission=ADMISSION, due_at=DUE)

    refused = steps.miss_correction(back, at=DUE, pack="pack@1")
    again = steps.submit(
        refused, a_checklist(), attempt=2, admission=ADMISSION, today=TODAY, now=DUE, due_at=DUE
    )

    assert refused.state is SiteState.REFUSED
    assert refused.decision is not None
    assert [reason.rule for reason in refused.decision.reasons] == ["fire-safety"]
    assert (
        steps.check(again, "correction", REASON, admission=ADMISSION, due_at=DUE).corrections == 1
    )


@pytest.mark.parametrize("reasons", [(), (Reason("licence", "  "),), (Reason("", "seen"),)])
def test_a_refusal_always_cites_a_rule_and_its_evidence(reasons: tuple[Reason, ...]) -> None:
    with pytest.raises(rules.ReasonNeeded):
        _decided("refuse", reasons)
    with pytest.raises(rules.ReasonNeeded):
        steps.check(_submitted(), "correction", reasons, admission=ADMISSION, due_at=DUE)


def test_a_correction_cites_items_of_the_checklist() -> None:
    with pytest.raises(rules.UnknownItem):
        steps.check(
            _submitted(), "correction", (Reason("mood", "bad"),), admission=ADMISSION, due_at=DUE
        )


def test_a_refused_site_may_apply_again() -> None:
    refused = _decided("refuse", REASON)

    again = steps.submit(
        refused, a_checklist(), attempt=2, admission=ADMISSION, today=TODAY, now=NOW, due_at=DUE
    )

    assert again.state is SiteState.SUBMITTED
    assert again.decision is None


def test_whoever_decided_does_not_list() -> None:
    with pytest.raises(rules.SecondPerson):
        law.enlist(_decided("admit"), by="member", today=TODAY, admission=ADMISSION)
    with pytest.raises(rules.NotDecided):
        law.enlist(_in_check(), by="officer", today=TODAY, admission=ADMISSION)


def test_a_listed_site_gets_another_year_only_when_the_recheck_has_begun() -> None:
    begins = date(2027, 3, 2) - timedelta(days=30)

    with pytest.raises(rules.TooEarly):
        law.enlist(_listed(), by="officer", today=begins - A_DAY, admission=ADMISSION)
    renewed = law.enlist(_listed(), by="officer", today=begins, admission=ADMISSION)

    assert renewed.valid_to == date(2028, 3, 1)


def test_suspension_gives_children_thirty_days_and_removal_waits_for_them() -> None:
    site = _suspended()
    measure = Measure("removal", "13-Ө", REASON, "off-the-list", NOW, "officer")
    last = TODAY + timedelta(days=30)

    assert site.transition_until == last
    with pytest.raises(rules.TransitionRunning):
        law.remove(site, measure, today=last, planned_transfer=False)
    assert law.remove(site, measure, today=last + A_DAY, planned_transfer=False).state == "removed"
    assert law.remove(site, measure, today=TODAY, planned_transfer=True).state == "removed"


def test_reinstatement_keeps_the_year_or_begins_a_new_one_when_it_ran_out() -> None:
    measure = Measure("reinstatement", "14-Ө", (), "open", NOW, "officer")

    soon = law.reinstate(_suspended(), measure, today=TODAY, admission=ADMISSION)
    late = law.reinstate(_suspended(), measure, today=date(2027, 4, 1), admission=ADMISSION)

    assert (soon.state, soon.transition_until) == (SiteState.LISTED, None)
    assert soon.valid_to == date(2027, 3, 2)
    assert late.valid_to == date(2028, 3, 31)


@pytest.mark.parametrize("step", [s for s in Step if s is not Step.WARN])
@pytest.mark.parametrize("state", list(SiteState))
def test_each_step_begins_only_where_the_table_says(step: Step, state: SiteState) -> None:
    site = a_site(state=state)

    if state in law.MAY[step]:
        law.check_turn(site, step)
    else:
        with pytest.raises(rules.WrongState):
            law.check_turn(site, step)


def test_the_same_step_is_remembered_and_other_content_refused() -> None:
    site = law.remembered(a_site(), Step.SUSPEND, "12-Ө", "abc")

    assert law.was_done(site, Step.SUSPEND, "12-Ө", "abc")
    assert not law.was_done(site, Step.SUSPEND, "13-Ө", "abc")
    with pytest.raises(AnotherContent):
        law.was_done(site, Step.SUSPEND, "12-Ө", "other")


def test_a_site_has_at_most_forty_groups() -> None:
    assert law.with_group(a_site(groups=39)).groups == 40
    with pytest.raises(rules.TooManyGroups):
        law.with_group(a_site(groups=40))


# --- accounts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("account", "problem"),
    [
        ("KZ86125KZT5004100100", None),  # the published sample of the IBAN register
        ("kz86 125K ZT50 0410 0100", None),
        ("KZ87125KZT5004100100", "check-digits"),
        ("KZ86125KZT5004100101", "check-digits"),
        ("KZ86125KZT500410010", "form"),
        ("DE89370400440532013000", "form"),
        ("KZ86125KZT5004100100\n", "form"),
        ("KZ٨٦125KZT5004100100", "form"),
    ],
)
def test_an_account_of_kazakhstan_has_its_form_and_check_digits(
    account: str, problem: str | None
) -> None:
    if problem is None:
        assert rules.checked_account(account) == "KZ86125KZT5004100100"
        return
    with pytest.raises(rules.BadAccount) as refused:
        rules.checked_account(account)
    assert refused.value.facts == {"problem": problem}


@pytest.mark.parametrize("bank", ["AAAAKZKX", "aaaakzkxxxx"])
def test_a_bank_of_kazakhstan_is_taken(bank: str) -> None:
    assert rules.checked_bank(bank) == bank.upper()


@pytest.mark.parametrize("bank", ["AAAADEFF", "AAAAKZK", "", "AAAAKZKXXX"])
def test_another_bank_code_is_refused(bank: str) -> None:
    with pytest.raises(rules.BadBank):
        rules.checked_bank(bank)


# --- what the public sees -----------------------------------------------------------------------


def test_names_sort_as_a_kazakh_reader_expects() -> None:
    names = ["Құлыншақ", "Балапан", "Әйгөлек", "Айналайын", "Карлсон", "Өркен", "Орда"]

    assert sorted(names, key=showing.reading_order) == [
        "Айналайын",
        "Әйгөлек",
        "Балапан",
        "Карлсон",
        "Құлыншақ",
        "Орда",
        "Өркен",
    ]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), 1),
        (Wanted(language="kk", age=3, kind="general"), 1),
        (Wanted(language="ru"), 0),
        (Wanted(age=5), 0),
        (Wanted(form="public"), 0),
        (Wanted(free=True), 1),
    ],
)
def test_the_catalogue_shows_listed_sites_that_have_what_is_wanted(
    wanted: Wanted, found: int
) -> None:
    listed, draft = _listed(), a_site(site_id="site-0002")
    groups = showing.by_site([a_group(), a_group(site_id="site-0002", group_id="group-0002")])

    shown = showing.catalogue([listed, draft], groups, wanted)

    assert len(shown) == found


def test_a_full_site_stays_in_the_catalogue_but_not_among_free_places() -> None:
    full = a_group(capacity=1, holders={"v": Seat("used", TODAY)})

    assert len(showing.catalogue([_listed()], {"site-0001": [full]}, Wanted())) == 1
    assert showing.catalogue([_listed()], {"site-0001": [full]}, Wanted(free=True)) == []


def test_figures_count_places_by_sort_and_say_why_empty_ones_are_closed() -> None:
    held = a_group(capacity=3, holders={"v": Seat("used", TODAY)})
    alike = a_group(group_id="group-0002", capacity=2)
    other = a_group(group_id="group-0003", language="ru", capacity=5)

    rows = showing.figures([_listed()], showing.by_site([held, alike, other]))
    (closed,) = showing.figures([_suspended()], showing.by_site([rules.set_open(held, to=False)]))

    assert [(r.language, r.groups, r.places, r.held, r.free) for r in rows] == [
        ("kk", 2, 5, 1, 4),
        ("ru", 1, 5, 0, 5),
    ]
    assert (closed.free, closed.closed, closed.reason) == (0, 2, "suspended")
    assert [(t.language, t.places, t.free) for t in showing.totals(rows)] == [
        ("kk", 5, 4),
        ("ru", 5, 5),
    ]
