"""A3, A4, A15: the whole cycle beside a small model, whatever is done in whatever order.

Attendance, approval, disputes and decisions, billing, claims and their hands, runs, the bank's
answers and corrections, mixed as they come: after each step every balance, claim and payment is
what a model of a hundred lines says, reckoned in other words than the code's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from chalicelib.budgets.rules import ledger
from chalicelib.budgets.store import ledger as books
from chalicelib.journal import actions as journal
from chalicelib.kernel.refusals import Refusal
from chalicelib.payouts import store as paid
from infra.local.testing import TestTables
from tests.attendance.builders import at
from tests.promises.money import ACCOUNTS, DAYS, MARCH, ORGANISATIONS, SITES, Town

# Who goes where: the third child goes to both, so that a day may be claimed twice.
PLACES = ((1, "site-0"), (2, "site-1"), (3, "site-0"), (3, "site-1"))
SOME_DAYS = DAYS[:4]
WORKING = len(DAYS)
FIRST, OFFICE_FROM, LAST = at("2026-04-03 09:00"), at("2026-04-13 09:00"), at("2026-06-10 09:00")
BUDGET = ledger.budget("preschool", "taldykorgan", 2026)
TREASURY = ledger.treasury("preschool", "taldykorgan", 2026)
Line = tuple[int, str, date]


def tiyn_for(days: int) -> int:
    """Return what so many days of the month bring in all: 65,000 tenge by days, half up."""
    return (2 * days * 65_000 + WORKING) // (2 * WORKING) * 100


@dataclass
class Ask:
    """A claim as the model knows it; owed: by the provider, because too much was agreed."""

    site_id: str
    amount: int
    state: str = "calculated"
    owed: bool = False


@dataclass
class Payment:
    name: str
    organisation: str
    amount: int
    asks: list[Ask]
    run: str
    state: str = "sent"
    why: str = ""


@dataclass
class Model:
    """What money must come down to."""

    marked: set[Line] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    # By place: the days that were marked when the family approved.
    approved: dict[tuple[int, str], set[date]] = field(default_factory=dict)
    disputed: set[Line] = field(default_factory=set)
    decided: dict[Line, bool] = field(default_factory=dict)
    # By place, as the site last said it: days claimed, and of them those that are confirmed.
    said: dict[tuple[int, str], tuple[set[date], set[date]]] = field(default_factory=dict)
    posted: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SITES, 0))
    uncovered: dict[str, list[int]] = field(default_factory=lambda: {s: [] for s in SITES})
    stated: set[str] = field(default_factory=set)
    shown: dict[tuple[int, str], int] = field(default_factory=dict)
    asks: dict[str, list[Ask]] = field(default_factory=lambda: {s: [] for s in SITES})
    payments: list[Payment] = field(default_factory=list)
    books: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ACCOUNTS, 0))

    def move(self, amount: int, source: str, target: str) -> None:
        self.books[source] = self.books.get(source, 0) - amount
        self.books[target] = self.books.get(target, 0) + amount

    def claimed(self, n: int, site_id: str) -> tuple[set[date], set[date]]:
        """Return the days that a site claims for a child, and of them the confirmed ones."""
        seen = self.approved.get((n, site_id))
        days, sure = set(), set()
        for day in SOME_DAYS:
            line = (n, site_id, day)
            decision = self.decided.get(line)
            marked = line in self.marked if seen is None else day in seen
            if decision if decision is not None else marked:
                days.add(day)
                if decision or (seen is not None and line not in self.disputed):
                    sure.add(day)
        return days, sure

    def due(self, site_id: str) -> dict[int, int]:
        """Return what each child brings a site now, by what every site last said."""
        found = {}
        for n, _ in (place for place in PLACES if place[1] == site_id):
            said = {s: self.said.get((n, s), (set(), set())) for s in SITES}
            both = said["site-0"][0] & said["site-1"][0]
            earned = count = 0
            for day in SOME_DAYS:
                for place in SITES:
                    if day in said[place][1] - both:
                        count += 1
                        if place == site_id:
                            earned += tiyn_for(count) - tiyn_for(count - 1)
            found[n] = earned
        return found

    def bill(self, site_id: str) -> None:
        for n, place in PLACES:
            if place == site_id:
                self.said[n, place] = self.claimed(n, place)
        due = self.due(site_id)
        moved = {n: sum_ - self.shown.get((n, site_id), 0) for n, sum_ in due.items()}
        if site_id in self.stated and not any(moved.values()):
            return
        total = sum(moved.values())
        if total > self.books[BUDGET]:
            return  # held until there is money
        self.stated.add(site_id)
        self.shown |= {(n, site_id): sum_ for n, sum_ in due.items()}
        self.posted[site_id] += total
        self.uncovered[site_id].append(total)
        accrued, owed = ledger.accrued(site_id, MARCH), ledger.recoverable(site_id, MARCH)
        if total > 0:
            filled = min(total, -self.books[owed])
            self.move(filled, BUDGET, owed)
            self.move(total - filled, BUDGET, accrued)
        else:
            there = min(-total, self.books[accrued])
            self.move(there, accrued, BUDGET)
            self.move(-total - there, owed, BUDGET)

    def calculate(self, site_id: str) -> None:
        new, asks = self.uncovered[site_id], self.asks[site_id]
        if not new:
            return
        more, last = sum(new), asks[-1] if asks else None
        if last is None or not (last.owed or last.state in ("calculated", "signed")):
            if more:
                asks.append(Ask(site_id, 0))
            last = asks[-1] if more else None
        elif last.state == "signed" and more >= 0:
            if more:
                return  # it waits until this one is agreed
            last = None
        new.clear()
        if last is not None:
            owes = (-last.amount if last.owed else last.amount) + more
            last.amount, last.owed = abs(owes), owes < 0
            last.state = "open-case" if last.owed else "calculated"

    def answer(self, payment: Payment, said: str) -> None:
        before, paid_ = payment.state, ledger.paid(payment.organisation)
        source = paid_ if before == "settled" else ledger.transit(payment.run)
        target = paid_ if said == "settled" else ledger.returned(payment.organisation)
        self.move(payment.amount, source, target)
        payment.state = said
        for ask in payment.asks:
            ask.state = said


class Money(RuleBasedStateMachine):
    """The town beside the model; what the model does not foresee must be refused."""

    wipe = staticmethod(lambda: None)
    reached: set[str] = set()

    @initialize(
        allotted=st.sampled_from([5_000, 20_000, 1_000_000, 1_000_000]),
        # How far the month has come when the mixing begins.
        come=st.sampled_from(["nowhere", "approved", "claimed", "sent", "sent"]),
    )
    def begin(self, allotted: int, come: str) -> None:
        type(self).wipe()
        self.town, self.model, self.runs, self.acts = Town(now=FIRST), Model(), 0, 1
        self.town.open(allotted=allotted)
        self.model.move(allotted * 100, TREASURY, BUDGET)
        for n, site_id in PLACES:
            self.town.enrol(n, site_id)
        if come == "nowhere":
            return
        self.attend((1, "site-0"), {*SOME_DAYS[:3]})
        self.attend((2, "site-1"), {*SOME_DAYS})
        self.attend((3, "site-0"), {*SOME_DAYS[:2]})
        self.attend((3, "site-1"), {*SOME_DAYS[1:]})
        self.dispute((1, "site-0"), SOME_DAYS[3])
        for site_id in SITES:
            self.close(site_id)
        for place in PLACES:
            self.approve(place)
        if come == "claimed":
            self.the_families_time_is_over()
            self.the_schedules_run()
        if come == "sent":
            self.the_families_time_is_over()
            self.all_hands({*SITES})

    # --- the month

    @rule(place=st.sampled_from(PLACES), days=st.sets(st.sampled_from(SOME_DAYS), min_size=1))
    def attend(self, place: Any, days: set[date]) -> None:
        if place not in self.model.approved:
            self.town.attend(*place, *sorted(days))
            self.model.marked |= {(*place, day) for day in days}

    @rule(site_id=st.sampled_from(SITES))
    def close(self, site_id: str) -> None:
        self.town.close(site_id)
        self.model.closed.add(site_id)

    @rule(place=st.sampled_from(PLACES))
    def approve(self, place: Any) -> None:
        allowed = place[1] in self.model.closed and self.town.now < OFFICE_FROM
        if place not in self.model.approved and self._did(allowed, self.town.approve, *place):
            self.model.approved[place] = {d for n, s, d in self.model.marked if (n, s) == place}

    @rule(place=st.sampled_from(PLACES), day=st.sampled_from(SOME_DAYS))
    def dispute(self, place: Any, day: date) -> None:
        line = (*place, day)
        model = self.model
        spoken = line in model.marked | model.disputed or line in model.decided
        if not spoken and place not in model.approved and self.town.now < OFFICE_FROM:
            self.town.dispute(*place, day)
            self.town.insist(*place, day)
            model.disputed.add(line)

    @rule(place=st.sampled_from(PLACES), day=st.sampled_from(SOME_DAYS), counts=st.booleans())
    def decide(self, place: Any, day: date, counts: bool) -> None:
        line = (*place, day)
        late = place not in self.model.approved and self.town.now >= OFFICE_FROM
        held = line in self.model.disputed or late
        if line not in self.model.decided and self._did(
            held, self.town.decide, *place, day, counts=counts
        ):
            self.model.decided[line] = counts

    @rule(site_id=st.sampled_from(SITES), day=st.sampled_from(SOME_DAYS))
    def take_back(self, site_id: str, day: date) -> None:
        line = (3, site_id, day)
        twice = all(day in self.model.claimed(3, s)[0] for s in SITES)
        sure = day in self.model.claimed(3, site_id)[1]
        undecided = line in self.model.disputed or (
            (3, site_id) not in self.model.approved and self.town.now >= OFFICE_FROM
        )
        if self.model.decided.get(line) is not False and self._did(
            twice and (sure or undecided),
            self.town.decide, 3, site_id, day, counts=False, doubled=True,
        ):  # fmt: skip
            self.model.decided[line] = False

    @rule()
    def the_families_time_is_over(self) -> None:
        self.town.now = max(self.town.now, OFFICE_FROM)

    # --- the money

    @rule(amount=st.sampled_from([2_000_000, 3_000_000]))
    def allot(self, amount: int) -> None:
        self.acts += 1
        before = -self.model.books[TREASURY]
        self.town.allot(amount, act=f"act-{self.acts}")
        self.model.move(amount * 100 - before, TREASURY, BUDGET)

    @rule(site_id=st.sampled_from(SITES))
    def bill(self, site_id: str) -> None:
        self.town.bill(site_id)
        self.model.bill(site_id)
        self._reach("held", self.model.posted[site_id] == 0 and site_id not in self.model.stated)

    @rule(site_id=st.sampled_from(SITES))
    def calculate(self, site_id: str) -> None:
        self.town.calculate(site_id)
        self.model.calculate(site_id)

    @rule()
    def the_schedules_run(self) -> None:
        for site_id in SITES:
            self.bill(site_id)
        for site_id in SITES:
            self.bill(site_id)
            self.calculate(site_id)

    @rule(site_id=st.sampled_from(SITES))
    def sign(self, site_id: str) -> None:
        for ask, claim in self._claims(site_id):
            good = ask.state == "calculated" and ask.amount > 0
            new = ask.state == "calculated" or ask.owed
            if new and self._did(good, self.town.sign, claim):
                ask.state = "signed"

    @rule(site_id=st.sampled_from(SITES))
    def agree(self, site_id: str) -> None:
        accrued = ledger.accrued(site_id, MARCH)
        for ask, claim in self._claims(site_id):
            good = ask.state == "signed" and self.model.books[accrued] >= ask.amount
            if ask.state in ("calculated", "signed") and self._did(good, self.town.agree, claim):
                self.model.move(ask.amount, accrued, ledger.payable(ORGANISATIONS[site_id]))
                ask.state = "agreed"

    @rule(site_id=st.sampled_from(SITES))
    def decline(self, site_id: str) -> None:
        for ask, claim in self._claims(site_id):
            if ask.state == "signed" and self._did(True, self.town.decline, claim):
                ask.state = "calculated"

    @rule(site_id=st.sampled_from(SITES))
    def release(self, site_id: str) -> None:
        organisation = ORGANISATIONS[site_id]
        for ask, claim in self._claims(site_id):
            good = ask.state in ("agreed", "returned", "refused")
            if ask.state != "released" and self._did(good, self.town.release, claim):
                if ask.state != "agreed":
                    source = ledger.returned(organisation)
                    self.model.move(ask.amount, source, ledger.payable(organisation))
                ask.state = "released"

    @rule(sites=st.sets(st.sampled_from(SITES), min_size=1))
    def all_hands(self, sites: set[str]) -> None:
        for site_id in sorted(sites):
            self.bill(site_id)
            self.calculate(site_id)
            self.sign(site_id)
            self.agree(site_id)
            self.release(site_id)
        self.pay()

    @rule()
    def pay(self) -> None:
        waiting: dict[str, list[Ask]] = {}
        for site_id, asks in self.model.asks.items():
            found = [ask for ask in asks if ask.state == "released"]
            if found:
                waiting[ORGANISATIONS[site_id]] = found
        self.runs += 1
        run = f"run-{self.runs:04d}"
        if not self._did(bool(waiting), self.town.pay, run):
            return
        lines = {line.organisation_id: line for line in self.town.pay(run)}
        assert set(lines) == set(waiting)
        for organisation, asks in waiting.items():
            amount = sum(ask.amount for ask in asks)
            name = lines[organisation].end_to_end_id
            self.model.payments.append(Payment(name, organisation, amount, asks, run))
            self.model.move(amount, ledger.payable(organisation), ledger.transit(run))
            for ask in asks:
                ask.state = "sent"

    @rule(which=st.integers(0, 5), said=st.sampled_from(["settled", "returned", "refused"]))
    def answer(self, which: int, said: str) -> None:
        payment = self._payment(which)
        if payment is None:
            return
        became = self._told(payment, said, payment.amount)
        open_ = payment.state == "sent" or payment.why == "no-answer"
        if open_ or (payment.state == "settled" and said == "returned"):
            assert became == said
            self.model.answer(payment, said)
            payment.why = ""
            self._reach(f"bank says {said}", True)
        elif payment.state == said:
            assert became == "already"
        else:
            self._one_open_case(payment, became)

    @rule(which=st.integers(0, 5), wrong=st.sampled_from([-100, 1]))
    def answer_with_a_wrong_sum(self, which: int, wrong: int) -> None:
        payment = self._payment(which)
        if payment is None:
            return
        became = self._told(payment, "settled", payment.amount + wrong)
        if payment.state == "sent":
            payment.state, payment.why = "open-case", "wrong-sum"
            for ask in payment.asks:
                ask.state = "open-case"
        self._one_open_case(payment, became)

    @rule(which=st.integers(0, 5))
    def the_bank_is_silent(self, which: int) -> None:
        payment = self._payment(which)
        if payment is None or self.town.now > LAST:
            return
        self.town.now += timedelta(days=10)
        if self.town.lapse(payment.name):
            assert payment.state == "sent"
            payment.state, payment.why = "open-case", "no-answer"
            for ask in payment.asks:
                ask.state = "open-case"
        else:
            assert payment.state != "sent"

    # --- what must hold

    @invariant()
    def money_is_what_the_model_says(self) -> None:
        if not hasattr(self, "model"):
            return
        self.town.now += timedelta(minutes=1)
        assert books.balances(self.model.books) == self.model.books
        assert sum(self.model.books.values()) == 0
        assert all(b >= 0 for a, b in self.model.books.items() if ledger.floored(a))
        for site_id in SITES:
            told = [(claim.amount_tiyn, claim.state) for claim in self.town.claims(site_id)]
            assert told == [(ask.amount, ask.state) for ask in self.model.asks[site_id]]
        for payment in self.model.payments:
            kept = paid.find_payment(payment.name)
            assert kept is not None
            assert (kept.value.amount_tiyn, kept.value.state) == (payment.amount, payment.state)

    def teardown(self) -> None:
        """When all schedules have run, each site was posted what it is due, to the tiyn."""
        if not hasattr(self, "model"):
            return
        self.allot(3_000_000)
        self.the_schedules_run()
        self.money_is_what_the_model_says()
        for site_id in SITES:
            assert self.model.posted[site_id] == sum(self.model.due(site_id).values())
        # The books hold by themselves, the journal says the same, the night's audit finds nothing.
        self.town.view(*{payment.run for payment in self.model.payments})
        assert list(journal.differences()) == []
        assert self.town.audit(self.town.now) == (0, 0)
        for account in self.model.books:
            lines = books.list_lines(account)
            assert sum(line.amount_tiyn for line in lines) == self.model.books[account]

    # --- helpers

    def _did(self, good: bool, act: Any, *args: Any, **named: Any) -> bool:
        """Do what must succeed, or be refused."""
        try:
            act(*args, **named)
        except Refusal as refusal:
            assert not good, refusal
            self._reach(refusal.code, True)
            return False
        assert good, "this should have been refused"
        self._reach(act.__name__, True)
        return True

    def _claims(self, site_id: str) -> list[tuple[Ask, Any]]:
        return list(zip(self.model.asks[site_id], self.town.claims(site_id), strict=True))

    def _payment(self, which: int) -> Payment | None:
        known = self.model.payments
        return known[which % len(known)] if known else None

    def _told(self, payment: Payment, said: str, amount: int) -> str:
        self.runs += 1
        (became,) = self.town.answer(f"answer-{self.runs:04d}", (payment.name, said, amount))
        return became

    def _one_open_case(self, payment: Payment, became: str) -> None:
        assert became == "open-case"
        case = paid.find_case(payment.name)
        assert case is not None
        assert case.value.closed_at is None, "it was told to be open"
        self._reach("open case", True)

    def _reach(self, name: str, really: bool) -> None:
        if really:
            type(self).reached.add(name)


def test_a3_a15_the_whole_cycle_is_what_a_small_model_says(tables: TestTables) -> None:
    Money.wipe = staticmethod(tables.wipe)

    run_state_machine_as_test(
        Money,
        settings=settings(
            max_examples=12,
            stateful_step_count=30,
            deadline=None,
            # A failing course is told as it went: to shorten it takes minutes.
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a15_a_course_by_hand_reaches_what_chance_may_not(tables: TestTables) -> None:
    Money.wipe = staticmethod(tables.wipe)
    Money.reached = set()
    course = Money()

    course.begin(allotted=1_000_000, come="sent")
    course.answer(which=0, said="settled")
    course.answer(which=0, said="returned")
    course.answer(which=0, said="refused")
    course.money_is_what_the_model_says()
    course.decide(place=(1, "site-0"), day=SOME_DAYS[3], counts=True)
    course.take_back(site_id="site-0", day=SOME_DAYS[1])
    course.all_hands(sites={*SITES})
    course.money_is_what_the_model_says()
    course.the_bank_is_silent(which=1)
    course.answer(which=1, said="settled")
    course.answer(which=1, said="refused")
    course.answer_with_a_wrong_sum(which=2, wrong=1)
    course.money_is_what_the_model_says()
    course.teardown()

    assert Money.reached >= {
        *("approve", "decide", "sign", "agree", "release", "pay"),
        *("bank says settled", "bank says returned", "open case"),
    }
