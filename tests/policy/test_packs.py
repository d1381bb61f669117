"""The shipped packs: what their rules say on which day, and that the past stays as it was."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kernel.money import prorate
from chalicelib.kernel.periods import Month
from chalicelib.policy import store
from chalicelib.policy.actions import NoPack, list_packs, load_pack
from chalicelib.policy.rules import (
    REASONS,
    NoRate,
    NoRuleInForce,
    Text,
    UnknownReason,
    UnknownStatus,
)
from chalicelib.policy.rules.files import read_pack
from chalicelib.policy.rules.packs import TABLES

TALDYKORGAN = load_pack("preschool", "taldykorgan")
ASTANA = load_pack("preschool", "astana")
TODAY = date(2026, 11, 23)
KAZAKH = set("әғқңөұүһіӘҒҚҢӨҰҮҺІ")

every_pack = pytest.mark.parametrize("pack", list_packs(), ids=lambda pack: pack.id)
packs = pytest.mark.parametrize("pack", [TALDYKORGAN, ASTANA], ids=lambda pack: pack.id)


def reread(pack, change=lambda text: text):
    """Return the pack as it reads after an edit of its file."""
    file = pack.id.replace("/", "-") + ".toml"
    return read_pack(change(store.find_text(file)), file, find_text=store.find_text)


def texts_of(value):
    if isinstance(value, Text):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from texts_of(each)
    elif isinstance(value, dict):
        yield from texts_of(list(value.values()))
    elif is_dataclass(value):
        for field in fields(value):
            yield from texts_of(getattr(value, field.name))


def test_both_programmes_ship_and_a_pack_is_read_once():
    assert [pack.id for pack in list_packs()] == [
        "clubs/astana",
        "clubs/karaganda",
        "preschool/astana",
        "preschool/taldykorgan",
    ]
    assert load_pack("preschool", "astana") is ASTANA


@pytest.mark.parametrize(
    ("programme", "area"),
    [
        ("preschool", "atlantis"),
        ("preschool-astana", ""),
        ("calendar", "kz"),
        ("..", "secret"),
        ("../packs/preschool", "astana"),
        ("", ""),
    ],
)
def test_an_area_without_a_pack_is_unknown(programme, area):
    with pytest.raises(NoPack) as caught:
        load_pack(programme, area)

    assert caught.value.code == "policy/no-pack"


@every_pack
def test_every_text_is_complete_and_kazakh_is_kazakh(pack):
    texts = list(texts_of([pack.text, pack.acts, dict(pack.rows)]))

    assert len(texts) > 80
    assert all(text.kk.strip() and text.ru.strip() and text.en.strip() for text in texts)
    assert all(text.en.isascii() for text in texts)
    assert not any(text.ru.isascii() for text in texts if text.ru != "{tier}")
    assert not any(KAZAKH & set(text.ru) for text in texts)
    # A name of one or two words may do without the letters of its own; few sentences may.
    sentences = [text for text in texts if len(text.kk.split()) > 2]
    assert sum(bool(KAZAKH & set(text.kk)) for text in sentences) > 0.95 * len(sentences)


@every_pack
def test_rows_neither_overlap_nor_leave_a_gap(pack):
    for table, (_, keys) in TABLES.items():
        series = {}
        for row in pack.rows[table]:
            series.setdefault(tuple(getattr(row, key) for key in keys), []).append(row)
        for rows in series.values():
            last = max((row.during.last or date.max for row in rows), default=date.max)
            for day in (pack.valid_from + timedelta(days=n) for n in range(0, 1100)):
                assert sum(day in row.during for row in rows) == (day <= last), (table, day)


@every_pack
def test_every_source_is_an_act_of_the_pack_or_policy(pack):
    for row in (row for rows in pack.rows.values() for row in rows):
        assert (pack.act(row.source) is None) == (row.source == "policy")


@packs
def test_the_terms_are_those_of_the_published_rules_and_of_policy(pack):
    terms = pack.at(TODAY).terms

    assert (terms.confirm_working_days, terms.contract_working_days) == (2, 5)
    assert (terms.restore_calendar_days, terms.restores_max) == (28, 1)
    assert (terms.waiting_offer_calendar_days, terms.waiting_lists_max) == (1, 5)
    assert (terms.prove_working_days, terms.transfers_per_month, terms.preferences_max) == (5, 1, 5)
    assert (terms.dispute_answer_working_days, terms.turn_is_near_ahead) == (3, 50)
    assert terms.keep_order_on_restore is True
    assert terms.contract_missed == "returned"
    assert pack.at(TODAY).term_rows["confirm_working_days"].source == "terms-2025"


@packs
def test_one_rows_rules_hold_their_values(pack):
    rules = pack.at(TODAY)

    shares = rules.interleave
    assert (shares.first, shares.first_count) == ("first-priority", 1)
    assert (shares.then, shares.then_count, shares.reading) == ("general", 3, "merged-queue")
    assert (rules.release.mode, rules.release.minutes) == ("auto", 30)
    assert (rules.iteration.hour, rules.iteration.minute) == (18, 0)
    assert (rules.iteration.working_days_only, rules.iteration.vouchers) == (True, "with-place")
    moves = rules.iteration
    assert (moves.siblings, moves.movers, moves.swaps) == (False, True, True)
    assert rules.rounding == "half-up-tenge"
    assert (rules.attendance.opens, rules.attendance.closes) == ("07:00", "19:00")
    assert (rules.attendance.opens_at.hour, rules.attendance.closes_at.hour) == (7, 19)
    assert rules.attendance.ways == ("educator", "pin", "qr")
    assert (rules.rating.min_days, rules.rating.per_quarter, rules.rating.shown_from) == (10, 1, 5)
    assert len(rules.rating.criteria) == 6
    assert rules.exclusion.warning_working_days == 5
    assert rules.exclusion.proposal_working_days == 10
    assert [reason.code for reason in rules.papers_refusal_reasons] == [
        "incomplete",
        "out-of-date",
        "vaccination-ratio",
    ]
    assert len(rules.admission.items) == 15


@pytest.mark.parametrize(
    ("statuses", "tier"),
    [
        ([], "general"),
        (["teacher"], "first-priority"),
        (["sen", "orphan"], "first-priority"),
        (["large-family", "military"], "extraordinary"),
        (["special-service"], "extraordinary"),
    ],
)
@packs
def test_the_best_status_counts(pack, statuses, tier):
    assert pack.at(TODAY).tier_for(statuses).code == tier


def test_an_unknown_status_opens_nothing():
    with pytest.raises(UnknownStatus) as caught:
        TALDYKORGAN.at(TODAY).tier_for(["teacher", "friend-of-the-head"])

    assert caught.value.facts == {"status": "friend-of-the-head"}


@packs
def test_closed_registers_are_proved_on_paper_with_an_expiry(pack):
    statuses = pack.at(TODAY).statuses

    for code in ("military", "special-service"):
        assert statuses[code].closed_register
        assert (statuses[code].proof, statuses[code].proof_valid_days) == ("paper", 30)
    assert statuses["orphan"].proof == "registry"


@packs
def test_a_tier_names_the_statuses_that_open_it(pack):
    rules = pack.at(TODAY)

    assert [(tier.order, tier.code) for tier in rules.tiers] == [
        (1, "extraordinary"),
        (2, "first-priority"),
        (3, "general"),
    ]
    assert rules.tiers[0].statuses == ("military", "special-service")
    assert rules.tiers[2].statuses == ()
    assert {code for tier in rules.tiers for code in tier.statuses} == set(rules.statuses)


def test_astana_gives_the_extraordinary_right_to_conscripts_only():
    assert "срочной" in ASTANA.at(TODAY).statuses["military"].text.ru
    assert "срочной" not in TALDYKORGAN.at(TODAY).statuses["military"].text.ru


@pytest.mark.parametrize(
    ("reason", "paid", "counted", "month", "year"),
    [
        ("P", True, True, None, None),
        ("S", True, True, None, None),
        ("Q", True, True, None, None),
        ("W", True, True, None, None),
        ("V", True, True, None, 30),
        ("R", False, True, None, None),
        ("F", True, True, 3, None),
        ("N", False, True, None, None),
        ("H", False, False, None, None),
        ("X", False, False, None, None),
    ],
)
@packs
def test_a_day_earns_by_its_reason(pack, reason, paid, counted, month, year):
    row = pack.at(TODAY).payable(reason)

    assert (row.paid, row.counted) == (paid, counted)
    assert (row.days_max_month, row.days_max_year) == (month, year)


def test_an_unknown_reason_is_refused():
    with pytest.raises(UnknownReason):
        TALDYKORGAN.at(TODAY).payable("L")


def test_the_strict_variant_is_chosen_by_date():
    strict, usual = ASTANA.at(Month(2025, 12).last), ASTANA.at(Month(2026, 1).first)

    assert [r for r in REASONS if strict.payable(r).paid] == ["P"]
    assert [r for r in REASONS if usual.payable(r).paid] == ["P", "S", "Q", "W", "V", "F"]


def test_the_worked_example_pays_to_the_tenge_in_both_variants():
    rate = TALDYKORGAN.at(TODAY).rate_for("general", "10.5", "urban", sen=False)

    assert rate.rate_tiyn == 6_500_000
    assert prorate(rate.rate_tiyn, 20, of=21) == 6_190_500
    assert prorate(rate.rate_tiyn, 15, of=21) == 4_642_900


def test_a_rate_carries_the_coefficients_of_the_child():
    rules = TALDYKORGAN.at(TODAY)

    assert rules.rate_for("general", "9", "rural", sen=False).coefficients == (1000, 1000, 1000)
    assert rules.rate_for("general", "9", "rural", sen=True).coefficients == (1500, 1000, 1000)
    with pytest.raises(NoRate) as caught:
        rules.rate_for("general", "12", "urban", sen=False)
    assert caught.value.facts["hours"] == "12"


def test_a_closed_month_keeps_the_rate_of_its_time():
    rates = [
        TALDYKORGAN.at(Month(year, month).last).rate_for("general", "10.5", "urban", sen=False)
        for year, month in ((2025, 12), (2026, 1))
    ]

    assert [rate.rate_tiyn for rate in rates] == [6_200_000, 6_500_000]


NEW_TERM = """
[[terms]]
code = "confirm_working_days"
value = 3
valid_from = 2027-03-01
source = "policy"
kk = "Ваучер 3 жұмыс күні ішінде расталады"
ru = "Ваучер подтверждают за 3 рабочих дня"
en = "A voucher is confirmed within 3 working days"
"""


def with_a_future_term(text):
    old = 'code = "confirm_working_days"\nvalue = 2\nvalid_from = 2025-01-01\n'
    assert old in text
    return text.replace(old, old + "valid_to = 2027-02-28\n") + NEW_TERM


@packs
def test_a_future_row_does_not_change_the_past(pack):
    later = reread(pack, with_a_future_term)

    for day in (pack.valid_from, TODAY, date(2027, 2, 28)):
        assert later.digest_of(day) == pack.digest_of(day)
        assert later.at(day).terms == pack.at(day).terms
    assert later.at(date(2027, 3, 1)).terms.confirm_working_days == 3
    assert later.digest_of(date(2027, 3, 1)) != pack.digest_of(date(2027, 3, 1))
    assert later.version != pack.version


@packs
def test_the_version_follows_the_content_and_not_the_comments(pack):
    same = reread(pack, lambda text: text.replace("\n\n", "\n# a remark\n\n"))
    other = reread(pack, lambda text: text.replace("value = 28", "value = 29"))

    assert pack.version == f"{pack.id}@{pack.digest[:12]}"
    assert len(pack.digest) == 64
    assert same.version == pack.version
    assert other.version != pack.version


def test_a_change_of_the_calendar_changes_the_version():
    def find_text(file):
        text = store.find_text(file)
        return text.replace("2027-05-16", "2027-05-17") if file == "calendar-kz.toml" else text

    file = "preschool-astana.toml"
    moved = read_pack(store.find_text(file), file, find_text=find_text)

    assert moved.version != ASTANA.version
    assert not moved.calendar.is_working(date(2027, 5, 17))


@packs
def test_before_the_programme_no_rule_is_in_force(pack):
    with pytest.raises(NoRuleInForce) as caught:
        pack.at(pack.valid_from - timedelta(days=1))

    assert caught.value.facts == {"pack": pack.id, "on": "2024-12-31"}
    with pytest.raises(NoRuleInForce):
        pack.digest_of(date(2024, 12, 31))


@given(n=st.integers(0, 1500))
def test_the_rules_of_a_day_are_the_rows_that_hold_it(n):
    day = ASTANA.valid_from + timedelta(days=n)
    rules = ASTANA.at(day)

    assert all(day in row.during for row in (*rules.absence, *rules.rates, rules.release))
    assert {row.reason for row in rules.absence} == set(REASONS)
