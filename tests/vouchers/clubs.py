"""A city of clubs in three directions, with budgets and families, on the test's tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from chalicelib.budgets import actions as budgets
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.store import ledger as books
from chalicelib.children import store as people
from chalicelib.children.actions import register
from chalicelib.children.rules import ChildDetails, Holding, hold
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.kernel.periods import Month, local_day, stamp
from chalicelib.policy.actions import load_pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Group, SiteState
from chalicelib.storage.commit import commit
from chalicelib.vouchers import actions, rules, store
from chalicelib.vouchers.rules import Enrolment, Voucher
from tests.children.builders import a_child, a_registration, an_iin, details
from tests.providers.builders import a_group, a_site

# A Monday, 09:00 in Almaty; 26 October, the day after the Republic's Day, is off.
NOW = datetime(2026, 10, 5, 4, 0, tzinfo=UTC)
TODAY = date(2026, 10, 5)
PACK = load_pack("clubs", "karaganda")
RULES = PACK.at(TODAY)
CALENDAR = PACK.calendar
BOT = system("test")
MONTH_TIYN = RULES.month_max_tiyn(False)
FINANCE = Actor(
    "finance-1",
    frozenset({Role.FINANCE}),
    areas=frozenset({"karaganda"}),
    directions=frozenset({"*"}),
)
OPERATOR = Actor("operator-1", frozenset({Role.OPERATOR}), areas=frozenset({"karaganda"}))
BORN = date(2016, 5, 4)

BOXING, DOMBRA, ROBOTS, SCHOOL = "site-boxing", "site-dombra", "site-robots", "site-school"
SITES = {
    BOXING: ("sport", "private"),
    DOMBRA: ("creative", "private"),
    ROBOTS: ("education", "other"),
    SCHOOL: ("sport", "public"),
}
FIGHT, PLAY, BUILD, RUN = "group-fight", "group-play", "group-build", "group-run"
HOMES = {FIGHT: BOXING, PLAY: DOMBRA, BUILD: ROBOTS, RUN: SCHOOL}


def later(*, days: int = 0, hours: int = 0) -> datetime:
    return NOW + timedelta(days=days, hours=hours)


def a_club_group(group_id: str, **said: Any) -> Group:
    """Return an open group of a club for ages 7 to 14."""
    site_id = said.pop("site_id", HOMES.get(group_id, BOXING))
    fields: dict[str, Any] = {
        "group_id": group_id,
        "site_id": site_id,
        "organisation_id": f"org-{site_id}",
        "programme": "clubs",
        "area": "karaganda",
        "academic_year": 2026,
        "age_from": 7,
        "age_to": 14,
        "kind": SITES[site_id][0],
        "hours": "60",
    }
    return a_group(**{**fields, **said})


def a_club_voucher(**said: Any) -> Voucher:
    """Return a voucher by budget, confirmed at issue, of a child of ten."""
    fields: dict[str, Any] = {
        "voucher_id": "voucher-1",
        "application_id": "application-1",
        "child_id": "child-001",
        "person_id": "person-01",
        "programme": "clubs",
        "area": "karaganda",
        "age": 10,
        "academic_year": 2026,
        "language": "any",
        "kind": "any",
        "order": "0001",
        "preferences": (),
        "group": None,
        "waiting": (),
        "issued_at": NOW,
        "confirm_by": NOW,
        "contract_by": CALENDAR.deadline(
            said.pop("now", NOW), working_days=RULES.terms.contract_working_days
        ),
        "run_id": "run-00001",
        "pack": PACK.version,
        "voucher_kind": "universal",
        "direction": "sport",
        "reserve_tiyn": MONTH_TIYN,
        "reserved_from": "2026-10",
        "reserved_to": "2026-12",
    }
    return rules.issue(**{**fields, **said})


class City:
    """Four clubs with a group each, budgets of three directions, and families with vouchers."""

    def __init__(
        self,
        subject_of: Callable[[str], str] = lambda name: f"{name:-<32}",
        *,
        months: int = 60,
    ) -> None:
        self.subject_of = subject_of
        self.parents: dict[str, Actor] = {}
        self._families = 0
        for site_id, (direction, form) in SITES.items():
            site = a_site(
                site_id=site_id,
                organisation_id=f"org-{site_id}",
                programme="clubs",
                area="karaganda",
                name=site_id,
                form=form,
                direction=direction,
                state=SiteState.LISTED,
            )
            commit(providers.create_site(site))
        for group_id in HOMES:
            self.group(group_id)
        self.allot(2026, months)

    def group(self, group_id: str, **said: Any) -> str:
        commit(providers.create_group(a_club_group(group_id, **said)))
        return group_id

    def allot(
        self, year: int, months: int, directions: tuple[str, ...] = tuple(RULES.kinds)
    ) -> None:
        """Set budgets that hold so many months of a voucher."""
        for direction in directions:
            budgets.allot(
                programme="clubs",
                area="karaganda",
                year=year,
                direction=direction,
                amount_tiyn=months * MONTH_TIYN,
                act=f"act-{year}-{direction}-{months}",
                by=FINANCE,
                now=NOW,
            )

    def family(self) -> tuple[Actor, ChildDetails, int]:
        """Register a representative; return them, what is to be said of their child, a number."""
        self._families += 1
        n = self._families
        parent = Actor(self.subject_of(f"parent{n}"), frozenset({Role.REPRESENTATIVE}))
        register(a_registration(iin=an_iin(n)), by=parent, now=NOW)
        return parent, details(iin=an_iin(100 + n), birth_date=BORN), n

    def issued(self, *, now: datetime = NOW, **said: Any) -> str:
        """Issue a voucher by budget to a new family, as a run does; return its id."""
        parent, _, n = self.family()
        child = a_child(parent, named=f"application-{n}", iin=an_iin(100 + n), birth_date=BORN)
        alias = people.find_alias(parent.subject)
        assert alias is not None
        voucher = a_club_voucher(
            voucher_id=f"voucher-{n}",
            application_id=f"application-{n}",
            child_id=child.child_id,
            person_id=str(alias.value.person_id),
            order=said.pop("order", f"{n:04d}"),
            issued_at=now,
            now=now,
            **said,
        )
        holding = Holding(
            kind="voucher",
            id=voucher.voucher_id,
            programme="clubs",
            area="karaganda",
            since=stamp(now),
        )
        kept = people.load_holdings(child.child_id)
        own, *rest = actions.issuing(voucher)
        journal.commit(
            journal.entry("queue/issued", f"voucher/{voucher.voucher_id}", by=BOT, now=now),
            own,  # type: ignore[arg-type]
            *rest,
            *budgets.reserving(
                f"reserve#{voucher.voucher_id}", rules.reserves_of(voucher), at=stamp(now)
            ),
            people.keep_holdings(kept, hold(kept.value, holding)),
        )
        self.parents[voucher.voucher_id] = parent
        return voucher.voucher_id

    def choose(self, voucher_id: str, group_id: str, now: datetime = NOW) -> Voucher:
        return actions.choose(voucher_id, group_id, by=self.parents[voucher_id], now=now)

    def sign(
        self, voucher_id: str, starts_on: date | None = None, now: datetime = NOW
    ) -> Enrolment:
        day = starts_on or local_day(now)
        return actions.sign(voucher_id, day, by=self.parents[voucher_id], now=now)

    def switch(self, voucher_id: str, group_id: str, now: datetime = NOW) -> Enrolment:
        return actions.transfer(voucher_id, group_id, by=self.parents[voucher_id], now=now)

    def close(self, voucher_id: str, last_day: date | None, now: datetime = NOW) -> Voucher:
        by = self.parents[voucher_id]
        return actions.close(voucher_id, "withdrawal", last_day, by=by, now=now)

    def enrolled(
        self,
        group_id: str = FIGHT,
        *,
        starts_on: date | None = None,
        now: datetime = NOW,
        **said: Any,
    ) -> str:
        """Bring a family to a signed contract; return the voucher's id."""
        voucher_id = self.issued(now=now, **said)
        self.choose(voucher_id, group_id, now)
        self.sign(voucher_id, starts_on, now)
        return voucher_id

    # --- what stands in the tables

    def voucher(self, voucher_id: str) -> Voucher:
        return store.load_voucher(voucher_id).value

    def held_by(self, voucher_id: str) -> set[str]:
        child_id = self.voucher(voucher_id).child_id
        return {h.kind for h in people.load_holdings(child_id).value.held}

    def holders(self, group_id: str) -> set[str]:
        return set(providers.load_group(group_id).value.holders)


def committed(month: str, direction: str = "sport") -> int:
    """Return how many vouchers' months a direction holds committed of a month."""
    account = ledger.committed("clubs", "karaganda", Month.parse(month), direction)
    return books.balances([account])[account] // MONTH_TIYN


def free(direction: str = "sport", year: int = 2026) -> int:
    """Return how many months of a voucher a budget could still promise."""
    left = budgets.free("clubs", "karaganda", year, [direction])
    return left[direction] // MONTH_TIYN
