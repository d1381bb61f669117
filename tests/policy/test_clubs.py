"""Clubs and sections: twelve categories, two vouchers, three directions, pay per lesson."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kernel.money import Tiyn, cumulative, daily_share, half_up, tenge
from chalicelib.kernel.periods import Month
from chalicelib.policy import store
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import (
    REASONS,
    NoRate,
    OutOfAge,
    UnknownActivity,
    UnknownForm,
    UnknownHours,
    UnknownKind,
    UnknownReason,
    UnknownStatus,
)
from chalicelib.policy.rules.files import read_pack

TODAY = date(2026, 10, 5)
KARAGANDA = load_pack("clubs", "karaganda")
ASTANA = load_pack("clubs", "astana")
PRESCHOOL = load_pack("preschool", "taldykorgan")
RULES = KARAGANDA.at(TODAY)

clubs = pytest.mark.parametrize("pack", [KARAGANDA, ASTANA], ids=lambda pack: pack.id)

CATEGORIES = (
    "orphans",
    "disability",
    "sen",
    "parent-disability",
    "tsa",
    "large-family",
    "survivors",
    "protected",
    "single-parent",
    "rural-kandas",
    "no-recent-voucher",
    "others",
)
AGES_OFF = """bands = []
youngest_last = false
label = { kk = "{tier}", ru = "{tier}", en = "{tier}" }
"""
AGES_ON = """bands = [8, 12, 17]
youngest_last = false
label = { kk = "{tier}, {from}–{to}", ru = "{tier}, {from}–{to} лет", en = "{tier} {from}-{to}" }
"""


def edited(old, new, file="clubs-karaganda.toml"):
    text = store.find_text(file)
    assert text.count(old) == 1, old
    return read_pack(text.replace(old, new), file, find_text=store.find_text)


BANDED = edited(AGES_OFF, AGES_ON).at(TODAY)


# ---- what the programme is


@clubs
def test_a_lesson_is_the_unit_and_a_direction_has_its_department(pack):
    rules = pack.at(TODAY)

    assert (rules.programme.unit, rules.programme.pays) == ("lesson", "per-unit")
    assert rules.programme.by_direction
    assert {kind.code: kind.department for kind in rules.kinds.values()} == {
        "sport": "tourism-sport",
        "creative": "culture",
        "education": "education",
    }
    assert (rules.budget.by, rules.budget.reserve_until) == ("kind", "12-31")
    assert rules.budget.kept_free_per_mille == 100
    assert rules.iteration.vouchers == "by-budget"
    assert rules.interleave is None


def test_the_two_programmes_may_be_held_beside_each_other():
    assert PRESCHOOL.at(TODAY).programme.beside == ("clubs",)
    assert RULES.programme.beside == ("preschool",)


def test_preschool_states_its_own_side_of_every_switch():
    rules = PRESCHOOL.at(TODAY)

    assert (rules.programme.unit, rules.programme.pays) == ("day", "share-of-month")
    assert not rules.programme.by_direction
    assert rules.queued_kind.code == "financial"
    assert [kind.code for kind in rules.kinds_for("mini-centre")] == ["financial"]
    assert rules.intake.mode == "first-come"
    assert not rules.confirmation.per_line
    assert (rules.terms.first_visit_working_days, rules.terms.returns_max) == (0, 0)
    assert (rules.terms.papers, rules.terms.transfer_from) == (True, "next-working-day")
    assert (rules.budget.by, rules.activities, rules.sen_parts) == ("area", {}, ())
    assert (rules.admission.members, rules.admission.quorum) == (1, 1)


@clubs
def test_the_target_voucher_needs_no_queue_and_the_universal_one_money(pack):
    rules = pack.at(TODAY)
    target, universal = rules.voucher_kinds["target"], rules.voucher_kinds["universal"]

    assert (target.queued, target.reserved) == (False, True)
    assert (universal.queued, universal.reserved) == (True, True)
    assert rules.queued_kind is universal
    assert rules.kinds_for("public") == (target,)
    assert rules.kinds_for("private") == rules.kinds_for("other") == (universal,)
    assert rules.kinds_for("mini-centre") == ()


def test_a_form_that_no_voucher_is_for_is_refused():
    RULES.check_form("private")
    with pytest.raises(UnknownForm) as caught:
        RULES.check_form("mini-centre")

    assert caught.value.facts == {"form": "mini-centre", "known": "private, other, public"}


@pytest.mark.parametrize(
    ("rules", "kind", "hours", "refusal"),
    [
        (RULES, "sport", "60", None),
        (RULES, "education", "45", None),
        (RULES, "creative", "90", None),
        (RULES, "sport", "10.5", UnknownHours),
        (RULES, "general", "60", UnknownKind),
        (RULES, "any", "60", UnknownKind),
        (PRESCHOOL.at(TODAY), "general", "10.5", None),
        (PRESCHOOL.at(TODAY), "general", "60", UnknownHours),
        (PRESCHOOL.at(TODAY), "sport", "9", UnknownKind),
    ],
)
def test_a_sort_of_group_is_one_of_the_pack(rules, kind, hours, refusal):
    if refusal is None:
        rules.check_sort(kind, hours)
    else:
        with pytest.raises(refusal):
            rules.check_sort(kind, hours)


@pytest.mark.parametrize(
    ("activity", "kind", "known"),
    [
        ("judo", "creative", False),
        ("alchemy", "education", False),
        ("", "sport", False),
        ("judo", "sport", True),
    ],
)
def test_an_activity_belongs_to_one_direction(activity, kind, known):
    if known:
        assert RULES.check_activity(activity, kind).kind == kind
    else:
        with pytest.raises(UnknownActivity):
            RULES.check_activity(activity, kind)


def test_a_programme_without_activities_asks_for_none():
    assert PRESCHOOL.at(TODAY).check_activity("", "general") is None
    with pytest.raises(UnknownActivity):
        PRESCHOOL.at(TODAY).check_activity("judo", "general")


@clubs
def test_every_sport_has_a_minimum_age_and_every_direction_activities(pack):
    activities = pack.at(TODAY).activities.values()

    assert {activity.kind for activity in activities} == {"sport", "creative", "education"}
    assert all(5 <= activity.age_from <= activity.age_to <= 17 for activity in activities)
    boxing = pack.at(TODAY).activities["boxing"]
    assert (boxing.admits(9), boxing.admits(10), boxing.admits(17)) == (False, True, True)


# ---- twelve categories


@clubs
def test_twelve_categories_are_numbered_in_the_order_of_serving(pack):
    rules = pack.at(TODAY)
    cohorts = rules.cohorts

    assert tuple(tier.code for tier in rules.tiers) == CATEGORIES
    assert cohorts.cohorts(2026) == (0,)
    assert cohorts.categories_max() == 12
    assert [cohorts.category_number(code, 0, 2026) for code in CATEGORIES] == list(range(1, 13))
    assert cohorts.serving_order(2026) == tuple((0, (code,)) for code in CATEGORIES)


@pytest.mark.parametrize(
    ("statuses", "category"),
    [
        ((), "others"),
        (("no-recent-voucher",), "no-recent-voucher"),
        (("kandas",), "rural-kandas"),
        (("rural-remote", "single-parent"), "single-parent"),
        (("protected", "no-recent-voucher"), "protected"),
        (("military-survivor",), "survivors"),
        (("tsa", "large-family"), "tsa"),
        (("large-family", "parent-disability", "sen"), "sen"),
        (("disability", "sen"), "disability"),
        (("no-parental-care", "disability"), "orphans"),
    ],
)
@clubs
def test_the_best_of_several_categories_counts(pack, statuses, category):
    rules = pack.at(TODAY)

    assert rules.tier_for(statuses).code == category
    assert rules.tier_for(reversed(statuses), age=9).code == category


@given(held=st.sets(st.sampled_from(sorted(RULES.statuses))))
def test_a_further_status_never_moves_a_child_back(held):
    places = [RULES.tier_for(list(held)[:n]).order for n in range(len(held) + 1)]

    assert places == list(accumulate(places, min))


def test_an_unknown_status_opens_no_category():
    with pytest.raises(UnknownStatus):
        RULES.tier_for(["military"])


@clubs
def test_every_status_opens_a_category_and_every_default_says_so(pack):
    rules = pack.at(TODAY)

    assert {code for tier in rules.tiers for code in tier.statuses} == set(rules.statuses)
    assert {row.source for row in (*rules.tiers, *rules.statuses.values())} == {"policy"}
    assert rules.statuses["no-recent-voucher"].proof == "own"
    assert [code for code, row in rules.statuses.items() if row.sen] == ["sen"]
    assert rules.has_sen(["tsa", "sen"]) and not rules.has_sen(["tsa", "disability"])


@clubs
def test_the_protected_category_names_no_reason(pack):
    rules = pack.at(TODAY)
    tier, status = rules.tiers[7], rules.statuses["protected"]
    said = [tier.text, status.text, rules.cohorts.category_text("protected", 0, 2026)]

    assert (tier.code, tier.order, tier.statuses) == ("protected", 8, ("protected",))
    assert status.protected and status.closed_register and status.proof == "paper"
    assert (tier.paragraph, status.paragraph) == (None, None)
    for word in (
        "девиант",
        "полиц",
        "учет",
        "трудн",
        "ситуац",
        "deviant",
        "police",
        "record",
        "difficult",
        "девиант",
        "полиция",
        "қиын",
        "есеп",
    ):
        assert not any(word in text.lower() for t in said for text in (t.kk, t.ru, t.en)), word


def test_health_the_loss_of_parents_and_the_closed_register_are_protected():
    assert sorted(RULES.protected) == [
        "disability",
        "no-parental-care",
        "orphan",
        "parent-disability",
        "protected",
        "sen",
    ]
    assert sorted(RULES.telling_tiers) == [
        "disability",
        "orphans",
        "parent-disability",
        "protected",
        "sen",
    ]


# ---- ages, with the bands off and on


@pytest.mark.parametrize(
    ("birth", "ok", "reason"),
    [
        ("2021-10-05", True, None),
        ("2021-10-06", False, "too-young"),
        ("2008-09-02", True, None),  # 17 on 1 September
        ("2008-09-01", False, "too-old"),
    ],
)
@clubs
def test_pupils_of_5_to_17_are_eligible(pack, birth, ok, reason):
    assert pack.at(TODAY).cohorts.eligible(date.fromisoformat(birth), TODAY) == (ok, reason)


def test_with_the_bands_off_all_ages_are_one_cohort():
    assert RULES.cohorts.cohort_of(date(2021, 10, 5), 2026) == 0
    assert RULES.cohorts.cohort_of(date(2008, 9, 2), 2026) == 0
    with pytest.raises(OutOfAge):
        RULES.cohorts.cohort_of(date(2008, 9, 1), 2026)
    assert RULES.cohorts.category_text("tsa", 0, 2026) == RULES.cohorts.tier("tsa").text


def test_with_the_bands_on_tiers_times_bands_are_the_order():
    cohorts = BANDED.cohorts

    numbers = [
        cohorts.category_number(code, band, 2026)
        for code in CATEGORIES
        for band in cohorts.cohorts(2026)
    ]

    assert cohorts.cohorts(2026) == (17, 12, 8)
    assert cohorts.categories_max() == 36
    assert numbers == list(range(1, 37))
    assert [
        cohorts.category_number(code, band, 2026) for band, (code,) in cohorts.serving_order(2026)
    ] == numbers
    assert cohorts.category_text("tsa", 12, 2026).en == (
        "Families receiving targeted social assistance 9-12"
    )
    assert cohorts.category_text("tsa", 8, 2026).ru.endswith(", 5–8 лет")
    with pytest.raises(OutOfAge):
        cohorts.category_number("tsa", 0, 2026)


@pytest.mark.parametrize(
    ("birth", "band"),
    [
        ("2022-09-01", 8),
        ("2018-09-01", 8),
        ("2017-09-01", 12),
        ("2013-09-02", 12),
        ("2013-09-01", 17),
        ("2008-09-02", 17),
    ],
)
def test_a_band_is_taken_by_the_age_on_the_first_of_september(birth, band):
    assert BANDED.cohorts.cohort_of(date.fromisoformat(birth), 2026) == band
    assert BANDED.cohorts.is_youngest(band, 2026) == (band == 8)


def test_the_youngest_band_may_be_served_after_all_others():
    last = AGES_ON.replace("youngest_last = false", "youngest_last = true")
    lanes = edited(AGES_OFF, last).at(TODAY).cohorts.serving_order(2026)

    assert [band for band, _ in lanes[-12:]] == [8] * 12
    assert 8 not in {band for band, _ in lanes[:-12]}


def test_a_category_may_be_a_condition_on_age_and_status():
    old = 'code = "tsa"\norder = 5\nany_of = ["tsa"]\n'
    rules = edited(old, old + "age_from = 7\nage_to = 10\n").at(TODAY)

    tiers = [rules.tier_for(["tsa", "kandas"], age=age).code for age in (6, 7, 10, 11, None)]

    assert tiers == ["rural-kandas", "tsa", "tsa", "rural-kandas", "rural-kandas"]


@pytest.mark.parametrize("pack", [PRESCHOOL, load_pack("preschool", "astana")])
def test_birth_years_are_served_one_after_the_other_with_their_merged_line(pack):
    order = pack.at(TODAY).cohorts.serving_order(2026)

    assert order == tuple(
        (year, lane)
        for year in range(2020, 2026)
        for lane in (("extraordinary",), ("first-priority", "general"))
    )


# ---- money


@pytest.mark.parametrize(
    ("confirmed", "sen", "locality", "earned"),
    [
        (9, False, "urban", 13_500),
        (9, True, "urban", 20_250),
        (12, False, "urban", 18_000),
        (12, True, "urban", 27_000),
        (13, False, "urban", 18_000),  # a lesson above the cap earns nothing
        (20, True, "urban", 27_000),
        (9, False, "rural", 16_200),
        (12, True, "rural", 32_400),
        (0, True, "rural", 0),
    ],
)
def test_the_published_examples_come_out_to_the_tenge(confirmed, sen, locality, earned):
    rate = RULES.rate_for("sport", "60", locality, sen)
    share = daily_share(rate.rate_tiyn, of=1, coefficients=rate.coefficients)

    accrual = min(half_up(share * confirmed), rate.month_max_tiyn)

    assert accrual == tenge(earned)
    assert sum(cumulative([share] * confirmed)) == half_up(share * confirmed)


def test_twelve_lessons_of_an_hour_make_the_cap():
    for kind in RULES.kinds:
        rate = RULES.rate_for(kind, "60", "urban", False)
        assert (rate.per, rate.rate_tiyn, rate.cap_tiyn) == ("unit", 150_000, 1_800_000)
        assert 12 * rate.rate_tiyn == rate.cap_tiyn
        assert [RULES.rate_for(kind, h, "urban", False).rate_tiyn for h in ("45", "90")] == [
            112_500,
            225_000,
        ]


def test_rural_counts_on_rural_rows_only():
    assert RULES.rate_for("sport", "60", "urban", True).coefficients == (1500, 1000, 1000)
    assert RULES.rate_for("sport", "60", "rural", True).coefficients == (1500, 1200, 1000)
    assert RULES.rate_for("sport", "60", "rural", False).coefficients == (1000, 1200, 1000)


def test_a_reserve_covers_the_dearest_club_a_child_may_move_to():
    assert RULES.month_max_tiyn(sen=False) == tenge(21_600)
    assert RULES.month_max_tiyn(sen=True) == tenge(32_400)
    assert all(rate.month_max_tiyn <= RULES.month_max_tiyn(sen=True) for rate in RULES.rates)


def test_a_months_share_is_its_own_cap():
    rules = PRESCHOOL.at(TODAY)

    assert rules.month_max_tiyn(sen=False) == max(rate.rate_tiyn for rate in rules.rates)
    assert rules.month_max_tiyn(sen=True) == 13_400_000 * 3 // 2


def test_without_a_cap_there_is_no_most():
    uncapped = store.find_text("clubs-karaganda.toml").replace("cap_tiyn = 1_800_000\n", "")
    uncapped = uncapped.replace("reserved = true", "reserved = false")
    uncapped = uncapped.replace('vouchers = "by-budget"', 'vouchers = "with-place"')
    file = "clubs-karaganda.toml"
    rules = read_pack(uncapped, file, find_text=store.find_text).at(TODAY)

    assert rules.rate_for("sport", "60", "urban", False).month_max_tiyn is None
    with pytest.raises(NoRate):
        rules.month_max_tiyn(sen=False)


def test_raised_financing_has_three_purposes():
    assert {part.code: part.share_per_mille for part in RULES.sen_parts} == {
        "assistant": 500,
        "adapted-programme": 300,
        "small-group": 200,
    }


def test_the_areas_differ_by_data_and_by_date():
    rates = [
        (pack.area, year, pack.at(date(year, 12, 31)).rate_for("sport", "60", "urban", False))
        for pack in (KARAGANDA, ASTANA)
        for year in (2025, 2026)
    ]

    assert [(area, year, rate.rate_tiyn, rate.cap_tiyn) for area, year, rate in rates] == [
        ("karaganda", 2025, 150_000, 1_800_000),
        ("karaganda", 2026, 150_000, 1_800_000),
        ("astana", 2025, 150_000, 1_800_000),
        ("astana", 2026, 160_000, 1_920_000),
    ]
    modes = [ASTANA.at(date(2026, 7, day)).intake.mode for day in (1, 31)]
    assert [*modes, ASTANA.at(date(2026, 8, 1)).intake.mode] == ["first-come"] * 2 + ["draw"]
    panic = [
        "panic-button" in {item.code for item in ASTANA.at(day).admission.items}
        for day in (date(2025, 12, 31), date(2026, 1, 1))
    ]
    assert panic == [True, False]


# ---- lessons, absences, confirmation


@clubs
def test_only_a_lesson_given_earns(pack):
    rules = pack.at(TODAY)

    assert [r for r in (*REASONS, "L") if rules.payable(r).paid] == ["P"]
    assert [r for r in (*REASONS, "L") if not rules.payable(r).counted] == ["H", "X", "L"]
    assert rules.payable("P").proof == "mark-and-approval"


def test_a_cancelled_lesson_is_unknown_where_a_unit_is_a_day():
    with pytest.raises(UnknownReason):
        PRESCHOOL.at(TODAY).payable("L")


@clubs
def test_marks_confirmation_and_absence_have_their_limits(pack):
    rules = pack.at(TODAY)

    assert (rules.attendance.early_minutes, rules.attendance.same_second_max) == (30, 3)
    assert (rules.confirmation.per_line, rules.confirmation.code) == (True, True)
    assert (rules.confirmation.remind_after_days, rules.confirmation.remind_every_days) == (1, 3)
    absent = rules.exclusion
    assert (absent.missed_in_a_row, absent.without_visit_days) == (3, 30)
    assert absent.release_after_warning_days == 5
    assert (absent.warning_working_days, absent.proposal_working_days) == (0, 0)


@clubs
def test_the_terms_are_ten_and_ten_and_back_once(pack):
    terms = pack.at(TODAY).terms

    assert (terms.confirm_working_days, terms.contract_working_days) == (0, 10)
    assert (terms.first_visit_working_days, terms.returns_max) == (10, 1)
    assert (terms.contract_missed, terms.papers) == ("end-of-category", False)
    assert (terms.transfers_per_month, terms.transfer_from) == (0, "next-day")
    assert pack.at(TODAY).papers_refusal_reasons == ()


@clubs
def test_clubs_are_paid_on_the_18th(pack):
    dates = pack.at(TODAY).month_calendar.dates(Month(2026, 10), pack.calendar)

    assert dates.pay_on == date(2026, 11, 18)
    assert [day.day for day in dates.reminders] == [1, 3, 5, 7]


# ---- intake and admission


def test_the_draw_names_a_beacon_whose_rounds_anybody_can_count():
    intake = RULES.intake
    genesis = datetime.fromtimestamp(intake.beacon_genesis, UTC)

    assert (intake.mode, intake.days, intake.announce_days) == ("draw", 3, 7)
    assert "at least three days" in intake.text.en
    assert (intake.beacon, intake.beacon_period_seconds) == ("drand-quicknet", 3)
    assert genesis == datetime(2023, 8, 23, 15, 9, 27, tzinfo=UTC)
    rounds = [
        intake.round_at(int((genesis + timedelta(seconds=n)).timestamp())) for n in (0, 2, 3, 300)
    ]
    assert rounds == [1, 1, 2, 101]


@pytest.mark.parametrize(
    ("kind", "asked", "not_asked"),
    [
        ("sport", {"first-aid", "age-by-sport", "cameras", "premises-kind"}, {"equipment"}),
        ("creative", {"equipment", "teaching-programme", "no-criminal-record"}, {"cameras"}),
        ("education", {"teaching-programme", "fire-safety"}, {"first-aid", "age-by-sport"}),
    ],
)
@clubs
def test_each_direction_has_its_own_checklist(pack, kind, asked, not_asked):
    codes = {item.code for item in pack.at(TODAY).admission.items_for(kind)}

    assert asked <= codes
    assert not not_asked & codes
    assert {"bin-active", "sanitary-conclusion", "right-to-premises"} <= codes


def test_where_nothing_is_said_of_kinds_every_kind_shows_everything():
    admission = PRESCHOOL.at(TODAY).admission

    assert admission.items_for("general") == admission.items_for("") == admission.items


@clubs
def test_a_commission_has_members_a_quorum_and_terms(pack):
    admission = pack.at(TODAY).admission

    assert (admission.members, admission.quorum) == (5, 3)
    assert (admission.document_notice_days, admission.recheck_notice_days) == (30, 30)
    assert (admission.transition_days, admission.validity_days) == (30, 365)
    assert (admission.corrections_max, admission.correction_working_days) == (1, 5)
    assert (admission.objection_working_days, admission.answer_working_days) == (5, 10)


@given(
    sen=st.booleans(),
    kind=st.sampled_from(sorted(RULES.kinds)),
    hours=st.sampled_from(["45", "60", "90"]),
    locality=st.sampled_from(["urban", "rural"]),
)
def test_every_sort_of_group_has_a_rate_below_its_cap(sen, kind, hours, locality):
    for pack in (KARAGANDA, ASTANA):
        rate = pack.at(TODAY).rate_for(kind, hours, locality, sen)

        assert Tiyn(0) < rate.rate_tiyn <= rate.cap_tiyn
        assert rate.rate_tiyn % 100 == 0
