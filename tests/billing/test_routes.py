"""Billing over HTTP: one yes, and each no, down to its code."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from chalicelib.billing import actions
from chalicelib.kernel.actors import system
from chalicelib.kernel.money import tenge

from .builders import OCTOBER, a_child, a_month, a_site_on_the_list

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
        ({"month": "october"}, 400, "kezek/bad-field"),
        ({"programme": "clubs"}, 404, "policy/no-pack"),
        ({"area": "astana"}, 404, "kezek/unknown"),
    ],
)
def test_a_month_that_cannot_be_billed_is_refused(town, operator, change, status, code):
    no(town.put("/v1/billing/runs/run-aaaa", {**RUN, **change}, token=operator), status, code)


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
