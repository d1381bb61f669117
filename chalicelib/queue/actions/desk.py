"""What issuing the next vouchers needs, whatever decides who gets one.

Places or money: a voucher leaves the queue, is held by the child, has its clocks and is told in
the same way. The rows are read in hundreds; one that changed is read anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from chalicelib.applications import store as applications
from chalicelib.applications.rules import Application, QueueEntry, decide_offer
from chalicelib.budgets.rules.reserving import Reserve
from chalicelib.children import store as children
from chalicelib.children.actions import representatives_of
from chalicelib.children.rules import Holding, Holdings, hold, swap
from chalicelib.kernel.periods import from_stamp, local_day
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Rules
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Group
from chalicelib.queue import rules
from chalicelib.queue.rules import Outcome, Run, Seeker, Settled
from chalicelib.storage import outbox
from chalicelib.storage.commit import Put, Write
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.rules import Voucher, issue, next_start

TOLD_MAX = 4  # a batch with its people, lists and clocks stays within one commit


@dataclass(slots=True)
class Desk:
    """What the next vouchers need, read in hundreds; a row that changed is read anew.

    from_on: from which day seats are given; upto: from which at the latest, where a holder moves
    away and has its seat until then.
    """

    run: Run
    judged: Rules
    from_on: date
    upto: date
    contract_by: datetime
    applications: dict[str, Kept[Application]] = field(default_factory=dict)
    entries: dict[str, Kept[QueueEntry]] = field(default_factory=dict)
    holdings: dict[str, Kept[Holdings]] = field(default_factory=dict)
    vouchers: dict[str, Kept[Voucher]] = field(default_factory=dict)
    groups: dict[str, Kept[Group]] = field(default_factory=dict)
    sites: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run, units: Sequence[Sequence[Outcome]], *, now: datetime) -> Desk:
        assert run.released_at is not None
        released = from_stamp(run.released_at)
        day = local_day(released)
        pack = load_pack(run.programme, run.area)
        judged = pack.at(day)
        from_on = rules.starts(day, run.academic_year, judged.academic_year)
        desk = cls(
            run,
            judged,
            from_on=from_on,
            upto=max(from_on, next_start(now, judged.terms, pack.calendar)),
            contract_by=pack.calendar.deadline(
                released, working_days=judged.terms.contract_working_days
            ),
        )
        desk.fetch([outcome for unit in units for outcome in unit])
        return desk

    def fetch(self, outcomes: Sequence[Outcome]) -> None:
        """Read all rows of these outcomes, over what was read before."""
        ids = [outcome.application_id for outcome in outcomes]
        for application_id in ids:
            self.applications.pop(application_id, None)
            self.entries.pop(application_id, None)
        self.applications |= applications.find_applications(ids)
        self.entries |= applications.find_entries(self.run.programme, self.run.area, ids)
        self.vouchers |= vouchers.find_vouchers([self.voucher_id(i) for i in ids])
        people = [k.value.child_id for i in ids if (k := self.applications.get(i))]
        self.holdings |= children.find_holdings(people)
        groups = list(dict.fromkeys(o.group_id for o in outcomes if o.group_id))
        if groups:
            self.groups |= providers.find_groups(groups)

    def fetch_all_groups(self) -> None:
        """Read every group of the area anew."""
        kept = providers.list_groups(self.run.programme, self.run.area)
        self.groups = {k.value.group_id: k for k in kept}

    def site_name(self, site_id: str) -> str:
        """Return a provider's name, as its notices have it."""
        if site_id not in self.sites:
            self.sites[site_id] = providers.load_site(site_id).value.name
        return self.sites[site_id]

    def voucher_id(self, application_id: str) -> str:
        return rules.voucher_id_for(self.run.run_id, application_id)

    def seeker(self, application_id: str) -> Seeker:
        """Return who waits as the engine sees it today."""
        entry = self.entries[application_id].value
        return rules.seeker_of(entry, self.judged, self.run.academic_year)

    def waits(self, outcome: Outcome) -> bool:
        """Return whether an application still stands in the queue."""
        kept = self.applications.get(outcome.application_id)
        return (
            kept is not None
            and rules.still_waits(kept.value)
            and outcome.application_id in self.entries
        )

    def issued(self, outcome: Outcome) -> Settled | None:
        """Return the voucher this run issued for an application before."""
        kept = self.vouchers.get(self.voucher_id(outcome.application_id))
        return None if kept is None else settled_by(kept.value, outcome)

    def voucher(
        self,
        outcome: Outcome,
        *,
        group: Group | None = None,
        waiting: Sequence[str] = (),
        reserve: Reserve | None = None,
    ) -> Voucher:
        """Return the voucher of an application, not written yet.

        group: whose seat it holds; reserve: the money it holds.
        """
        run = self.run
        assert run.released_at is not None and run.confirm_by is not None
        application = self.applications[outcome.application_id].value
        seeker = self.seeker(outcome.application_id)
        return issue(
            voucher_id=self.voucher_id(outcome.application_id),
            application_id=outcome.application_id,
            child_id=application.child_id,
            person_id=application.person_id,
            programme=run.programme,
            area=run.area,
            age=seeker.age,
            academic_year=run.academic_year,
            language=seeker.language,
            kind=seeker.kind,
            order=rules.voucher_order(run.released_at, outcome.position),
            preferences=seeker.preferences,
            group=group,
            waiting=waiting,
            issued_at=from_stamp(run.released_at),
            confirm_by=from_stamp(run.confirm_by),
            run_id=run.run_id,
            pack=run.pack,
            voucher_kind=self.judged.queued_kind.code,
            sen=seeker.sen,
            contract_by=None if asks_confirmation(self.judged) else self.contract_by,
            direction=reserve.direction if reserve else "",
            reserve_tiyn=reserve.month_tiyn if reserve else 0,
            reserved_from=str(reserve.first) if reserve else None,
            reserved_to=str(reserve.last) if reserve else None,
        )

    def leaving(self, outcome: Outcome, voucher: Voucher) -> tuple[Put, list[Write]]:
        """Describe an application that got its voucher: its row, and what goes with it.

        Out of the queue; its term to confirm, or fulfilled at once where the pack asks for no
        confirmation; the child holds the voucher. Raises NotQueued, AlreadyHeld.
        """
        run = self.run
        kept = self.applications[outcome.application_id]
        needs = asks_confirmation(self.judged)
        until = run.confirm_by if needs else run.released_at
        offered = decide_offer(
            kept.value, voucher.voucher_id, until or "", needs_confirmation=needs
        )
        put, rest = applications.offer(kept, self.entries[outcome.application_id], offered)
        held = self.holdings.get(voucher.child_id) or children.load_holdings(voucher.child_id)
        holding = Holding(
            kind="voucher",
            id=voucher.voucher_id,
            programme=voucher.programme,
            area=voucher.area,
            since=run.released_at or "",
        )
        # A fulfilled application is held no longer: its voucher stands for it.
        after = (
            hold(held.value, holding)
            if needs
            else swap(held.value, outcome.application_id, holding)
        )
        return put, [*rest, children.keep_holdings(held, after)]


