"""A town whose March is to be paid: children, families, tablets, officers, a budget, a bank.

Everything is done by the actions that requests and jobs call; `Town` names each step of the
month by a sentence-sized method, so that tests may kill it, repeat it, reorder it or let two
runners do it at once. `view()` is what money comes down to, for comparing two courses of events.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from chalicelib.attendance import actions as attendance
from chalicelib.attendance import store as sheets
from chalicelib.attendance.rules import LineName
from chalicelib.attendance.rules.marks import IN, OUT
from chalicelib.billing import actions as billing
from chalicelib.billing.store import statements
from chalicelib.budgets import actions as budgets
from chalicelib.budgets.actions.checking import check_ledger
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.store import ledger as books
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.kernel.money import tenge
from chalicelib.kernel.periods import Month, local_day
from chalicelib.kernel.refusals import AnotherContent
from chalicelib.payouts import actions as payouts
from chalicelib.payouts import store as paid
from chalicelib.payouts.rules.claims import Claim
from chalicelib.payouts.rules.payments import PaymentLine, PaymentRun
from chalicelib.policy.actions import load_pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Organisation, Site, SiteState
from chalicelib.storage import vault
from chalicelib.storage.commit import commit
from chalicelib.storage.rows import MoneyRow
from chalicelib.storage.secrets import number_digests
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.rules import Enrolment, Member, Roster
from chalicelib.vouchers.rules.values import Stay, Stays
from tests.attendance.builders import a_family, at, child
from tests.stories.people import bin_, iban

AREA = "taldykorgan"
MARCH = Month(2026, 3)
DAYS = tuple(load_pack("preschool", AREA).calendar.working_days_in(MARCH))
RATE = tenge(65_000)
PLACE = {"programme": "preschool", "area": AREA}
SITES = ("site-0", "site-1")
GROUPS = {"site-0": "group-0", "site-1": "group-1"}
ORGANISATIONS = {"site-0": "organisation-0", "site-1": "organisation-1"}
CLOSING = at("2026-04-01 08:00")
FAMILIES = at("2026-04-03 20:00")
OFFICE = at("2026-04-13 09:00")
LAPSED = at("2026-04-24 09:00")
BEGAN = date(2025, 9, 1)

_AREAS = frozenset({AREA})
HEADS = {
    site_id: Actor(f"head-{n}", frozenset({Role.HEAD}), organisations=frozenset({organisation}))
    for n, (site_id, organisation) in enumerate(ORGANISATIONS.items())
}
OFFICER = Actor("officer-1", frozenset({Role.DEPARTMENT}), areas=_AREAS)
FINANCE = Actor("finance-1", frozenset({Role.FINANCE}), areas=_AREAS)
SECOND = Actor("finance-2", frozenset({Role.FINANCE}), areas=_AREAS)
JOB = system("money")

ACCOUNTS = (
    ledger.treasury("preschool", AREA, 2026),
    ledger.budget("preschool", AREA, 2026),
    *(ledger.accrued(site_id, MARCH) for site_id in SITES),
    *(ledger.recoverable(site_id, MARCH) for site_id in SITES),
    *(ledger.payable(o) for o in ORGANISATIONS.values()),
    *(ledger.paid(o) for o in ORGANISATIONS.values()),
    *(ledger.returned(o) for o in ORGANISATIONS.values()),
)


@dataclass
class Town:
    """Two kindergartens; who goes where is said with `enrol`.

    now: the instant of every step; None: each step has the usual day of its month.
    """

    families: dict[int, Actor] = field(default_factory=dict)
    now: datetime | None = None
    month: Month = MARCH

    # --- what stands before the month

    def open(self, *, allotted: int = 10_000_000) -> None:
        """Put both kindergartens on the List, with accounts, and give the city its budget."""
        for n, site_id in enumerate(SITES):
            _organisation(n)
            site = Site(
                site_id=site_id,
                organisation_id=ORGANISATIONS[site_id],
                programme="preschool",
                area=AREA,
                name="Балапан",
                address="Абай 1",
                locality="urban",
                form="private",
                state=SiteState.LISTED,
                listed_from=date(2025, 1, 1),
                valid_to=date(2027, 12, 31),
            )
            for put in providers.create_site(site):
                commit([put])
        self.allot(allotted, act="act-1")

    def allot(self, amount: int, *, act: str) -> None:
        """Set the year's budget, in tenge."""
        budgets.allot(
            programme="preschool",
            area=AREA,
            year=2026,
            amount_tiyn=tenge(amount),
            act=act,
            by=FINANCE,
            now=self.now or OFFICE,
        )

    def enrol(self, n: int, site_id: str, first: date = BEGAN, last: date | None = None) -> None:
        """Write a child's enrolment, its place on the roster and in its stays."""
        name = f"enrolment-{n:02d}-{site_id[-1]}"
        voucher = f"voucher-{n:06d}-{site_id[-1]}"
        group = GROUPS[site_id]
        roster = vouchers.find_roster(site_id, group)
        member = Member(name, child(n), first, last)
        members = (*(roster.value.members if roster else ()), member)
        enrolment = Enrolment(
            enrolment_id=name,
            voucher_id=voucher,
            child_id=child(n),
            person_id=f"person-{n:06d}",
            programme="preschool",
            area=AREA,
            organisation_id=ORGANISATIONS[site_id],
            site_id=site_id,
            group_id=group,
            kind="general",
            hours="10.5",
            locality="urban",
            starts_on=first,
            ends_on=last,
        )
        stays = vouchers.find_stays(child(n), "preschool")
        stay = Stay(name, voucher, site_id, group, first, last)
        commit([vouchers.keep_roster(roster, Roster(site_id, group, members))])
        commit([vouchers.create_enrolment(enrolment)])
        commit([vouchers.keep_stays(stays, Stays((*stays.value.stays, stay)))])
        if n not in self.families:
            self.families[n] = a_family(n)

    # --- the month

    def attend(self, n: int, site_id: str, *days: date) -> None:
        """Fold what a tablet signed: in and out on each of these days."""
        marks = [mark(day, kind, 500 + 500 * (kind == OUT)) for day in days for kind in (IN, OUT)]
        name = f"enrolment-{n:02d}-{site_id[-1]}"
        sheets.add_marks(site_id, self.month, child(n), marks, enrolment_id=name)

    def close(self, site_id: str) -> None:
        attendance.close_month(site_id, self.month, by=HEADS[site_id], now=self.now or CLOSING)

    def approve(self, n: int, site_id: str) -> None:
        """Let the family look at the timesheet and approve what it sees."""
        shown = attendance.child_month(
            child(n),
            self.month,
            programme="preschool",
            by=self.families[n],
            now=self.now or FAMILIES,
        )
        seen = next(sheet.digest for sheet in shown if sheet.site_id == site_id)
        attendance.approve(
            child(n),
            self.month,
            programme="preschool",
            site_id=site_id,
            seen=seen,
            by=self.families[n],
            now=self.now or FAMILIES,
        )

    def dispute(self, n: int, site_id: str, day: date, claim: Any = "P") -> None:
        attendance.dispute(
            child(n),
            self.month,
            LineName(day),
            programme="preschool",
            site_id=site_id,
            claim=claim,
            reason="was-there" if claim == "P" else "was-not-there",
            by=self.families[n],
            now=self.now or FAMILIES,
        )

    def insist(self, n: int, site_id: str, day: date) -> None:
        """Let the head stand by the timesheet."""
        attendance.answer_dispute(
            site_id,
            self.month,
            child(n),
            LineName(day),
            said="insist",
            by=HEADS[site_id],
            now=self.now or FAMILIES,
        )

    def decide(
        self, n: int, site_id: str, day: date, *, counts: bool, doubled: bool = False
    ) -> None:
        reason: Any = "doubled" if doubled else "device-evidence" if counts else "no-evidence"
        attendance.decide(
            site_id,
            self.month,
            child(n),
            LineName(day),
            counts=counts,
            code="P" if counts else None,
            reason=reason,
            by=OFFICER,
            now=self.now or OFFICE,
        )

    # --- the money

    def bill(self, site_id: str) -> int:
        """Bill a site; return what was posted now."""
        statement = billing.bill(site_id, self.month, by=JOB, now=self.now or OFFICE).statement
        return statement.movement_tiyn if statement else 0

    def calculate(self, site_id: str) -> Claim | None:
        return payouts.calculate(site_id, self.month, by=JOB, now=self.now or OFFICE)

    def claims(self, site_id: str) -> list[Claim]:
        """Return a site's claims, oldest first."""
        kept = paid.find_site_claims(site_id, self.month)
        return [paid.load_claim(one).value for one in (kept.value.claims if kept else ())]

    def newest(self, site_id: str) -> Claim:
        return self.claims(site_id)[-1]

    def sign(self, claim: Claim) -> None:
        payouts.sign(
            claim.claim_id,
            amount_tiyn=claim.amount_tiyn,
            by=HEADS[claim.site_id],
            now=self.now or OFFICE,
        )

    def agree(self, claim: Claim) -> None:
        payouts.agree(claim.claim_id, agreed=True, reason=None, by=OFFICER, now=self.now or OFFICE)

    def decline(self, claim: Claim) -> None:
        payouts.agree(
            claim.claim_id, agreed=False, reason="wrong-sum", by=OFFICER, now=self.now or OFFICE
        )

    def release(self, claim: Claim, by: Actor = FINANCE) -> None:
        payouts.release(claim.claim_id, by=by, now=self.now or OFFICE)

    def propose(self, run_id: str) -> PaymentRun:
        return payouts.make_run(
            run_id, **PLACE, month=self.month, by=FINANCE, now=self.now or OFFICE
        )

    def confirm(self, run: PaymentRun) -> list[PaymentLine]:
        """Let a second person send a run on its way; return its lines."""
        payouts.confirm_run(
            run.run_id, total_tiyn=run.planned_tiyn, by=SECOND, now=self.now or OFFICE
        )
        return payouts.see_run(run.run_id, by=FINANCE)[1]

    def pay(self, run_id: str) -> list[PaymentLine]:
        """Propose and confirm a payment run; return its lines."""
        return self.confirm(self.propose(run_id))

    def answer(
        self, answer_id: str, *rows: tuple[str, str, int], now: datetime | None = None
    ) -> list[str]:
        """Take the bank's answer; return what became of each line."""
        taken = payouts.take_answer(
            answer_id, answer_file(*rows), by=FINANCE, now=now or self.now or OFFICE
        )
        return [told.became for told in taken.told]

    def lapse(self, end_to_end_id: str) -> bool:
        return payouts.lapse_answer(end_to_end_id, by=JOB, now=self.now or LAPSED)

    # --- what it comes down to

    def view(self, *runs: str) -> dict[str, Any]:
        """Return what money comes down to: balances, posted lines, claims, payments, cases."""
        transit = [ledger.transit(run_id) for run_id in runs]
        balances = {a: b for a, b in books.balances([*ACCOUNTS, *transit]).items() if b}
        assert sum(balances.values()) == 0, balances
        checked = check_ledger(pause=lambda _: None)
        assert not checked.flaws, checked.flaws
        posted = {}
        for site_id in SITES:
            head, made = statements.load_site_month(site_id, self.month)
            if head is not None:
                assert head.value.posted_tiyn == sum(one.movement_tiyn for one in made)
                posted[site_id] = (head.value.posted_tiyn, head.value.held, head.value.unpaid)
        rows = {row.pk: row for row in MoneyRow.scan(consistent_read=True)}
        payments = sorted(pk for pk in rows if pk.startswith("PAYMENT#"))
        cases = sorted(pk for pk in rows if pk.startswith("CASE#"))
        return {
            "balances": balances,
            "posted": posted,
            "claims": {s: [(c.amount_tiyn, c.state) for c in self.claims(s)] for s in SITES},
            "payments": {
                pk: (kept.value.amount_tiyn, kept.value.state)
                for pk in payments
                if (kept := paid.find_payment(pk.removeprefix("PAYMENT#"))) is not None
            },
            "cases": {
                pk: (kept.value.reason, kept.value.closed_at is None)
                for pk in cases
                if (kept := paid.find_case(pk.removeprefix("CASE#"))) is not None
            },
        }

    def audit(self, at: datetime) -> tuple[int, int]:
        """Hold all that was ever stated against what is due; return cases and their sum."""
        place, on = ("preschool", AREA), local_day(at)
        night = billing.begin_night(*place, on, by=JOB, now=at)
        for part in billing.missing_parts(night):
            billing.audit_part(*place, on, part, by=JOB, now=at)
        published = billing.publish_night(*place, on, by=JOB, now=at)
        assert published is not None
        return published.cases, published.difference_tiyn

    def settle_down(self) -> None:
        """Do what the schedules do until nothing is left to do."""
        for round_ in range(3):
            moved = [self.bill(site_id) for site_id in SITES]
            for site_id in SITES:
                self.calculate(site_id)
            # What a site learns of the other in one round it may state in the next.
            if round_ and not any(moved):
                break


