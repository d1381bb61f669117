"""Billing a provider-month on real tables."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from chalicelib.billing import actions
from chalicelib.billing.rules import figures
from chalicelib.billing.rules.statements import MonthNotOver, why_not_paid
from chalicelib.billing.store import statements as store
from chalicelib.budgets import actions as budgets
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.rules.ledger import BudgetShort
from chalicelib.budgets.store import ledger as books
from chalicelib.journal import actions as journal
from chalicelib.journal import store as entries
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.kernel.money import tenge
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.storage.outbox import WORK
from infra.local import faults

from .builders import OCTOBER, a_child, a_month, a_stay

NOW = datetime(2026, 11, 11, 3, 0, tzinfo=UTC)
JOB = system("billing")
FINANCE = Actor("finance-1", frozenset({Role.FINANCE}), areas=frozenset({"taldykorgan"}))
BUDGET = ledger.budget("preschool", "taldykorgan", 2026)


@pytest.fixture(autouse=True)
def _tables(tables):
    return tables


def allot(tenge_left: int = 10_000_000, act: str = "act-1"):
    return budgets.allot(
        programme="preschool",
        area="taldykorgan",
        year=2026,
        amount_tiyn=tenge(tenge_left),
        act=act,
        by=FINANCE,
        now=NOW,
    )


def bill(provided, *, now=NOW):
    return actions.bill(
        provided.site_id, provided.month, by=JOB, now=now, gather=lambda *_: provided
    )


def posted(provided) -> list:
    return store.load_site_month(provided.site_id, provided.month)[1]


def balance(account: str) -> int:
    return books.balances([account])[account]


def accrued(provided) -> int:
    return balance(ledger.accrued(provided.site_id, provided.month))


def the_month():
    return a_month(
        a_child("child-aaaa", "P" * 15 + "SSSFFN"),
        a_child("child-bbbb", "P" * 21),
        a_child("child-cccc", "PPPP", stays=(a_stay(last=date(2026, 10, 6)),)),
        a_child("child-dddd", "P" * 10 + "FFFFF" + "N" * 6),
    )


def test_a_month_is_posted_and_booked_to_the_tenge():
    allot()

    billed = bill(the_month())

    assert billed.statement.movement_tiyn == tenge(179_524)
    assert billed.statement.cause == "month"
    assert accrued(the_month()) == tenge(179_524)
    assert balance(BUDGET) == tenge(10_000_000 - 179_524)
    assert [len(s.lines) for s in posted(the_month())] == [4]


def test_a_repeated_run_posts_nothing_and_writes_nothing(tables):
    allot()
    bill(the_month())
    before = tables.dump()

    again = bill(the_month())

    assert again.statement is None
    assert tables.dump() == before


def test_a_late_approval_gives_a_dated_correction_with_its_cause():
    allot()
    waiting = a_month(a_child(codes="P" * 21, standings={20: "undecided"}))
    bill(waiting)

    later = bill(a_month(a_child(codes="P" * 21)), now=NOW.replace(day=16))

    assert later.statement.number == 2
    assert later.statement.cause == "late-confirmation"
    assert later.statement.movement_tiyn == tenge(65_000 - 61_905)
    assert accrued(waiting) == tenge(65_000)


def test_a_month_that_is_running_is_not_billed():
    with pytest.raises(MonthNotOver):
        bill(the_month(), now=datetime(2026, 10, 31, 18, 0, tzinfo=UTC))


def test_the_month_is_over_at_midnight_in_kazakhstan():
    allot()

    assert bill(the_month(), now=datetime(2026, 10, 31, 19, 0, tzinfo=UTC)).statement


def test_nobody_enrolled_and_nothing_posted_leaves_no_trace(tables):
    before = tables.dump()

    assert bill(a_month()).statement is None
    assert tables.dump() == before


def test_without_a_budget_the_month_is_held_and_says_so_then_goes_on_by_itself():
    billed = bill(the_month())

    assert billed.held == "budgets/short"
    head, statements = store.load_site_month("site-aaaa", OCTOBER)
    assert statements == []
    assert [w.reason for w in why_not_paid(head.value)] == ["budgets/short"]

    allot()
    assert bill(the_month()).statement.movement_tiyn == tenge(179_524)
    head, _ = store.load_site_month("site-aaaa", OCTOBER)
    assert head.value.held is None


def test_a3_the_budget_never_goes_below_zero():
    allot(tenge_left=179_523)

    assert bill(the_month()).held == "budgets/short"
    assert balance(BUDGET) == tenge(179_523)


def test_less_is_taken_from_what_is_accrued_and_the_rest_is_recoverable():
    allot()
    full = a_month(a_child(codes="P" * 21))
    bill(full)
    month_account = ledger.accrued("site-aaaa", OCTOBER)
    to_payable = ledger.transfer(
        "agreed#x",
        tenge(50_000),
        source=month_account,
        target=ledger.payable("org-site-aaaa"),
        at="2026-11-12T00:00:00.000000Z",
    )
    entries.commit(
        entries.entry("test/agreed", "test/x", by=JOB, now=NOW),
        store.open_run(
            store.BillingRun(
                run_id="run-aaaa", programme="p", area="a", month="m", by="b", at="t", asked="x"
            )
        ),
        *books.book(to_payable),
    )

    corrected = bill(a_month(a_child(codes="N" * 21)))

    assert corrected.statement.movement_tiyn == -tenge(65_000)
    assert accrued(full) == 0
    assert balance(ledger.recoverable("site-aaaa", OCTOBER)) == -tenge(50_000)
    assert balance(BUDGET) == tenge(10_000_000)
    # More money first fills what the provider owes for that month.
    bill(full)
    assert balance(ledger.recoverable("site-aaaa", OCTOBER)) == 0
    assert accrued(full) == tenge(15_000)


# --- several providers --------------------------------------------------------------------------


def moved():
    here = a_month(
        a_child(codes="P" * 12, stays=(a_stay(last=date(2026, 10, 16)),)), a_child("child-bbbb")
    )
    there = a_month(
        a_child(codes="P" * 9, start=12, stays=(a_stay(first=date(2026, 10, 17)),)),
        site_id="site-bbbb",
    )
    return here, there


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_child_that_moved_is_prorated_alike_whoever_bills_first(order):
    allot()
    months = moved()
    for n in order:
        bill(months[n])
    for month in months:  # the work that the second billing asked for
        bill(month)

    here, there = months
    assert accrued(here) + accrued(there) == tenge(65_000 + 65_000)
    assert accrued(here) == tenge(37_143 + 65_000)


def test_the_other_site_is_asked_to_bill_again():
    allot()
    here, there = moved()
    bill(here)

    bill(there)

    (work,) = [k.value for k in _work() if k.value.topic == "billing/bill"]
    assert work.facts == {"site_id": "site-aaaa", "month": "2026-10"}


def test_a_doubled_day_holds_both_until_one_is_decided():
    allot()
    here = a_month(a_child(codes="P" * 21))
    there = a_month(a_child(codes="P" * 21), site_id="site-bbbb")
    bill(here)
    assert accrued(here) == tenge(65_000)

    bill(there)
    corrected = bill(here)

    assert corrected.statement.cause == "doubled-day"
    assert (accrued(here), accrued(there)) == (0, 0)
    head, _ = store.load_site_month("site-bbbb", OCTOBER)
    assert [(w.reason, w.days) for w in why_not_paid(head.value)] == [("doubled", 21)]

    # The department decides that the child was not there.
    bill(a_month(a_child(codes="N" * 21), site_id="site-bbbb"))
    bill(here)
    assert accrued(here) == tenge(65_000)


def test_the_yearly_cap_reads_the_year_s_earlier_months():
    allot()
    from .builders import Month

    september = Month(2026, 9)
    bill(a_month(a_child(codes="V" * 22, month=september), month=september))

    billed = bill(a_month(a_child(codes="V" * 21)))

    assert billed.statement.lines[0].line.payable == {"V": 8}


# --- twice, at once, killed ---------------------------------------------------------------------


def test_two_billers_at_once_post_once():
    allot()
    barrier = threading.Barrier(2)
    came = threading.local()
    results = []

    def gather(*_):
        if not hasattr(came, "once"):
            came.once = True
            barrier.wait(timeout=5)
        return the_month()

    def run():
        results.append(actions.bill("site-aaaa", OCTOBER, by=JOB, now=NOW, gather=gather))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(r.statement is None for r in results) == [False, True]
    assert accrued(the_month()) == tenge(179_524)


def _whole_cycle():
    here, there = moved()
    both = a_month(a_child("child-bbbb", "P"), site_id="site-bbbb")
    there = replace(there, children=(*there.children, *both.children))
    return here, there


@pytest.mark.usefixtures("one_salt")
def test_a6_killed_at_any_call_and_run_again_the_ledger_is_the_same(tables):
    here, there = _whole_cycle()

    def clean():
        tables.wipe()
        allot()
        bill(here)

    clean()
    with faults.watch() as seen:
        bill(there)
    bill(here)
    expected = tables.dump()
    for number in range(1, len(seen.calls) + 1):
        for fault in (faults.crash(before=number), faults.crash(after=number)):
            clean()
            with fault, pytest.raises(faults.Crash):
                bill(there)
            bill(there)
            bill(here)
            assert tables.dump() == expected, number


@pytest.mark.parametrize("make", [faults.lost_answer, faults.conflict, faults.throttle])
def test_a_lost_answer_a_conflict_or_a_throttle_change_nothing(tables, make):
    here, there = _whole_cycle()
    allot()
    bill(here)
    with faults.watch() as seen:
        bill(there)
    bill(here)
    expected = (accrued(here), accrued(there), balance(BUDGET))
    for number in range(1, len(seen.calls) + 1):
        tables.wipe()
        allot()
        bill(here)
        try:
            with make(number):
                bill(there)
        except Exception:  # whatever is said, saying it again must do
            pass
        bill(there)
        bill(here)
        assert (accrued(here), accrued(there), balance(BUDGET)) == expected


def test_a16_the_ledger_is_rebuilt_from_the_journal_and_its_lines():
    allot()
    bill(the_month())

    assert list(journal.differences()) == []
    for account in (BUDGET, ledger.accrued("site-aaaa", OCTOBER)):
        before = balance(account)
        assert books.restore_balance(account) == before == balance(account)


# --- budgets ------------------------------------------------------------------------------------


def test_an_act_counts_once_and_a_second_act_changes_the_year():
    allot(1_000)
    again = allot(1_000)
    changed = allot(1_500, act="act-2")

    assert again.left_tiyn == tenge(1_000)
    assert changed.left_tiyn == tenge(1_500)
    assert balance(ledger.treasury("preschool", "taldykorgan", 2026)) == -tenge(1_500)


def test_an_act_cannot_say_two_sums():
    allot(1_000)

    with pytest.raises(AnotherContent):
        allot(2_000)


def test_a_budget_is_not_cut_below_what_was_spent():
    allot()
    bill(the_month())

    with pytest.raises(BudgetShort):
        allot(100_000, act="act-2")


def test_a_budget_of_another_area_is_unknown():
    with pytest.raises(Unknown):
        budgets.allot(
            programme="preschool",
            area="astana",
            year=2026,
            amount_tiyn=1,
            act="a",
            by=FINANCE,
            now=NOW,
        )


# --- the calendar -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "months"),
    [
        (10, []),
        (11, ["2026-10", "2026-09", "2026-08"]),
        (12, ["2026-10"]),
        (18, ["2026-10"]),
        (19, []),
    ],
)
def test_the_calendar_bills_from_the_first_check_day_to_payday(day, months):
    at = datetime(2026, 11, day, 3, 0, tzinfo=UTC)

    found = actions.months_to_bill(at)

    assert [str(m) for p, m in found if p.area == "taldykorgan"] == months


def test_figures_say_what_list_based_payment_would_have_cost():
    allot()
    bill(the_month())
    head, _ = store.load_site_month("site-aaaa", OCTOBER)

    figure = figures.figure_of(head.value)

    assert figure.list_based_tiyn == tenge(4 * 65_000)
    assert figure.child_days == 58
    assert figure.list_based_tiyn - figure.due_tiyn == sum(figure.savings_tiyn.values())


def test_providers_under_five_children_stand_together():
    def head(site_id: str, children: int):
        return replace(
            store.SiteMonth(
                site_id=site_id, organisation_id="o", programme="p", area="a", month="2026-10"
            ),
            children=children,
            child_days=children,
        )

    shown = figures.public([head("a", 3), head("b", 2), head("c", 9), head("d", 0)])
    assert [(f.site_id, f.children) for f in shown] == [("c", 9), (None, 5)]
    # One small provider alone would be revealed by the total, so a larger one joins it.
    shown = figures.public([head("a", 3), head("c", 9), head("e", 7)])
    assert [(f.site_id, f.children) for f in shown] == [("c", 9), (None, 10)]
    assert figures.public([head("a", 3)]) == ()


def _work():
    return [WORK.kept(row) for row in WORK.row.scan(consistent_read=True) if row.pk[:4] == "WORK"]
