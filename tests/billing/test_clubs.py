"""Billing clubs on real tables: whose money pays, and what two clubs of one child post."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from chalicelib.billing import actions
from chalicelib.billing.rules.judging import ChildMonth, ProviderMonth
from chalicelib.billing.rules.statements import not_to_be_paid, why_not_paid
from chalicelib.billing.store import statements as store
from chalicelib.budgets import actions as budgets
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.rules.ledger import BudgetShort
from chalicelib.budgets.rules.reserving import Reserve
from chalicelib.budgets.store import ledger as books
from chalicelib.journal import actions as journal
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.kernel.money import tenge
from chalicelib.kernel.periods import Month
from chalicelib.storage.commit import commit
from chalicelib.storage.outbox import WORK
from infra.local import faults

from .builders import OCTOBER
from .clubs import TWELVE, a_pupil, a_stay, lesson, lessons

KARAGANDA = ("clubs", "karaganda")
NOW = datetime(2026, 11, 11, 3, 0, tzinfo=UTC)
JOB = system("billing")
FINANCE = Actor(
    "finance-1",
    frozenset({Role.FINANCE}),
    areas=frozenset({"karaganda"}),
    directions=frozenset({"*"}),
)
SPORT_BUDGET = ledger.budget(*KARAGANDA, 2026, "sport")
SPORT_OCTOBER = ledger.committed(*KARAGANDA, OCTOBER, "sport")
CREATIVE_BUDGET = ledger.budget(*KARAGANDA, 2026, "creative")
MOST = tenge(21_600)


@pytest.fixture(autouse=True)
def _tables(tables):
    return tables


def allot(amount: int = 1_000_000, direction: str = "sport") -> None:
    budgets.allot(
        programme=KARAGANDA[0],
        area=KARAGANDA[1],
        year=2026,
        direction=direction,
        amount_tiyn=tenge(amount),
        act=f"act-{direction}-{amount}",
        by=FINANCE,
        now=NOW,
    )


def reserve(voucher_id: str, *, direction: str = "sport", month: Month = OCTOBER) -> None:
    """Hold a month's money, as issuing a voucher does."""
    held = Reserve(
        programme=KARAGANDA[0],
        area=KARAGANDA[1],
        direction=direction,
        month_tiyn=MOST,
        first=month,
        last=month,
    )
    commit(budgets.reserving(f"reserve#{voucher_id}", [held], at="2026-09-01T00:00:00.000000Z"))


def a_club(
    *children: ChildMonth, site_id: str = "club-aaaa", direction: str = "sport", **other: object
) -> ProviderMonth:
    usual = ProviderMonth(
        site_id=site_id,
        organisation_id=f"org-{site_id}",
        programme=KARAGANDA[0],
        area=KARAGANDA[1],
        month=OCTOBER,
        children=children or (a_pupil(),),
        direction=direction,
        form="private",
    )
    return replace(usual, **other)


def bill(provided: ProviderMonth, *, now: datetime = NOW):
    return actions.bill(
        provided.site_id, provided.month, by=JOB, now=now, gather=lambda *_: provided
    )


def balance(account: str) -> int:
    return books.balances([account])[account]


def accrued(provided: ProviderMonth) -> int:
    return balance(ledger.accrued(provided.site_id, provided.month))


# --- whose money --------------------------------------------------------------------------------


def test_a_statement_uses_what_was_reserved_and_leaves_the_budget_alone():
    allot()
    reserve("voucher-1")

    billed = bill(a_club())

    assert billed.statement.movement_tiyn == tenge(18_000)
    assert balance(SPORT_OCTOBER) == tenge(21_600 - 18_000)
    assert balance(SPORT_BUDGET) == tenge(1_000_000 - 21_600)
    assert accrued(a_club()) == tenge(18_000)


def test_a_public_club_is_paid_from_what_its_target_vouchers_reserved():
    allot()
    reserve("voucher-1")

    bill(a_club(form="public"))

    assert balance(SPORT_OCTOBER) == MOST - tenge(18_000)
    assert balance(SPORT_BUDGET) == tenge(1_000_000) - MOST


def test_each_direction_pays_its_own_clubs():
    allot()
    allot(direction="creative")

    bill(a_club(form="public"))
    bill(a_club(a_pupil("child-bbbb"), site_id="club-bbbb", direction="creative", form="public"))

    assert balance(SPORT_BUDGET) == balance(CREATIVE_BUDGET) == tenge(1_000_000 - 18_000)