def a_town(*, allotted: int = 10_000_000) -> Town:
    """Open a town whose March has been attended and approved, but for what is in doubt.

    The first child goes to the first site; the second moved on the 17th; the third is claimed by
    both sites on one day; the fourth, at the second site, has one day in dispute.
    """
    town = Town()
    town.open(allotted=allotted)
    town.enrol(1, "site-0")
    town.enrol(2, "site-0", BEGAN, date(2026, 3, 16))
    town.enrol(2, "site-1", date(2026, 3, 17))
    town.enrol(3, "site-0")
    town.enrol(3, "site-1")
    town.enrol(4, "site-1")
    moved = DAYS.index(date(2026, 3, 17))
    town.attend(1, "site-0", *DAYS)
    town.attend(2, "site-0", *DAYS[:moved])
    town.attend(2, "site-1", *DAYS[moved:])
    town.attend(3, "site-0", *DAYS[:6])
    town.attend(3, "site-1", *DAYS[5:])
    town.attend(4, "site-1", *DAYS[1:])
    for site_id in SITES:
        town.close(site_id)
    town.dispute(4, "site-1", DAYS[0])
    town.insist(4, "site-1", DAYS[0])
    for n, site_id in ((1, "site-0"), (2, "site-0"), (2, "site-1"), (4, "site-1")):
        town.approve(n, site_id)
    for site_id in SITES:
        town.approve(3, site_id)
    return town


