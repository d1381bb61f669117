"""Statements as rules: what is stated, why, and by which acts; no store."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from chalicelib.billing.rules.pricing import Line, PricedBy
from chalicelib.billing.rules.replay import (
    MonthReplayed,
    Replayed,
    as_worded,
    differing,
    digest_of,
    late_lines,
)
from chalicelib.billing.rules.statements import (
    Because,
    SiteMonth,
    StatedLine,
    Statement,
    Waiting,
    acts_of_rates,
    cause_of,
    not_to_be_paid,
    plan_statement,
    posted_lines,
    stated_at,
    statement_of,
    why_not_paid,
)

OLD = PricedBy("general/10.5/urban", date(2025, 1, 1), "policy", 20, 6_190_500)
NEW = PricedBy("general/10.5/urban", date(2026, 1, 1), "act-77", 20, 6_666_700)
HEAD = SiteMonth(
    site_id="site-aaaa", organisation_id="org", programme="p", area="a", month="2026-10"
)


def a_line(child: str = "child-aaaa", tiyn: int = 6_190_500, **other: object) -> Line:
    usual = Line(
        child_id=child,
        attended=20,
        payable={"P": 20},
        unpaid={"N": 1},
        withheld_tiyn={"N": 309_500},
        accrual_tiyn=tiyn,
        pack="p@1",
        rates=(replace(OLD, tiyn=tiyn),),
    )
    return replace(usual, **other)


def planned(old: dict[str, Line], new: dict[str, Line], *, first: bool = False):
    return plan_statement(old, new, first=first, pack="p@1")


# --- what is stated -------------------------------------------------------------------------------


def test_the_first_statement_states_all_zeros_too_in_order_of_child():
    lines = {c: a_line(c, n) for c, n in (("child-b", 0), ("child-a", 5))}
    many = {f"child-{n}": a_line(f"child-{n}") for n in reversed(range(9))}
    assert [s.line.child_id for s in planned({}, many, first=True)] == sorted(many)

    stated = planned({}, lines, first=True)

    assert [s.line.child_id for s in stated] == ["child-a", "child-b"]
    assert [s.parents_before_tiyn for s in stated] == [0, 0]
    assert [(s.before_tiyn, s.movement_tiyn, s.cause) for s in stated] == [
        (0, 5, "month"),
        (0, 0, "month"),
    ]


def test_a_later_one_states_only_what_changed_in_money():
    old = {"child-a": a_line("child-a"), "child-b": a_line("child-b")}
    new = {
        "child-a": replace(old["child-a"], unpaid={"F": 1}),
        "child-b": replace(old["child-b"], accrual_tiyn=1),
    }

    (stated,) = planned(old, new)

    assert (stated.line.child_id, stated.before_tiyn) == ("child-b", 6_190_500)
    assert stated.movement_tiyn == 1 - 6_190_500


def test_a_family_s_share_alone_is_stated_too():
    old = {"child-a": a_line("child-a", parents_tiyn=100)}

    (stated,) = planned(old, {"child-a": a_line("child-a", parents_tiyn=300)})

    assert (stated.movement_tiyn, stated.parents_movement_tiyn) == (0, 200)
    assert stated.parents_before_tiyn == 100


def test_a_child_who_is_gone_goes_back_to_zero_and_says_why():
    (stated,) = planned({"child-a": a_line("child-a")}, {})

    assert (stated.line.accrual_tiyn, stated.movement_tiyn) == (0, -6_190_500)
    assert stated.line.attended == 0
    assert stated.line.pack == "p@1"
    assert stated.cause == "enrolment"
    assert planned({}, {}) == ()
    assert planned({"child-a": stated.line}, {}) == ()


def test_each_child_s_newest_line_counts_whatever_order_statements_come_in():
    first = a_statement(1, a_stated(a_line("child-a", 1)), a_stated(a_line("child-b", 2)))
    second = a_statement(2, a_stated(a_line("child-a", 3)))

    for order in ([first, second], [second, first]):
        assert {c: x.accrual_tiyn for c, x in posted_lines(order).items()} == {
            "child-a": 3,
            "child-b": 2,
        }
        assert stated_at(order) == {"child-a": "t2", "child-b": "t1"}


def a_stated(line: Line, before: int = 0, cause="month", **other: object) -> StatedLine:
    return StatedLine(line=line, before_tiyn=before, cause=cause, **other)


def a_statement(number: int, *stated: StatedLine) -> Statement:
    return statement_of(HEAD, stated, number=number, at=f"t{number}", pack="p@1")


def test_a_statement_sums_its_lines_and_is_named_after_most_that_move_money():
    statement = a_statement(
        2,
        a_stated(a_line("child-a", 10), 4, "decision", parents_before_tiyn=0),
        a_stated(a_line("child-b", 1), 2, "late-record"),
        a_stated(a_line("child-c", 5, parents_tiyn=7), 9, "late-record"),
        a_stated(a_line("child-d", 5), 5, "rule-change"),
        a_stated(a_line("child-e", 5), 5, "rule-change"),
        a_stated(a_line("child-f", 5), 5, "rule-change"),
    )

    assert statement.movement_tiyn == 6 - 1 - 4
    assert statement.parents_movement_tiyn == 7
    assert statement.cause == "late-record"
    assert (statement.number, statement.at, statement.pack) == (2, "t2", "p@1")
    assert (statement.site_id, statement.organisation_id) == ("site-aaaa", "org")
    assert statement.posting == "statement#site-aaaa#2026-10#0002"


def test_of_equally_many_causes_the_first_in_order_names_it_and_zeros_name_their_own():
    both = [a_stated(a_line("a", 1), 0, "late-record"), a_stated(a_line("b", 1), 0, "decision")]

    assert a_statement(2, *both).cause == "decision"
    assert a_statement(2, *reversed(both)).cause == "decision"
    assert a_statement(1, a_stated(a_line("a", 0))).cause == "month"


# --- why ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        ({"unpaid": {"doubled": 1}}, {"unpaid": {}}, "doubled-day"),
        ({"unpaid": {}}, {"unpaid": {"doubled": 1}}, "doubled-day"),
        ({"unpaid": {"suspect": 2}}, {"unpaid": {"suspect": 1}}, "suspect-tablet"),
        ({"unpaid": {}}, {"unpaid": {"suspect": 1}}, "suspect-tablet"),
        ({"unpaid": {"suspect": 1}}, {"unpaid": {}}, "suspect-tablet"),
        ({"unpaid": {"undecided": 2}}, {"unpaid": {"undecided": 1}}, "late-confirmation"),
        ({"unpaid": {"disputed": 1}}, {"unpaid": {}}, "decision"),
        ({"unpaid": {"X": 1}}, {"unpaid": {}}, "enrolment"),
        ({"unpaid": {}}, {"unpaid": {"X": 1}}, "enrolment"),
        ({"unpaid": {"undecided": 1}}, {"unpaid": {}}, "late-confirmation"),
        ({"unpaid": {}}, {"unpaid": {"undecided": 1}}, "decision"),
        ({"unpaid": {"disputed": 1}}, {"unpaid": {"N": 1}}, "decision"),
        ({}, {"pack": "p@2"}, "rule-change"),
        ({}, {"rates": (NEW,)}, "rule-change"),
        ({}, {"fees": (NEW,)}, "rule-change"),
        ({}, {}, "other-provider"),
        ({"unpaid": {"X": 2}}, {"unpaid": {"X": 5}}, "enrolment"),
        ({"unpaid": {"N": 2}}, {"unpaid": {"N": 1}, "payable": {"P": 21}}, "late-record"),
        ({}, {"payable": {}, "unpaid": {}}, "enrolment"),
        ({}, {"payable": {}}, "late-record"),
    ],
)
def test_a_line_says_the_first_of_a_fixed_order_of_reasons(before, after, cause):
    assert cause_of(a_line(**before), a_line(**after)) == cause


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        # The same units, more of them above the month's cap: another site used more of it.
        (
            ({"P": 12}, {"N": 1}, 0),
            ({"P": 10}, {"N": 1, "over-month-cap": 2}, 90),
            "other-provider",
        ),
        (({"P": 12}, {}, 10), ({"P": 12}, {"over-month-cap": 0}, 90), "other-provider"),
        (({"P": 12}, {}, None), ({"P": 12}, {"over-month-cap": 0}, 1), "other-provider"),
        # Another unit, or another finding, is a record that came late.
        (({"P": 12}, {}, 0), ({"P": 12}, {"over-month-cap": 1}, 90), "late-record"),
        (({"P": 12}, {"N": 1}, 0), ({"P": 12}, {"N": 2}, 90), "late-record"),
        # Nothing lies above the cap but what lay there: the units themselves changed.
        (({"P": 12}, {"over-month-cap": 1}, 9), ({"P": 13}, {}, 9), "late-record"),
    ],
)
def test_what_another_site_uses_of_the_cap_is_told_from_what_was_recorded(before, after, cause):
    def line(said) -> Line:
        payable, unpaid, cut = said
        withheld = {} if cut is None else {"over-month-cap": cut}
        return a_line(payable=payable, unpaid=unpaid, withheld_tiyn=withheld)

    assert cause_of(line(before), line(after)) == cause


def test_a_child_that_was_not_stated_is_a_late_record():
    assert cause_of(None, a_line()) == "late-record"


def test_lines_from_before_rows_were_named_are_not_repriced_by_that_alone():
    assert cause_of(a_line(rates=()), a_line()) == "other-provider"


def test_a_doubled_day_comes_before_a_suspect_one_and_that_before_silence():
    old = a_line(unpaid={"doubled": 1, "suspect": 1, "undecided": 1})

    assert cause_of(old, a_line(unpaid={})) == "doubled-day"
    assert cause_of(old, a_line(unpaid={"doubled": 1})) == "suspect-tablet"
    assert cause_of(old, a_line(unpaid={"doubled": 1, "suspect": 1})) == "late-confirmation"


# --- acts of rates --------------------------------------------------------------------------------


def test_a_row_that_was_not_there_before_is_named_by_its_act():
    (found,) = acts_of_rates(
        a_line(), a_line(rates=(OLD, NEW)), numbers={"act-77": "77", "policy": "-"}
    )

    assert found == Because(
        act="rate-act", ref="act-77", on="general/10.5/urban 2026-01-01", said="77"
    )


def test_a_row_is_named_once_however_many_units_it_prices():
    again = replace(NEW, units=1, tiyn=1)

    assert len(acts_of_rates(a_line(), a_line(rates=(NEW, again)), numbers={})) == 1
    assert acts_of_rates(a_line(), a_line(rates=(replace(OLD, units=3),)), numbers={}) == []


def test_a_fee_s_act_is_named_even_where_there_was_no_fee_before():
    (found,) = acts_of_rates(a_line(), a_line(fees=(NEW,)), numbers={})

    assert (found.act, found.ref, found.said) == ("fee-act", "act-77", "")


def test_who_was_not_stated_or_said_no_rows_tells_nothing_of_old_ones():
    assert acts_of_rates(None, a_line(rates=(NEW,)), numbers={}) == []
    assert acts_of_rates(a_line(rates=()), a_line(rates=(NEW,)), numbers={}) == []


# --- why not paid ---------------------------------------------------------------------------------


def test_what_is_held_waits_and_what_is_refused_does_not():
    head = replace(
        HEAD,
        statements=1,
        unpaid={"N": 1, "suspect": 2, "disputed": 3, "over-cap": 1},
        withheld_tiyn={"N": 10, "suspect": 20, "disputed": 30, "over-month-cap": 5},
    )

    assert why_not_paid(head) == (Waiting("disputed", 3, 30), Waiting("suspect", 2, 20))
    assert not_to_be_paid(head) == (
        Waiting("N", 1, 10),
        Waiting("over-cap", 1, 0),
        Waiting("over-month-cap", 0, 5),
    )


def test_a_month_that_was_never_billed_says_only_that():
    assert why_not_paid(None) == why_not_paid(HEAD) == (Waiting("not-billed-yet"),)
    assert not_to_be_paid(None) == ()


def test_an_open_month_and_a_short_budget_stand_before_and_after_the_rest():
    head = replace(
        HEAD,
        held="budgets/short",
        closed=False,
        due_tiyn=70,
        posted_tiyn=50,
        unpaid={"undecided": 1, "suspect": 0, "disputed": 1, "N": 1},
    )

    assert why_not_paid(head) == (
        Waiting("not-closed"),
        Waiting("disputed", 1, 0),
        Waiting("undecided", 1, 0),
        Waiting("budgets/short", 0, 20),
    )
    assert why_not_paid(replace(head, due_tiyn=10))[-1] == Waiting("budgets/short", 0, 0)


# --- replays --------------------------------------------------------------------------------------


def test_two_statements_differ_by_the_children_whose_lines_do():
    posted = a_statement(1, *(a_stated(a_line(c, 5)) for c in ("child-a", "child-b", "child-c")))
    again = a_statement(1, *(a_stated(a_line(c, 5)) for c in ("child-b", "child-d")))
    act = Because(act="decision", ref="x")

    found = differing(posted, again, {"child-d": (act,)})

    assert [(d.child_id, d.posted_tiyn, d.due_tiyn, d.cause) for d in found] == [
        ("child-a", 5, None, "month"),
        ("child-c", 5, None, "month"),
        ("child-d", None, 5, "month"),
    ]
    assert [d.because for d in found] == [(), (), (act,)]
    assert differing(posted, posted, {}) == ()


def test_a_month_is_the_same_when_every_statement_is():
    same = Replayed(
        number=1, at="t", pack="p", own_rules=True, posted=digest_of(b"a"), replayed=digest_of(b"a")
    )
    other = replace(same, number=2, replayed=digest_of(b"b"))

    def month(*statements: Replayed) -> MonthReplayed:
        return MonthReplayed(site_id="s", month="m", statements=statements, since=(), unwitnessed=0)

    assert same.same
    assert not other.same
    assert month(same).same
    assert not month(same, other).same


def test_late_lines_say_what_was_posted_and_what_is_due():
    new, old = a_stated(a_line("child-a", 9), 4, "decision"), a_stated(a_line("child-b", 3))

    found = late_lines({"child-a": a_line("child-a", 4)}, [new, old])

    assert [(d.child_id, d.posted_tiyn, d.due_tiyn, d.cause) for d in found] == [
        ("child-a", 4, 9, "decision"),
        ("child-b", None, 3, "month"),
    ]


def test_an_old_statement_is_compared_in_its_own_words_and_a_new_one_in_all():
    because = (Because(act="decision", ref="x"),)
    new = a_statement(
        1, a_stated(a_line(parents_tiyn=5, fees=(NEW,)), because=because, parents_before_tiyn=2)
    )
    old = a_statement(1, a_stated(a_line(rates=())))

    assert as_worded(new, old) == old
    assert as_worded(new, new) == new
    # A child who is gone has a line without rows in a new statement too.
    gone = a_statement(1, *new.lines, a_stated(a_line("child-z", 0, rates=())))
    assert as_worded(gone, gone) == gone
