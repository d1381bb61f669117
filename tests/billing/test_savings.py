"""What was not paid, and why: the formula holds on every drawn month, and nothing counts twice."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing import actions
from chalicelib.billing.actions.saving import BadPeriod
from chalicelib.billing.rules import savings as rules
from chalicelib.billing.rules.pricing import Line
from chalicelib.billing.rules.savings import TakenBack, savings_of, taken_back
from chalicelib.billing.rules.statements import (
    SiteMonth,
    StatedLine,
    Statement,
    plan_statement,
    posted_lines,
)
from chalicelib.budgets import actions as budgets
from chalicelib.edge import texts
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.kernel.money import tenge
from chalicelib.kernel.periods import Month

from .builders import OCTOBER, TALDYKORGAN, a_child, a_month, a_site_on_the_list

JOB = system("billing")
FINANCE = Actor("finance-1", frozenset({Role.FINANCE}), areas=frozenset({"taldykorgan"}))
NOW = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 13, 4, 0, tzinfo=UTC)
ASKED = {
    "programme": "preschool",
    "area": "taldykorgan",
    "first": "2026-10",
    "last": "2026-10",
}
URL = "/v1/billing/savings"


def a_line(child_id: str = "child-aaaa", accrual: int = 0, **withheld: int) -> Line:
    return Line(
        child_id=child_id,
        attended=0,
        payable={"P": 1} if accrual else {},
        unpaid=dict.fromkeys(withheld, 1),
        withheld_tiyn=dict(withheld),
        accrual_tiyn=accrual,
        pack="pack@1",
    )


def statements(*stages: dict[str, Line]) -> list[Statement]:
    """Return the statements that follow when a month is due this, then that."""
    found: list[Statement] = []
    for stage in stages:
        stated = plan_statement(posted_lines(found), stage, first=not found, pack="pack@1")
        if stated:
            found.append(_statement(len(found) + 1, stated))
    return found


def _statement(number: int, stated: tuple[StatedLine, ...]) -> Statement:
    return Statement(
        number=number,
        site_id="site-aaaa",
        organisation_id="org-aaaa",
        programme="preschool",
        area="taldykorgan",
        month="2026-10",
        at="2026-11-11T01:00:00.000000Z",
        cause=stated[0].cause,
        movement_tiyn=sum(one.movement_tiyn for one in stated),
        pack="pack@1",
        lines=stated,
    )


def one(accrual: int, **withheld: int) -> dict[str, Line]:
    return {"child-aaaa": a_line(accrual=accrual, **withheld)}


# --- taken back ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stages", "reversed_", "beyond"),
    [
        # Nothing was posted before: nothing is taken back.
        ([one(900, N=100)], {}, {}),
        # A day was contested and lost: it stands among the blocked, once.
        ([one(1000), one(900, N=100)], {"late-record": 100}, {}),
        # It came back: nothing is taken back any more.
        ([one(1000), one(900, N=100), one(1000)], {}, {}),
        # Half of it came back.
        ([one(1000), one(800, N=200), one(900, N=100)], {"late-record": 100}, {}),
        # The rate was lowered: what was taken back is on no list.
        ([one(1000), one(800)], {"other-provider": 200}, {"other-provider": 200}),
        # The child was never there.
        ([one(1000), {}], {"enrolment": 1000}, {"enrolment": 1000}),
        # More came first: what is due grew, then fell below the first statement.
        ([one(500, N=500), one(1000), one(300, N=700)], {"late-record": 700}, {}),
        # What is on the list is given again first.
        (
            [one(1000), one(700, N=100), one(850, N=100)],
            {"late-record": 150},
            {"late-record": 150},
        ),
    ],
)
def test_what_was_taken_back_and_not_given_again(stages, reversed_, beyond):
    assert taken_back(statements(*stages)) == TakenBack(reversed_, beyond)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["child-a", "child-b"]),
            st.tuples(st.integers(0, 20), st.integers(0, 20)),
        ),
        max_size=6,
    )
)
def test_what_stands_as_taken_back_is_what_lies_below_the_highest_that_was_posted(stages):
    drawn = [
        {c: a_line(c, accrual * 100, N=rest * 100) for c, (accrual, rest) in stage.items()}
        for stage in stages
    ]
    posted = statements(*drawn)

    found = taken_back(posted)

    highest: dict[str, int] = {}
    now: dict[str, int] = {}
    for statement in posted:
        for stated in statement.lines:
            child_id = stated.line.child_id
            now[child_id] = stated.line.accrual_tiyn
            highest[child_id] = max(highest.get(child_id, 0), now[child_id])
    assert sum(found.reversed_tiyn.values()) == sum(highest[c] - now[c] for c in now)
    assert all(
        0 <= found.beyond_list_tiyn[c] <= found.reversed_tiyn[c] for c in found.beyond_list_tiyn
    )


# --- a month ------------------------------------------------------------------------------------


def a_head(
    site_id: str, children: int, due: int, direction: str = "", **withheld: int
) -> SiteMonth:
    return SiteMonth(
        site_id=site_id,
        organisation_id=f"org-{site_id}",
        programme="preschool",
        area="taldykorgan",
        month="2026-10",
        statements=1,
        children=children,
        child_days=children * 20,
        due_tiyn=due,
        withheld_tiyn=dict(withheld),
        direction=direction,
    )


def test_what_waits_is_held_and_not_saved():
    (found,) = savings_of([a_head("s1", 9, 1000, N=100, undecided=40, disputed=2)], {})

    assert found.blocked_tiyn == {"N": 100}
    assert found.held_tiyn == {"disputed": 2, "undecided": 40}
    assert found.saved_tiyn == 100
    assert found.list_based_tiyn - found.due_tiyn == 142


def test_only_what_is_on_no_list_is_added_to_what_was_blocked():
    back = {"s1": TakenBack({"decision": 70, "enrolment": 30}, {"enrolment": 30})}

    (found,) = savings_of([a_head("s1", 9, 1000, N=100)], back)

    assert found.reversed_tiyn == {"decision": 70, "enrolment": 30}
    assert found.saved_tiyn == 130


def test_b15_providers_that_stand_in_no_public_row_are_in_no_sum():
    heads = [a_head("s1", 3, 1000, N=100)]

    assert savings_of(heads, {"s1": TakenBack({"decision": 5}, {})}) == ()


def test_b15_the_sums_are_those_of_the_public_rows():
    from chalicelib.billing.rules.figures import public

    heads = [a_head(f"s{n}", n, n * 1000, N=n) for n in range(1, 9)]

    (found,) = savings_of(heads, {})

    rows = public(heads)
    assert found.children == sum(row.children for row in rows)
    assert found.due_tiyn == sum(row.due_tiyn for row in rows)
    assert found.saved_tiyn == sum(sum(row.savings_tiyn.values()) for row in rows)


def test_directions_stand_apart_and_together_they_are_their_sum():
    heads = [
        a_head("s1", 9, 1000, "sport", N=10),
        a_head("s2", 9, 500, "creative", N=5, doubled=2),
    ]

    found = savings_of(heads, {})
    total = rules.together(found)

    assert [(f.direction, f.saved_tiyn) for f in found] == [("creative", 5), ("sport", 10)]
    assert (total.saved_tiyn, total.due_tiyn, total.list_based_tiyn) == (15, 1500, 1517)
    assert total.held_tiyn == {"doubled": 2}


# --- reckoned and shown -------------------------------------------------------------------------


@pytest.fixture
def town(cloud):
    cloud.set_clock(NOW)
    a_site_on_the_list("site-aaaa")
    budgets.allot(
        programme="preschool",
        area="taldykorgan",
        year=2026,
        amount_tiyn=tenge(10_000_000),
        act="act-1",
        by=FINANCE,
        now=NOW,
    )
    return cloud


def billed(codes: str = "P" * 21, now: datetime = NOW, *, count: int = 6):
    provided = a_month(*(a_child(f"child-{n}aaa", codes) for n in range(count)))
    return actions.bill("site-aaaa", OCTOBER, by=JOB, now=now, gather=lambda *_: provided)


def reckon(now: datetime = NOW) -> bool:
    return actions.reckon_savings(*TALDYKORGAN, OCTOBER, by=JOB, now=now)


def test_a_period_is_shown_with_its_formula_to_everybody(town):
    billed("P" * 20 + "N")
    assert reckon()

    said = town.get(URL, query=ASKED, headers={"Accept-Language": "en"})

    assert said.status == 200, said.text
    shown = said.json
    month = shown["months"][0]["savings"][0]
    assert month["list_based_tiyn"] == 6 * tenge(65_000)
    assert month["saved_tiyn"] == month["list_based_tiyn"] - month["due_tiyn"]
    assert month["blocked_tiyn"] == {"N": month["saved_tiyn"]}
    assert shown["total"] == {**month, "direction": ""}
    assert shown["formula"].startswith("By list = sum of the full monthly rate")
    assert shown["words"] == {"N": "No reason, not paid"}
    assert shown["missing"] == []


def test_what_was_posted_and_taken_back_is_told_by_its_cause(town):
    billed()
    billed("P" * 20 + "N", LATER)
    reckon(LATER)

    total = town.get(URL, query=ASKED).json["total"]

    assert total["reversed_tiyn"] == {"late-record": total["saved_tiyn"]}
    assert total["beyond_list_tiyn"] == {}
    assert total["saved_tiyn"] > 0


def test_a_month_that_stands_is_written_once(town):
    billed()

    assert [reckon(), reckon(LATER)] == [True, False]


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_c5_every_reason_and_cause_has_words(town, language):
    billed("P" * 20 + "N")
    billed("P" * 19 + "NN", LATER)
    reckon(LATER)

    shown = town.get(URL, query=ASKED, headers={"Accept-Language": language}).json

    reasons = {*shown["total"]["blocked_tiyn"], *shown["total"]["reversed_tiyn"]}
    assert set(shown["words"]) == reasons
    assert not any(":" in words for words in shown["words"].values())
    assert not shown["formula"].startswith("formula:")


def test_a_month_nobody_reckoned_is_said_to_be_missing(town):
    shown = town.get(URL, query={**ASKED, "first": "2026-08"}).json

    assert shown["missing"] == ["2026-08", "2026-09", "2026-10"]
    assert shown["total"]["saved_tiyn"] == 0


def test_a_period_as_a_table(town):
    billed("P" * 20 + "N")
    reckon()

    said = town.get(URL, query={**ASKED, "format": "csv"})

    lines = said.text.lstrip("\ufeff").splitlines()
    assert lines[0] == "month,direction,sum,reason,tiyn"
    assert "2026-10,,list_based,,39000000" in lines
    assert any(line.startswith("2026-10,,blocked,N,") for line in lines)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"first": "2026-11"}, 400, "billing/bad-period"),
        ({"first": "2024-10"}, 400, "billing/bad-period"),
        ({"first": "2026-13"}, 400, "kernel/bad-month"),
        ({"last": "october"}, 400, "kezek/bad-field"),
        ({"area": "nowhere"}, 404, "policy/no-pack"),
        ({"first": "2020-01", "last": "2020-02"}, 409, "policy/no-rule-in-force"),
    ],
)
def test_a_period_that_cannot_be_shown_is_refused(town, change, status, code):
    said = town.get(URL, query={**ASKED, **change})

    assert (said.status, said.code) == (status, code), said.text


def test_a_bad_period_says_the_limit():
    with pytest.raises(BadPeriod) as refused:
        actions.see_savings(*TALDYKORGAN, Month(2026, 10), Month(2026, 9))

    assert refused.value.facts["months_max"] == 24