def mark(day: date, kind: int, minute: int) -> int:
    """Return a mark of a tablet: a function of the record alone."""
    return day.day << 57 | kind << 53 | minute << 40 | 77 << 24 | day.day * 2 + (kind == OUT)


def answer_file(*rows: tuple[str, str, int]) -> bytes:
    """Return a bank's CSV from (id, status, tiyn)."""
    text = "record,end_to_end_id,status,amount,reason\r\n"
    for name, status, amount in rows:
        reason = "" if status == "settled" else "AC04"
        text += f"payment,{name},{status},{amount // 100}.{amount % 100:02d},{reason}\r\n"
    total = sum(row[2] for row in rows)
    return (text + f"total,{len(rows)},,{total // 100}.{total % 100:02d},\r\n").encode()


def _organisation(n: int) -> None:
    organisation = Organisation(
        organisation_id=f"organisation-{n}",
        name=f"Балапан {n}",
        form="private",
        account="confirmed",
        created_at="2025-01-01T00:00:00.000000Z",
    )
    identity = {
        "payee": f'ТОО "Балапан {n}"',
        "bin": bin_(n),
        "account": iban(n),
        "bank": "KKMFKZ2A",
        "contact": "+77010000000",
    }
    alias = number_digests("bin", identity["bin"])
    commit(
        [
            *providers.create_organisation(organisation, alias, otherwise=AnotherContent()),
            *vault.seal(f"ORG#{organisation.organisation_id}", identity),
        ]
    )
