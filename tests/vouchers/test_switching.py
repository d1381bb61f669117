"""No sequence of choices, switches and ends puts a child in two clubs on a day, or loses money."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chalicelib.kernel.periods import Month, local_day
from chalicelib.kernel.refusals import Refusal
from chalicelib.providers.rules import Group, capacity_on
from chalicelib.vouchers import rules
from chalicelib.vouchers.rules import Enrolment, Stays, Voucher
from tests.vouchers.clubs import (
    CALENDAR,
    MONTH_TIYN,
    NOW,
    RULES,
    SITES,
    a_club_group,
    a_club_voucher,
)

GROUPS = {"group-a": "site-boxing", "group-b": "site-dombra", "group-c": "site-robots"}
VOUCHERS = tuple(f"voucher-{n}" for n in range(3))
MONTHS = ("2026-10", "2026-11", "2026-12")
a_group_id = st.sampled_from(tuple(GROUPS))
a_voucher_id = st.sampled_from(VOUCHERS)


class Switching(RuleBasedStateMachine):
    """Clubs in memory: every move goes through the rules, seats and money follow as in actions."""

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = NOW
        self.groups: dict[str, Group] = {}
        self.vouchers: dict[str, Voucher] = {}
        self.enrolments: dict[str, list[Enrolment]] = {v: [] for v in VOUCHERS}
        self.committed: dict[tuple[str, str], int] = {}
        self.named = 0

    @property
    def today(self) -> date:
        return local_day(self.now)

    @initialize(capacities=st.lists(st.integers(1, 2), min_size=3, max_size=3))
    def a_city(self, capacities: list[int]) -> None:
        for (group_id, site_id), capacity in zip(GROUPS.items(), capacities, strict=True):
            self.groups[group_id] = a_club_group(group_id, site_id=site_id, capacity=capacity)
        for voucher_id in VOUCHERS:
            voucher = a_club_voucher(voucher_id=voucher_id, child_id=f"child-{voucher_id}")
            self.vouchers[voucher_id] = voucher
            for reserve in rules.reserves_of(voucher):
                self.book(reserve, +1)

    def book(self, reserve: rules.Reserve, sign: int, direction: str | None = None) -> None:
        for month in reserve.months():
            key = (direction or reserve.direction, str(month))
            self.committed[key] = self.committed.get(key, 0) + sign * reserve.month_tiyn

    def stays(self, voucher_id: str) -> Stays:
        stays = Stays()
        for enrolment in self.enrolments[voucher_id]:
            stays = rules.note_stay(stays, enrolment)
        return stays

    def settle(self, after: Voucher, starts_on: date | None = None) -> None:
        """Write a voucher with its seats and its money, as `actions.change.writes` does."""
        before = self.vouchers[after.voucher_id]
        seating = rules.seat(before, after, self.groups, today=self.today, starts_on=starts_on)
        for reserve in rules.released(before, after, self.today):
            self.book(reserve, -1)
        for reserve in rules.moved(before, after, self.stays(after.voucher_id).stays, self.today):
            self.book(reserve, -1)
            self.book(reserve, +1, after.direction)
        self.groups = dict(seating.groups)
        self.vouchers[after.voucher_id] = after

    def form(self, group_id: str) -> str:
        return SITES[GROUPS[group_id]][1]

    def name(self) -> str:
        self.named += 1
        return f"enrolment-{self.named}"

    @rule(voucher_id=a_voucher_id, group_id=a_group_id)
    def choose(self, voucher_id: str, group_id: str) -> None:
        try:
            after = rules.choose(
                self.vouchers[voucher_id],
                self.groups[group_id],
                form=self.form(group_id),
                now=self.now,
                rules=RULES,
                calendar=CALENDAR,
            )
            self.settle(after)
        except Refusal:
            return

    @rule(voucher_id=a_voucher_id, ahead=st.integers(0, 5))
    def sign(self, voucher_id: str, ahead: int) -> None:
        voucher = self.vouchers[voucher_id]
        if any(e.ends_on is None or e.ends_on >= self.today for e in self.enrolments[voucher_id]):
            return  # the holdings row refuses a second enrolment
        try:
            started = rules.contract(
                voucher,
                self.groups.get(voucher.group_id or ""),
                enrolment_id=self.name(),
                starts_on=self.today + timedelta(days=ahead),
                now=self.now,
                rules=RULES,
                calendar=CALENDAR,
            )
            self.settle(started.voucher, started.enrolment.starts_on)
        except Refusal:
            return
        self.enrolments[voucher_id].append(started.enrolment)

    @rule(voucher_id=a_voucher_id, group_id=a_group_id)
    def switch(self, voucher_id: str, group_id: str) -> None:
        voucher = self.vouchers[voucher_id]
        if voucher.state != "used" or voucher.group_id == group_id:
            return
        try:
            moved = rules.transfer(
                voucher,
                self.enrolments[voucher_id][-1],
                self.groups[group_id],
                enrolment_id=self.name(),
                form=self.form(group_id),
                now=self.now,
                rules=RULES,
                calendar=CALENDAR,
            )
            self.settle(moved.voucher, moved.started.starts_on)
        except Refusal:
            return
        self.enrolments[voucher_id][-1:] = [moved.ended, moved.started]

    @rule(voucher_id=a_voucher_id, ahead=st.integers(0, 10))
    def site_removed(self, voucher_id: str, ahead: int) -> None:
        voucher = self.vouchers[voucher_id]
        if voucher.state != "used":
            return
        ended = rules.lose_place(
            voucher,
            self.enrolments[voucher_id][-1],
            last_day=self.today + timedelta(days=ahead),
            now=self.now,
            terms=RULES.terms,
            calendar=CALENDAR,
        )
        self.settle(ended.voucher)
        self.enrolments[voucher_id][-1] = ended.enrolment

    @rule(voucher_id=a_voucher_id, by_itself=st.sampled_from(["no-visits", "no-first-visit"]))
    def release(self, voucher_id: str, by_itself: rules.Closing) -> None:
        voucher = self.vouchers[voucher_id]
        if voucher.state != "used":
            return
        ended = rules.release(
            voucher,
            self.enrolments[voucher_id][-1],
            reason=by_itself,
            last_day=self.today - timedelta(days=1),
            now=self.now,
        )
        self.settle(ended.voucher)
        assert ended.enrolment is not None
        self.enrolments[voucher_id][-1] = ended.enrolment

    @rule(hours=st.sampled_from([2, 24, 72]), job_is_late=st.booleans())
    def time_passes(self, hours: int, job_is_late: bool) -> None:
        self.now += timedelta(hours=hours)
        if job_is_late:
            return
        for voucher_id in VOUCHERS:
            if rules.overdue_contract(self.vouchers[voucher_id], self.now):
                self.settle(rules.end(self.vouchers[voucher_id], "return"))
            after, _ = rules.seats_over(self.vouchers[voucher_id], self.today)
            self.settle(after)

    @invariant()
    def a_child_has_at_most_one_active_enrolment_on_a_day(self) -> None:
        for enrolments in self.enrolments.values():
            days: set[date] = set()
            for enrolment in enrolments:
                last = enrolment.ends_on or self.today + timedelta(days=30)
                day = enrolment.starts_on
                while day <= last:
                    assert day not in days
                    days.add(day)
                    day += timedelta(days=1)

    @invariant()
    def no_group_is_oversold_and_holds_exactly_what_vouchers_say(self) -> None:
        for group_id, group in self.groups.items():
            holders = {
                v.voucher_id for v in self.vouchers.values() if group_id in rules.seats_of(v)
            }
            assert set(group.holders) == holders
            for ahead in range(30):
                day = self.today + timedelta(days=ahead)
                taken = sum(
                    s.since <= day and (s.until is None or day <= s.until)
                    for s in group.holders.values()
                )
                assert taken <= capacity_on(group, day)

    @invariant()
    def every_live_voucher_holds_each_month_once_and_no_account_owes(self) -> None:
        assert all(amount >= 0 for amount in self.committed.values())
        live = sum(v.state in rules.LIVE for v in self.vouchers.values())
        for month in MONTHS:
            if Month.parse(month) <= Month.of(self.today):
                continue
            held = sum(a for (_, m), a in self.committed.items() if m == month)
            assert held == live * MONTH_TIYN

    @invariant()
    def money_of_months_to_come_lies_with_the_voucher_s_direction(self) -> None:
        for direction in ("sport", "creative", "education"):
            ours = sum(
                v.state in rules.LIVE and v.direction == direction for v in self.vouchers.values()
            )
            if self.today < date(2026, 12, 1):
                assert self.committed.get((direction, "2026-12"), 0) == ours * MONTH_TIYN


TestSwitching = Switching.TestCase
TestSwitching.settings = settings(
    max_examples=100,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