def test_what_the_reserve_lacks_falls_to_the_direction_s_budget():
    allot()
    reserve("voucher-1")

    bill(a_club(a_pupil(), a_pupil("child-bbbb")))

    assert balance(SPORT_OCTOBER) == 0
    assert balance(SPORT_BUDGET) == tenge(1_000_000 - 36_000)


def test_a_child_that_changed_direction_is_paid_from_what_was_promised_where_it_came_from():
    allot()
    reserve("voucher-1")
    here, there = moved(direction="creative")

    bill(here)
    bill(there)

    assert (accrued(here), accrued(there)) == (tenge(10_500), tenge(7_500))
    assert balance(SPORT_OCTOBER) == tenge(3_600)
    assert balance(SPORT_BUDGET) == tenge(1_000_000 - 21_600)


def test_without_reserve_and_budget_the_month_is_held_and_goes_on_by_itself():
    billed = bill(a_club())

    assert billed.held == "budgets/short"
    head, _ = store.load_site_month("club-aaaa", OCTOBER)
    assert [(w.reason, w.tiyn) for w in why_not_paid(head.value)] == [
        ("budgets/short", tenge(18_000))
    ]

    allot()
    assert bill(a_club()).statement.movement_tiyn == tenge(18_000)


def test_a_late_confirmation_uses_what_is_still_reserved():
    allot()
    reserve("voucher-1")
    bill(a_club(a_pupil(days=lessons(standings={TWELVE[11]: "undecided"}))))

    corrected = bill(a_club())

    assert corrected.statement.cause == "late-confirmation"
    assert corrected.statement.movement_tiyn == tenge(1_500)
    assert balance(SPORT_OCTOBER) == tenge(3_600)


def test_what_is_taken_back_can_be_used_again_for_the_same_month():
    allot()
    reserve("voucher-1")
    bill(a_club())

    bill(a_club(a_pupil(days=lessons(codes={TWELVE[0]: "N"}))))

    assert accrued(a_club()) == tenge(16_500)
    assert balance(SPORT_OCTOBER) == tenge(21_600 - 16_500)


def test_replaying_the_bill_posts_nothing(tables):
    allot()
    reserve("voucher-1")
    bill(a_club())
    before = tables.dump()

    assert bill(a_club()).statement is None
    assert tables.dump() == before


def test_a16_the_rows_are_rebuilt_from_the_journal():
    allot()
    reserve("voucher-1")
    bill(a_club())

    assert list(journal.differences()) == []


# --- the end of a month's promises --------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "returned"),
    [("2026-12-31T03:00:00Z", 0), ("2027-01-01T03:00:00Z", 3_600), ("2027-01-20T03:00:00Z", 3_600)],
)
def test_what_no_statement_used_goes_back_two_months_later(day, returned):
    allot()
    reserve("voucher-1")
    bill(a_club())
    at = datetime.fromisoformat(day)

    for _ in range(2):
        actions.settle_months(at, by=JOB)

    assert balance(SPORT_OCTOBER) == tenge(3_600 - returned)
    assert balance(SPORT_BUDGET) == tenge(1_000_000 - 21_600 + returned)


def test_a_correction_after_the_settlement_is_paid_by_the_budget_and_a_reversal_returns_to_it():
    allot()
    reserve("voucher-1")
    bill(a_club(a_pupil(days=lessons(standings={TWELVE[11]: "undecided"}))))
    january = datetime(2027, 1, 12, 3, 0, tzinfo=UTC)
    actions.settle_months(january, by=JOB)

    bill(a_club(), now=january)
    assert balance(SPORT_BUDGET) == tenge(1_000_000 - 18_000)

    bill(a_club(a_pupil(days=lessons(codes={TWELVE[0]: "N"}))), now=january)
    actions.settle_months(january.replace(day=13), by=JOB)
    assert balance(SPORT_OCTOBER) == 0
    assert balance(SPORT_BUDGET) == tenge(1_000_000 - 16_500)


def test_months_of_programmes_without_reserves_are_not_settled():
    found = actions.months_to_settle(datetime(2027, 1, 20, 3, 0, tzinfo=UTC))

    assert {pack.programme for pack, _ in found} == {"clubs"}
    assert [str(m) for p, m in found if p.area == "karaganda"] == [
        "2026-10",
        "2026-09",
        "2026-08",
        "2026-07",
    ]


# --- one child, several clubs -------------------------------------------------------------------


