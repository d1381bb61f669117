"""Billing over HTTP: one yes, and each no, down to its code."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import openpyxl
import pytest

from chalicelib.billing import actions
from chalicelib.billing.rules import judging, pricing
from chalicelib.edge import texts
from chalicelib.kernel.actors import system
from chalicelib.kernel.money import tenge

from . import clubs
from .builders import OCTOBER, a_child, a_month, a_site_on_the_list
from .clubs import TWELVE, a_pupil, lessons
from .test_clubs import a_club, allot

NOW = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)
JOB = system("billing")
BUDGET = "/v1/budgets/preschool/taldykorgan/2026"
MONTH = "/v1/billing/sites/site-aaaa/months/2026-10"
ALLOTMENT = {"amount_tiyn": tenge(10_000_000), "act": "№ 12, 05.01.2026"}
RUN = {"programme": "preschool", "area": "taldykorgan", "month": "2026-10"}
WHERE = {"programme": "preschool", "area": "taldykorgan", "month": "2026-10"}


@pytest.fixture
def town(cloud):
    cloud.set_clock(NOW)
    a_site_on_the_list("site-aaaa")
    return cloud


@pytest.fixture
def finance(town):
    return town.token("finance", "finance-1", areas=["taldykorgan"])


@pytest.fixture
def operator(town):
    return town.token("operator", "operator-1", areas=["taldykorgan"])


def head(town, organisation="org-site-aaaa"):
    return town.token("head", f"head-of-{organisation}", organisations=[organisation])


def billed(*children):
    provided = a_month(*(children or [a_child(f"child-{n}aaa") for n in range(5)]))
    return actions.bill("site-aaaa", OCTOBER, by=JOB, now=NOW, gather=lambda *_: provided)


def no(said, status, code):
    assert (said.status, said.code) == (status, code), said.text


# --- budgets ------------------------------------------------------------------------------------


def test_a_budget_is_not_cut_below_what_was_spent(town, finance):
    town.put(BUDGET, ALLOTMENT, token=finance)
    billed()

    no(
        town.put(BUDGET, {"amount_tiyn": 1, "act": "later"}, token=finance),
        409,
        "budgets/short",
    )


# --- runs on demand -----------------------------------------------------------------------------


def test_a_month_on_demand_hands_each_provider_to_the_queue(town, operator):
    said = town.put("/v1/billing/runs/run-aaaa", RUN, token=operator)

    assert said.status == 200, said.text
    assert said.json["providers"] == 1
    assert town.put("/v1/billing/runs/run-aaaa", RUN, token=operator).json == said.json
    town.drain()
    assert town.dead_letters() == []


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"month": "2026-11"}, 409, "billing/month-not-over"),
        ({"month": "2026-13"}, 400, "kernel/bad-month"),
        ({"month": "2024-12"}, 409, "policy/no-rule-in-force"),
        ({"month": "2026-03"}, 409, "billing/month-forgotten"),
        ({"month": "october"}, 400, "kezek/bad-field"),
        ({"programme": "clubs"}, 404, "policy/no-pack"),
        ({"area": "astana"}, 404, "kezek/unknown"),
    ],
)
def test_a_month_that_cannot_be_billed_is_refused(town, operator, change, status, code):
    no(town.put("/v1/billing/runs/run-aaaa", {**RUN, **change}, token=operator), status, code)
    town.drain()
    assert town.dead_letters() == []


def test_a2_a_run_with_other_content_is_refused(town, operator):
    town.put("/v1/billing/runs/run-aaaa", RUN, token=operator)

    no(
        town.put("/v1/billing/runs/run-aaaa", {**RUN, "month": "2026-09"}, token=operator),
        409,
        "kezek/another-content",
    )


# --- what was posted ----------------------------------------------------------------------------


def test_a_provider_sees_statements_and_why_it_is_not_paid_yet(town, finance):
    assert [w["reason"] for w in town.get(MONTH, token=head(town)).json["waiting"]] == [
        "not-billed-yet"
    ]
    town.put(BUDGET, ALLOTMENT, token=finance)
    billed(a_child("child-aaaa"), a_child("child-bbbb", standing="undecided"))

    seen = town.get(MONTH, token=head(town)).json

    assert seen["posted_tiyn"] == tenge(65_000)
    assert seen["pay_on"] == "2026-11-18"
    (waiting,) = seen["waiting"]
    assert waiting.pop("text").startswith("Ата-ана растамаған белгілер: 21, 65000 теңге.")
    assert waiting == {"reason": "undecided", "days": 21, "tiyn": tenge(65_000)}
    (statement,) = seen["statements"]
    assert [line["accrual_tiyn"] for line in statement["lines"]] == [tenge(65_000), 0]


def test_b1_a_foreign_or_unknown_month_answers_alike(town):
    mine = town.get(MONTH, token=head(town, "org-other"))
    none = town.get(MONTH.replace("site-aaaa", "site-none"), token=head(town, "org-other"))

    no(mine, 404, "kezek/unknown")
    assert mine.content == none.content
    for role in ("department", "finance", "operator"):
        no(town.get(MONTH, token=town.token(role, areas=["astana"])), 404, "kezek/unknown")
    assert town.get(MONTH, token=town.token("auditor")).status == 200


def test_a_month_is_written_with_four_and_two_digits(town):
    no(town.get(MONTH.replace("2026-10", "202610"), token=head(town)), 400, "kernel/bad-month")


def test_b4_nothing_is_open_by_accident(town):
    for path in (MONTH, BUDGET):
        no(town.get(path), 401, "kezek/sign-in")


# --- public figures -----------------------------------------------------------------------------


def test_the_public_sees_child_days_sums_and_savings_with_their_formula(town, finance):
    town.put(BUDGET, ALLOTMENT, token=finance)
    billed(*(a_child(f"child-{n}aaa", "P" * 20 + "N") for n in range(5)))

    seen = town.get("/v1/billing/figures", query=WHERE).json

    (provider,) = seen["providers"]
    assert provider["child_days"] == 100
    assert provider["list_based_tiyn"] == 5 * tenge(65_000)
    assert provider["savings_tiyn"] == {"N": 5 * tenge(3_095)}
    assert "savings = list_based - due" in seen["formula"]


def test_the_figures_as_csv(town, finance):
    town.put(BUDGET, ALLOTMENT, token=finance)
    billed()

    said = town.get("/v1/billing/figures", query={**WHERE, "format": "csv"})

    (row,) = csv.DictReader(io.StringIO(said.content.decode("utf-8-sig")))
    assert said.headers["content-type"].startswith("text/csv")
    assert (row["site_id"], row["posted_tiyn"]) == ("site-aaaa", str(5 * tenge(65_000)))


def test_b15_a_provider_with_fewer_than_five_children_is_not_shown_alone(town, finance):
    town.put(BUDGET, ALLOTMENT, token=finance)
    billed(a_child())

    assert town.get("/v1/billing/figures", query=WHERE).json["providers"] == []


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({**WHERE, "area": "nowhere"}, 404, "policy/no-pack"),
        ({**WHERE, "month": "2026-00"}, 400, "kernel/bad-month"),
        ({**WHERE, "format": "pdf"}, 400, "kezek/bad-field"),
        ({}, 400, "kezek/bad-field"),
    ],
)
def test_figures_that_cannot_be_are_refused(town, query, status, code):
    no(town.get("/v1/billing/figures", query=query), status, code)


# --- clubs --------------------------------------------------------------------------------------

CLUB = "/v1/billing/sites/club-aaaa/months/2026-10"
CLUBS = {"programme": "clubs", "area": "karaganda", "month": "2026-10"}


@pytest.fixture
def city(cloud):
    """Two clubs of two directions; five children each, one of them raised, one lesson above."""
    cloud.set_clock(NOW)
    for site_id, direction in (("club-aaaa", "sport"), ("club-bbbb", "creative")):
        a_site_on_the_list(
            site_id, programme="clubs", area="karaganda", direction=direction, form="public"
        )
        allot(direction=direction)
        children = [a_pupil(f"child-{n}-{site_id}") for n in range(3)]
        children.append(a_pupil(f"child-3-{site_id}", stays=(clubs.a_stay(sen=True),)))
        children.append(
            a_pupil(f"child-4-{site_id}", days=lessons((*TWELVE, 30), standings={2: "disputed"}))
        )
        provided = a_club(*children, site_id=site_id, direction=direction, form="public")
        actions.bill(site_id, OCTOBER, by=JOB, now=NOW, gather=lambda *_, p=provided: p)
    return cloud


def test_raised_financing_stands_in_lines_of_its_own(city):
    seen = city.get(CLUB, token=head(city, "org-club-aaaa")).json

    (statement,) = seen["statements"]
    lines = {line["child_id"]: line for line in statement["lines"]}
    assert lines["child-0-club-aaaa"]["parts"] == {"base": tenge(18_000)}
    assert lines["child-3-club-aaaa"]["parts"] == {
        "base": tenge(18_000),
        "assistant": tenge(4_500),
        "adapted-programme": tenge(2_700),
        "small-group": tenge(1_800),
    }
    for line in lines.values():
        assert sum(line["parts"].values()) == line["accrual_tiyn"]
    assert seen["direction"] == "sport"


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_statements_are_exported_with_a_column_for_each_part(city, form):
    said = city.get(CLUB, query={"format": form}, token=head(city, "org-club-aaaa"))

    if form == "csv":
        rows = list(csv.reader(io.StringIO(said.content.decode("utf-8-sig"))))
    else:
        page = openpyxl.load_workbook(io.BytesIO(said.content)).active
        rows = [list(map(str, row)) for row in page.iter_rows(values_only=True)]
    table = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    assert len(table) == 5
    raised = table[3]
    assert raised["part_tiyn_base"] == str(tenge(18_000))
    assert raised["part_tiyn_small-group"] == str(tenge(1_800))
    for row in table:
        parts = sum(int(value) for name, value in row.items() if name.startswith("part_tiyn_"))
        assert parts == int(row["accrual_tiyn"]) == int(row["movement_tiyn"])


@pytest.mark.parametrize(
    ("language", "word"),
    [("kk", "дау бар: 1"), ("ru", "возражения родителей: 1"), ("en", "Contested")],
)
def test_why_not_paid_yet_is_said_in_three_languages(city, language, word):
    said = city.get(CLUB, token=head(city, "org-club-aaaa"), headers={"Accept-Language": language})

    (waiting,) = said.json["waiting"]
    assert (waiting["reason"], waiting["days"], waiting["tiyn"]) == ("disputed", 1, tenge(1_500))
    assert word in waiting["text"]


def test_every_reason_has_its_words():
    known = texts.catalogue()
    reasons = {*pricing.HELD, pricing.OVER_CAP, pricing.OVER_MONTH_CAP, judging.NO_RECORD}
    reasons |= {judging.NO_PROOF, "not-billed-yet", "not-closed", "budgets/short"}

    for reason in reasons:
        assert set(known[f"why:{reason}"]) == {"kk", "ru", "en"}


def test_b1_a_department_sees_the_months_of_its_own_direction(city):
    def officer(role: str, *directions: str):
        return city.token(role, f"{role}-1", areas=["karaganda"], directions=list(directions))

    assert city.get(CLUB, token=officer("department", "sport")).status == 200
    no(city.get(CLUB, token=officer("department", "creative")), 404, "kezek/unknown")
    no(city.get(CLUB, token=officer("department")), 404, "kezek/unknown")
    assert city.get(CLUB, token=officer("finance")).status == 200


def test_figures_of_clubs_stand_by_direction_with_their_own_formula(city):
    seen = city.get("/v1/billing/figures", query=CLUBS).json

    found = {p["direction"]: p for p in seen["providers"]}
    assert set(found) == {"sport", "creative"}
    assert found["sport"]["child_days"] == 60
    assert found["sport"]["list_based_tiyn"] == tenge(4 * 18_000 + 27_000 + 1_500)
    assert found["sport"]["savings_tiyn"] == {"disputed": tenge(1_500)}
    assert "rate x coefficients" in seen["formula"]


def test_a_month_before_the_programme_has_no_rules(city):
    before = CLUB.replace("2026-10", "2024-10")

    no(city.get(before, token=head(city, "org-club-aaaa")), 409, "policy/no-rule-in-force")
