"""No sequence of moves gives a child two seats, a gap or an overlap, or oversells a group."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chalicelib.kernel.periods import local_day
from chalicelib.kernel.refusals import Refusal
from chalicelib.providers.rules import Group, capacity_on, free_places
from chalicelib.vouchers import rules
from chalicelib.vouchers.rules import Enrolment, Voucher, Waiter, Waiting
from tests.providers.builders import a_group
from tests.vouchers.builders import CALENDAR, HEAD, NOW, PARENT, REASONS, RULES, TERMS, a_voucher

GROUPS = ("group-a", "group-b", "group-c")
VOUCHERS = tuple(f"voucher-{n}" for n in range(4))
a_group_id = st.sampled_from(GROUPS)
a_voucher_id = st.sampled_from(VOUCHERS)


class Vouchers(RuleBasedStateMachine):
    """The slice in memory: every move goes through the rules, as the actions do it."""

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = NOW
        self.groups: dict[str, Group] = {}
        self.vouchers: dict[str, Voucher] = {}
        self.enrolments: dict[str, list[Enrolment]] = {v: [] for v in VOUCHERS}
        self.named = 0

    @property
    def today(self) -> date:
        return local_day(self.now)

    @initialize(capacities=st.lists(st.integers(1, 2), min_size=3, max_size=3))
    def a_town(self, capacities: list[int]) -> None:
        for group_id, capacity in zip(GROUPS, capacities, strict=True):
            self.groups[group_id] = a_group(group_id=group_id, capacity=capacity)
        for n, voucher_id in enumerate(VOUCHERS):
            self.vouchers[voucher_id] = a_voucher(
                voucher_id=voucher_id, child_id=f"child-{n}", order=f"{n}", seat=None
            )

    def settle(self, after: Voucher, starts_on: date | None = None) -> None:
        before = self.vouchers[after.voucher_id]
        seating = rules.seat(before, after, self.groups, today=self.today, starts_on=starts_on)
        self.groups = dict(seating.groups)
        self.vouchers[after.voucher_id] = after

    def name(self) -> str:
        self.named += 1
        return f"enrolment-{self.named}"

    @rule(voucher_id=a_voucher_id, group_id=a_group_id)
    def choose(self, voucher_id: str, group_id: str) -> None:
        voucher, group = self.vouchers[voucher_id], self.groups[group_id]
        try:
            self.settle(
                rules.choose(
                    voucher, group, form="private", now=self.now, rules=RULES, calendar=CALENDAR
                )
            )
        except Refusal:
            return

    @rule(voucher_id=a_voucher_id, result=st.sampled_from(["accepted", "refused", "brought"]))
    def papers(self, voucher_id: str, result: str) -> None:
        reason = "incomplete" if result == "refused" else None
        try:
            after = rules.judge_papers(
                self.vouchers[voucher_id],
                result,  # type: ignore[arg-type]
                reason,
                published=REASONS,
                now=self.now,
                calendar=CALENDAR,
            )
            self.settle(after)
        except Refusal:
            return

    @rule(voucher_id=a_voucher_id, ahead=st.integers(0, 20), quick=st.booleans())
    def sign(self, voucher_id: str, ahead: int, quick: bool) -> None:
        voucher = self.vouchers[voucher_id]
        if quick and voucher.state == "confirmed":
            voucher = replace(voucher, papers="accepted")
        if any(e.ends_on is None or e.ends_on >= self.today for e in self.enrolments[voucher_id]):
            return  # the holdings row refuses a second enrolment
        group = self.groups.get(voucher.group_id or "")
        try:
            started = rules.contract(
                voucher,
                group,
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

    @rule(voucher_id=a_voucher_id, group_id=a_group_id, limited=st.booleans())
    def transfer(self, voucher_id: str, group_id: str, limited: bool) -> None:
        voucher = self.vouchers[voucher_id]
        if voucher.state != "used" or voucher.group_id == group_id:
            return
        self.move(voucher, group_id, limited)

    def move(self, voucher: Voucher, group_id: str, limited: bool) -> None:
        current = self.enrolments[voucher.voucher_id][-1]
        try:
            moved = rules.transfer(
                voucher,
                current,
                self.groups[group_id],
                enrolment_id=self.name(),
                form="private",
                now=self.now,
                rules=RULES,
                calendar=CALENDAR,
                limited=limited,
            )
            self.settle(moved.voucher, moved.started.starts_on)
        except Refusal:
            return
        self.enrolments[voucher.voucher_id][-1:] = [moved.ended, moved.started]

    @rule(voucher_id=a_voucher_id, ahead=st.integers(0, 10), head=st.booleans())
    def close(self, voucher_id: str, ahead: int, head: bool) -> None:
        voucher = self.vouchers[voucher_id]
        if voucher.state != "used":
            return
        try:
            ended = rules.close(
                voucher,
                self.enrolments[voucher_id][-1],
                reason="graduation",
                last_day=self.today + timedelta(days=ahead),
                by=HEAD if head else PARENT,
                now=self.now,
                objection_days=3,
                calendar=CALENDAR,
            )
            self.settle(ended.voucher)
        except Refusal:
            return
        self.enrolments[voucher_id][-1] = ended.enrolment

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
            terms=TERMS,
            calendar=CALENDAR,
        )
        self.settle(ended.voucher)
        self.enrolments[voucher_id][-1] = ended.enrolment

    @rule(voucher_id=a_voucher_id, group_id=a_group_id)
    def wait(self, voucher_id: str, group_id: str) -> None:
        try:
            after = rules.join(
                self.vouchers[voucher_id],
                self.groups[group_id],
                form="private",
                others_wait=False,
                now=self.now,
                rules=RULES,
            )
            self.settle(after)
        except Refusal:
            return

    @rule(voucher_id=a_voucher_id, group_id=a_group_id)
    def stop_waiting(self, voucher_id: str, group_id: str) -> None:
        self.settle(rules.leave(self.vouchers[voucher_id], group_id))

    @rule(group_id=a_group_id)
    def offer(self, group_id: str) -> None:
        if free_places(self.groups[group_id]) < 1:
            return
        for voucher in self.vouchers.values():
            able = rules.may_be_offered(voucher, now=self.now, terms=TERMS, calendar=CALENDAR)
            if Waiting(group_id) in voucher.waiting and able:
                after = rules.offer(voucher, group_id, now=self.now, terms=TERMS, calendar=CALENDAR)
                self.settle(after)
                return

    @rule(voucher_id=a_voucher_id, group_id=a_group_id)
    def accept(self, voucher_id: str, group_id: str) -> None:
        voucher = self.vouchers[voucher_id]
        try:
            rules.open_offer(voucher, group_id, self.now)
            if voucher.state == "used":
                self.move(voucher, group_id, True)
                return
            after = rules.take_offered(
                voucher, self.groups[group_id], now=self.now, terms=TERMS, calendar=CALENDAR
            )
            self.settle(after)
        except Refusal:
            return

    @rule(voucher_id=a_voucher_id, group_id=a_group_id, standing=st.booleans())
    def wish(self, voucher_id: str, group_id: str, standing: bool) -> None:
        try:
            after = rules.join(
                self.vouchers[voucher_id],
                self.groups[group_id],
                form="private",
                others_wait=True,
                now=self.now,
                rules=RULES,
                standing=standing,
                rank=1,
            )
        except Refusal:
            return
        self.settle(after)

    @rule(group_id=a_group_id)
    def fill(self, group_id: str) -> None:
        """A freed place: chains and rings, as far as the first step that cannot be made."""
        first = rules.next_start(self.now, TERMS, CALENDAR)
        if rules.vacant_on(self.groups[group_id], self.today, first) is None:
            return
        able = {
            v.voucher_id
            for v in self.vouchers.values()
            if rules.may_be_offered(v, now=self.now, terms=TERMS, calendar=CALENDAR)
        }
        filled = rules.fill(group_id, self.line, passed=self.vouchers.keys() - able)
        for together in filled.steps:
            if not self.move_together(together):
                return

    @rule(one=a_voucher_id, other=a_voucher_id)
    def swap(self, one: str, other: str) -> None:
        """Two move to each other's places in one step, wished or not."""
        pair = self.vouchers[one], self.vouchers[other]
        groups = [v.group_id for v in pair]
        if None in groups or groups[0] == groups[1]:
            return
        for voucher, to in zip(pair, groups[::-1], strict=True):
            wished = (Waiting(str(to), standing=True), *voucher.waiting)
            if to in {w.group_id for w in voucher.waiting}:
                return
            self.settle(replace(voucher, waiting=wished))
        self.move_together(
            tuple(
                rules.Step(v.voucher_id, v.group_id, str(to))
                for v, to in zip(pair, groups[::-1], strict=True)
            )
        )

    def line(self, group_id: str) -> list[Waiter]:
        rows = [rules.waiters(v).get(group_id) for v in self.vouchers.values()]
        return sorted((row for row in rows if row is not None), key=lambda row: row.order)

    def move_together(self, together: tuple[rules.Step, ...]) -> bool:
        changes, enrolments = [], []
        try:
            for step in together:
                voucher, group = self.vouchers[step.voucher_id], self.groups[step.group_id]
                if voucher.state != "used":
                    after = rules.reseat(
                        voucher,
                        group,
                        form="private",
                        now=self.now,
                        rules=RULES,
                        calendar=CALENDAR,
                    )
                    changes.append(rules.Change(voucher, after))
                    continue
                moved = rules.transfer(
                    voucher,
                    self.enrolments[step.voucher_id][-1],
                    group,
                    enrolment_id=self.name(),
                    form="private",
                    now=self.now,
                    rules=RULES,
                    calendar=CALENDAR,
                )
                changes.append(rules.Change(voucher, moved.voucher, moved.started.starts_on))
                enrolments.append(moved)
            seating = rules.seat_together(
                changes,
                self.groups,
                today=self.today,
                upto=rules.next_start(self.now, TERMS, CALENDAR),
            )
        except Refusal:
            return False
        self.groups = dict(seating.groups)
        for change in changes:
            self.vouchers[change.after.voucher_id] = change.after
        for moved in enrolments:
            self.enrolments[moved.voucher.voucher_id][-1:] = [moved.ended, moved.started]
        return True

    @rule(hours=st.sampled_from([1, 24, 48, 24 * 15]), job_is_late=st.booleans())
    def time_passes(self, hours: int, job_is_late: bool) -> None:
        self.now += timedelta(hours=hours)
        if job_is_late:
            return
        for voucher_id in VOUCHERS:
            for entry in self.vouchers[voucher_id].waiting:
                if rules.overdue_offer(self.vouchers[voucher_id], entry.group_id, self.now):
                    self.settle(rules.lapse_offer(self.vouchers[voucher_id], entry.group_id))
            if rules.overdue_contract(self.vouchers[voucher_id], self.now):
                self.settle(rules.end(self.vouchers[voucher_id], "return"))
            after, _ = rules.seats_over(self.vouchers[voucher_id], self.today)
            self.settle(after)

    @invariant()
    def groups_hold_exactly_what_vouchers_say(self) -> None:
        for group_id, group in self.groups.items():
            holders = {
                v.voucher_id for v in self.vouchers.values() if group_id in rules.seats_of(v)
            }
            assert set(group.holders) == holders

    @invariant()
    def no_group_is_oversold_on_any_day(self) -> None:
        for group in self.groups.values():
            for ahead in range(0, 40):
                day = self.today + timedelta(days=ahead)
                taken = sum(
                    s.since <= day and (s.until is None or day <= s.until)
                    for s in group.holders.values()
                )
                assert taken <= capacity_on(group, day)

    @invariant()
    def no_child_is_enrolled_twice_on_a_day(self) -> None:
        for enrolments in self.enrolments.values():
            real = [e for e in enrolments if e.ends_on is None or e.ends_on >= e.starts_on]
            for earlier, next_one in itertools.pairwise(real):
                assert earlier.ends_on is not None
                assert earlier.ends_on < next_one.starts_on
                if earlier.reason == "transfer":
                    assert next_one.starts_on - earlier.ends_on == timedelta(days=1)

    @invariant()
    def an_enrolled_child_has_a_seat_in_its_group_for_all_its_days(self) -> None:
        for enrolments in self.enrolments.values():
            for e in enrolments:
                if e.ends_on is not None and (e.ends_on < e.starts_on or e.ends_on < self.today):
                    continue
                seat = self.groups[e.group_id].holders[e.voucher_id]
                assert seat.state == "used"
                assert seat.since <= e.starts_on
                assert seat.until == e.ends_on

    @invariant()
    def an_ended_voucher_holds_nothing_to_come(self) -> None:
        for voucher in self.vouchers.values():
            if voucher.state in ("returned", "closed"):
                assert voucher.group_id is None
                assert voucher.waiting == ()


TestVouchers = Vouchers.TestCase
TestVouchers.settings = settings(
    max_examples=150,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