def moved(*, direction: str = "sport"):
    """A child that left after seven lessons, and six more in another club: the cap is one."""
    here = a_club(a_pupil(days=lessons(TWELVE[:7]), stays=(a_stay(last=date(2026, 10, 16)),)))
    there = a_club(
        a_pupil(
            days=lessons((*TWELVE[7:], 30), starts="17:00"),
            stays=(a_stay(first=date(2026, 10, 17), kind=direction),),
        ),
        site_id="club-bbbb",
        direction=direction,
    )
    return here, there


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("direction", ["sport", "creative"])
def test_a_child_that_switched_is_paid_alike_whoever_bills_first(order, direction):
    allot()
    allot(direction="creative")
    months = moved(direction=direction)
    for n in order:
        bill(months[n])
    for month in months:  # the work that the second billing asked for
        bill(month)

    here, there = months
    assert accrued(here) == tenge(10_500)
    assert accrued(there) == tenge(7_500)
    head, _ = store.load_site_month("club-bbbb", OCTOBER)
    assert [(w.reason, w.days, w.tiyn) for w in not_to_be_paid(head.value)] == [
        ("over-month-cap", 1, tenge(1_500))
    ]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a4_three_clubs_of_a_child_come_to_one_month_in_whatever_order_they_are_billed(order):
    allot()
    months = [
        a_club(a_pupil(days=lessons(TWELVE[:5])), site_id="club-aaaa"),
        a_club(
            a_pupil(days=(*lessons(TWELVE[5:9]), lesson(TWELVE[4], "16:30"))), site_id="club-bbbb"
        ),
        a_club(
            a_pupil(days=lessons((*TWELVE[9:], 29, 30, 31)), stays=(a_stay(sen=True),)),
            site_id="club-cccc",
        ),
    ]
    for n in order:
        bill(months[n])
    for month in months * 2:  # the work that the billings asked for
        bill(month)

    # Four of 1,500 (the fifth is doubled), four more, then six of 2,250: 25,500 under 27,000.
    assert [accrued(month) for month in months] == [tenge(6_000), tenge(6_000), tenge(13_500)]
    assert all(bill(month).statement is None for month in months)


def test_a_late_confirmation_in_one_club_leaves_less_of_the_cap_to_the_next():
    allot()
    here, there = moved()
    waiting = replace(here.children[0], days=lessons(TWELVE[:7], standings={2: "undecided"}))
    bill(replace(here, children=(waiting,)))
    bill(there)
    assert accrued(there) == tenge(9_000)

    assert bill(here).statement.cause == "late-confirmation"
    corrected = bill(there)

    assert corrected.statement.cause == "other-provider"
    assert corrected.statement.movement_tiyn == -tenge(1_500)
    assert accrued(here) + accrued(there) == tenge(18_000)


def test_the_other_club_is_asked_to_bill_again():
    allot()
    here, there = moved()
    bill(here)

    bill(there)

    works = [
        WORK.kept(row).value for row in WORK.row.scan(consistent_read=True) if row.pk[:4] == "WORK"
    ]
    (work,) = [w for w in works if w.topic == "billing/bill"]
    assert work.facts == {"site_id": "club-aaaa", "month": "2026-10"}


def test_an_hour_in_two_clubs_holds_both_until_one_is_decided():
    allot()
    here = a_club(a_pupil(days=(lesson(5, "16:30"), lesson(7))))
    there = a_club(a_pupil(days=(lesson(5, "17:00"),)), site_id="club-bbbb")
    bill(here)
    bill(there)
    corrected = bill(here)

    assert corrected.statement.cause == "doubled-day"
    assert (accrued(here), accrued(there)) == (tenge(1_500), 0)
    head, _ = store.load_site_month("club-bbbb", OCTOBER)
    assert [(w.reason, w.days) for w in why_not_paid(head.value)] == [("doubled", 1)]

    bill(a_club(a_pupil(days=(lesson(5, "17:00", code="N"),)), site_id="club-bbbb"))
    bill(here)
    assert accrued(here) == tenge(3_000)


def test_what_a_closing_platform_paid_reaches_the_next_club_though_the_first_gave_no_lesson():
    allot()
    here = a_club(a_pupil(days=(), used_tiyn=tenge(15_000)))
    there = a_club(a_pupil(days=lessons(TWELVE[:4])), site_id="club-bbbb")
    bill(here)
    bill(there)

    assert accrued(there) == tenge(3_000)