def asks_confirmation(judged: Rules) -> bool:
    """Return whether a voucher waits for the family's word; else it is issued confirmed."""
    return judged.terms.confirm_working_days > 0


def settled_by(voucher: Voucher, outcome: Outcome) -> Settled:
    """Return what a voucher that stands in the tables means for its run.

    Its holder may have taken its money to another direction since; the run took it from its own.
    """
    months = 0
    if voucher.reserved_from is not None and voucher.reserved_to is not None:
        months = rules.months_between(voucher.reserved_from, voucher.reserved_to)
    return Settled(
        voucher.application_id,
        voucher.voucher_id,
        voucher.group_id,
        direction=outcome.direction,
        reserved_tiyn=voucher.reserve_tiyn * months,
    )


def passed_over(unit: Sequence[Outcome], why: str) -> list[Settled]:
    """Return that nobody of a unit got a voucher, and why."""
    return [Settled(outcome.application_id, skipped=why) for outcome in unit]


def told(voucher: Voucher, template: str, now: datetime, **facts: str) -> list[Put]:
    """Describe the notice of a new voucher to everybody who represents the child today."""
    people = representatives_of(voucher.child_id, local_day(now)) or (voucher.person_id,)
    return [
        outbox.notice(
            f"voucher-issued#{voucher.voucher_id}",
            to=f"person:{person_id}",
            template=template,
            now=now,
            voucher_id=voucher.voucher_id,
            application_id=voucher.application_id,
            **facts,
        )
        for person_id in people[:TOLD_MAX]
    ]
