"""Budgets over HTTP: one per area, or one per direction and department."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chalicelib.budgets import actions
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.rules.reserving import Reserve
from chalicelib.budgets.store import ledger as books
from chalicelib.edge.texts import text
from chalicelib.kernel.actors import system
from chalicelib.kernel.money import tenge
from chalicelib.kernel.periods import Month
from chalicelib.storage.commit import commit

NOW = datetime(2026, 9, 11, 4, 0, tzinfo=UTC)
BUDGET = "/v1/budgets/preschool/taldykorgan/2026"
SPORT = "/v1/budgets/clubs/karaganda/2026/sport"
ALLOTMENT = {"amount_tiyn": tenge(10_000_000), "act": "№ 12, 05.01.2026"}
OCTOBER = Month(2026, 10)
MONTH_MAX = tenge(18_000)


@pytest.fixture
def town(cloud):
    cloud.set_clock(NOW)
    return cloud


@pytest.fixture
def finance(town):
    return town.token("finance", "finance-1", areas=["taldykorgan"])


@pytest.fixture
def sport_finance(town):
    return town.token("finance", "finance-2", areas=["karaganda"], directions=["sport"])


def no(said, status, code):
    assert (said.status, said.code) == (status, code), said.text


# --- budgets ------------------------------------------------------------------------------------


def test_a1_an_act_allots_a_budget_once(town, finance):
    first = town.put(BUDGET, ALLOTMENT, token=finance)
    before = town.tables.effects()
    again = town.put(BUDGET, ALLOTMENT, token=finance)

    assert first.status == 200, first.text
    assert first.json == again.json == town.get(BUDGET, token=finance).json
    assert first.json["left_tiyn"] == tenge(10_000_000)
    assert town.tables.effects() == before


def test_a2_an_act_with_another_sum_is_refused(town, finance):
    town.put(BUDGET, ALLOTMENT, token=finance)

    no(
        town.put(BUDGET, {**ALLOTMENT, "amount_tiyn": 1}, token=finance),
        409,
        "kezek/another-content",
    )


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (BUDGET, {**ALLOTMENT, "amount_tiyn": -1}, 400, "kezek/bad-field"),
        (BUDGET, {**ALLOTMENT, "amount_tiyn": 1.5}, 400, "kezek/bad-field"),
        (BUDGET, {**ALLOTMENT, "note": "x"}, 400, "kezek/bad-field"),
        (BUDGET.replace("2026", "26"), ALLOTMENT, 400, "kezek/bad-field"),
        (BUDGET.replace("taldykorgan", "astana"), ALLOTMENT, 404, "kezek/unknown"),
        (BUDGET.replace("2026", "2024"), ALLOTMENT, 409, "policy/no-rule-in-force"),
        (BUDGET.replace("2026", "2030"), ALLOTMENT, 409, "budgets/too-far-ahead"),
    ],
)
def test_a_budget_that_cannot_be_is_refused(town, finance, path, body, status, code):
    no(town.put(path, body, token=finance), status, code)


def test_a_programme_without_rules_has_no_budget(town, finance):
    path = BUDGET.replace("preschool", "clubs")

    no(town.put(path, ALLOTMENT, token=finance), 404, "policy/no-pack")


def test_a_budget_nobody_set_is_unknown(town, finance):
    no(town.get(BUDGET, token=finance), 404, "kezek/unknown")


@pytest.mark.parametrize("tail", ["", "/sport", "/%00", "/figures"])
def test_names_that_no_key_can_hold_are_refused_at_the_door(town, finance, tail):
    no(town.get(f"/v1/budgets/%00/taldykorgan/2026{tail}", token=finance), 400, "kezek/bad-field")


@pytest.mark.parametrize("role", ["head", "department", "operator", "auditor", "representative"])
def test_only_finance_allots(town, role):
    no(town.put(BUDGET, ALLOTMENT, token=town.token(role)), 403, "kezek/not-your-role")


# --- directions ---------------------------------------------------------------------------------


def reserved():
    reserve = Reserve(
        programme="clubs",
        area="karaganda",
        direction="sport",
        month_tiyn=MONTH_MAX,
        first=OCTOBER,
        last=Month(2026, 12),
    )
    commit(actions.reserving("reserve#v1", [reserve], at="2026-09-11T04:00:00.000000Z"))
    return reserve


def test_each_direction_has_its_own_budget_and_department(town, sport_finance):
    said = town.put(SPORT, ALLOTMENT, token=sport_finance)

    assert said.status == 200, said.text
    assert (said.json["direction"], said.json["committed_tiyn"]) == ("sport", 0)
    creative = SPORT.replace("sport", "creative")
    no(town.put(creative, ALLOTMENT, token=sport_finance), 404, "kezek/unknown")
    no(town.get(creative, token=sport_finance), 404, "kezek/unknown")


@pytest.mark.parametrize("act", ["", " ", "a\u0007", "<b>", "x\n"])
def test_an_act_is_named_in_words(town, finance, act):
    no(town.put(BUDGET, {**ALLOTMENT, "act": act}, token=finance), 400, "kezek/bad-field")


@pytest.mark.parametrize(
    ("path", "directions"),
    [
        (SPORT.removesuffix("/sport"), ["sport", "creative", "education"]),
        (SPORT.replace("sport", "chess"), ["sport", "creative", "education"]),
        (BUDGET + "/sport", [""]),
    ],
)
def test_a_budget_of_no_known_direction_is_refused_with_those_there_are(town, path, directions):
    token = town.token("finance", "finance-3", areas=["*"], directions=["*"])

    said = town.put(path, ALLOTMENT, token=token)

    no(said, 400, "budgets/no-direction")
    assert said.json["directions"] == directions


def test_an_officer_without_a_direction_sets_none(town):
    token = town.token("finance", "finance-4", areas=["karaganda"])

    no(town.put(SPORT, ALLOTMENT, token=token), 404, "kezek/unknown")


def test_everybody_sees_what_is_allotted_held_spent_and_left(town, sport_finance):
    town.put(SPORT, ALLOTMENT, token=sport_finance)
    reserved()

    said = town.get("/v1/budgets/clubs/karaganda/2026/figures")

    assert said.json["budgets"] == [
        {
            "direction": "sport",
            "allotted_tiyn": tenge(10_000_000),
            "moved_tiyn": 0,
            "committed_tiyn": tenge(54_000),
            "spent_tiyn": 0,
            "left_tiyn": tenge(10_000_000 - 54_000),
        }
    ]


def test_money_that_followed_a_child_is_neither_spent_nor_lost(town, sport_finance):
    creative = SPORT.replace("sport", "creative")
    other = town.token("finance", "finance-5", areas=["karaganda"], directions=["creative"])
    town.put(SPORT, {**ALLOTMENT, "amount_tiyn": tenge(54_000)}, token=sport_finance)
    town.put(creative, {**ALLOTMENT, "amount_tiyn": 0}, token=other)
    held = reserved()

    commit(actions.moving("move#v1#1", held, "creative", at="2026-09-11T04:00:00.000000Z"))

    figures = town.get("/v1/budgets/clubs/karaganda/2026/figures").json["budgets"]
    told = {f.pop("direction"): f for f in figures}
    nothing = {"spent_tiyn": 0, "left_tiyn": 0}
    sum_ = tenge(54_000)
    assert told == {
        "sport": {"allotted_tiyn": sum_, "moved_tiyn": -sum_, "committed_tiyn": 0, **nothing},
        "creative": {"allotted_tiyn": 0, "moved_tiyn": sum_, "committed_tiyn": sum_, **nothing},
    }
    assert town.get(creative, token=other).json["moved_tiyn"] == sum_


def test_a_budget_is_not_cut_below_what_is_held_for_vouchers(town, sport_finance):
    town.put(SPORT, ALLOTMENT, token=sport_finance)
    reserved()

    below = {"amount_tiyn": tenge(53_999), "act": "№ 13"}
    short = town.put(SPORT, below, token=sport_finance, headers={"accept-language": "ru"})
    no(short, 409, "budgets/short")
    assert short.json["title"] == "Бюджета karaganda (Спорт) на 2026 год не хватает"
    assert short.json["direction"] == "sport"
    to_the_tiyn = {"amount_tiyn": tenge(54_000), "act": "№ 14"}
    assert town.put(SPORT, to_the_tiyn, token=sport_finance).json["left_tiyn"] == 0


def test_a_direction_that_no_key_can_hold_is_refused_at_the_door(town, sport_finance):
    no(town.get(SPORT.replace("sport", "%00"), token=sport_finance), 400, "kezek/bad-field")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("kk", "taldykorgan бойынша 2026 жылғы бюджет жетпейді."),
        ("ru", "Бюджета taldykorgan на 2026 год не хватает."),
        ("en", "The 2026 budget of taldykorgan does not cover this."),
    ],
)
def test_a_short_budget_of_a_whole_area_names_no_direction(language, said):
    short = actions.short("preschool", "taldykorgan", 2026, "")

    assert text(short.code, language, short.facts).startswith(said)
    assert "direction" not in short.facts


# --- settling -----------------------------------------------------------------------------------


def settle(day):
    now = datetime.fromisoformat(f"{day}T04:00:00+00:00")
    return actions.settle_month("clubs", "karaganda", OCTOBER, by=system("billing"), now=now)


def test_what_a_month_did_not_use_goes_back_once_its_time_has_come(town, sport_finance):
    town.put(SPORT, ALLOTMENT, token=sport_finance)
    reserved()

    early = [settle(day) for day in ("2026-10-31", "2026-11-30")]
    settled = [settle("2027-01-01"), settle("2027-01-01"), settle("2027-01-02")]

    assert early == [0, 0]
    assert settled == [tenge(18_000), 0, 0]
    assert town.get(SPORT, token=sport_finance).json["left_tiyn"] == tenge(10_000_000 - 36_000)


def test_a_reversal_after_settling_goes_back_on_a_later_day(town, sport_finance):
    town.put(SPORT, ALLOTMENT, token=sport_finance)
    reserved()
    settle("2027-01-01")
    movements, otherwise = actions.using("clubs", "karaganda", OCTOBER, "sport", -tenge(1_500))
    treasury = (ledger.treasury("clubs", "karaganda", 2026, "sport"), -tenge(1_500))
    posting = ledger.posting("statement#x", (*movements, treasury), at="2027-01-01T05:00:00Z")
    commit(books.book(posting, otherwise=otherwise))

    assert settle("2027-01-02") == tenge(1_500)