def test_a_year_of_claims_is_read_as_it_was_filed():
    allot()
    here, there = moved()
    bill(here)
    bill(there)

    (kept,) = store.find_claimants(["child-aaaa"], "clubs", OCTOBER).values()

    claims = {c.site_id: c for c in kept.value.claims}
    assert claims["club-aaaa"].units.bit_count() == 7
    assert claims["club-aaaa"].rates[0].cap_tiyn == tenge(18_000)
    assert len(kept.row.body) < 900


# --- whatever happens ---------------------------------------------------------------------------

ALLOTTED = tenge(60_000)
SITES = ("club-aaaa", "club-bbbb", "club-cccc")


class Months(RuleBasedStateMachine):
    """Vouchers reserve, clubs are billed in any order with whatever was confirmed, months end."""

    wipe = staticmethod(lambda: None)

    @initialize()
    def begin(self):
        type(self).wipe()
        allot(60_000)
        self.reserved = 0
        self.vouchers = 0
        self.days = 0

    @rule()
    def issue(self):
        self.vouchers += 1
        try:
            reserve(f"voucher-{self.vouchers}")
        except BudgetShort:
            assert balance(SPORT_BUDGET) < MOST
        else:
            self.reserved += MOST

    @rule(
        site_id=st.sampled_from(SITES),
        children=st.lists(
            st.tuples(
                st.sampled_from("ab"), st.integers(0, 13), st.sampled_from("PPN"), st.booleans()
            ),
            unique_by=lambda child: child[0],
            max_size=2,
        ),
        starts=st.sampled_from(("15:00", "16:00")),
        form=st.sampled_from(("private", "private", "public")),
    )
    def bill(self, site_id, children, starts, form):
        bill(
            a_club(
                *(
                    a_pupil(
                        f"child-{name}",
                        days=lessons((*TWELVE, 30)[:held], starts=starts, codes={TWELVE[0]: code}),
                        stays=(a_stay(sen=sen),),
                    )
                    for name, held, code, sen in children
                ),
                site_id=site_id,
                form=form,
            )
            if children
            else a_club(a_pupil("child-a", days=()), site_id=site_id, form=form)
        )

    @rule()
    def settle(self):
        self.days += 1
        actions.settle_months(datetime(2027, 1, 2 + self.days, 3, 0, tzinfo=UTC), by=JOB)

    @invariant()
    def money_is_where_it_may_be(self):
        if not hasattr(self, "reserved"):
            return
        accounts = [SPORT_BUDGET, SPORT_OCTOBER]
        accounts += [ledger.accrued(site_id, OCTOBER) for site_id in SITES]
        found = books.balances(accounts)
        assert all(amount >= 0 for amount in found.values())
        assert sum(found.values()) == ALLOTTED
        heads = store.find_heads(OCTOBER, SITES).values()
        for head in heads:
            posted = head.value.posted_tiyn
            assert found[ledger.accrued(head.value.site_id, OCTOBER)] == posted
        used = sum(
            -line.amount_tiyn
            for line in books.list_lines(SPORT_OCTOBER)
            if line.posting.startswith("statement#")
        )
        assert used <= self.reserved


def test_a3_budgets_and_promises_are_never_overdrawn_whatever_is_billed_when(tables):
    Months.wipe = staticmethod(tables.wipe)
    run_state_machine_as_test(
        Months,
        settings=settings(
            max_examples=8,
            stateful_step_count=14,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


# --- killed anywhere ----------------------------------------------------------------------------


@pytest.mark.usefixtures("one_salt")
def test_a6_killed_at_any_call_and_run_again_the_ledger_is_the_same(tables):
    here, there = moved()

    def clean():
        tables.wipe()
        allot()
        reserve("voucher-1")
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


@pytest.mark.usefixtures("one_salt")
def test_a6_a_settlement_killed_at_any_call_and_run_again_is_the_same(tables):
    at = datetime(2027, 1, 2, 3, 0, tzinfo=UTC)

    def clean():
        tables.wipe()
        allot()
        allot(direction="creative")
        reserve("voucher-1")
        reserve("voucher-2", direction="creative")

    clean()
    with faults.watch() as seen:
        actions.settle_months(at, by=JOB)
    expected = tables.dump()
    assert balance(CREATIVE_BUDGET) == tenge(1_000_000)
    for number in range(1, len(seen.calls) + 1):
        clean()
        with faults.crash(after=number), pytest.raises(faults.Crash):
            actions.settle_months(at, by=JOB)
        actions.settle_months(at, by=JOB)
        assert tables.dump() == expected, number
