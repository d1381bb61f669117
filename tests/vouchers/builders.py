"""Vouchers, enrolments and a small town on real tables, for tests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from chalicelib.children import store as people
from chalicelib.children.actions import register
from chalicelib.children.rules import Holding, hold
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.policy.actions import load_pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Group, Site, SiteState, take_seat
from chalicelib.storage.commit import commit
from chalicelib.vouchers import actions, rules, store
from chalicelib.vouchers.rules import Enrolment, Voucher
from tests.children.builders import a_child, a_registration, an_iin
from tests.providers.builders import a_group, a_site

# A Monday, 09:00 in Almaty; 9 March is a day off, 21-25 March Nauryz.
NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
PACK = load_pack("preschool", "taldykorgan")
CALENDAR = PACK.calendar
RULES = PACK.at(TODAY)
TERMS = RULES.terms
REASONS = [row.code for row in PACK.at(TODAY).papers_refusal_reasons]
BOT = system("test")
ORG, OTHER_ORG = "org-00001", "org-00002"
SITE, OTHER_SITE = "site-0001", "site-0002"
HEAD = Actor("head-1", frozenset({Role.HEAD}), organisations=frozenset({ORG}))
OTHER_HEAD = Actor("head-2", frozenset({Role.HEAD}), organisations=frozenset({OTHER_ORG}))
EDUCATOR = Actor("educator-1", frozenset({Role.EDUCATOR}), organisations=frozenset({ORG}))
OFFICER = Actor("officer-1", frozenset({Role.DEPARTMENT}), areas=frozenset({"taldykorgan"}))
FAR_OFFICER = Actor("officer-2", frozenset({Role.DEPARTMENT}), areas=frozenset({"astana"}))
PARENT = Actor("parent-1", frozenset({Role.REPRESENTATIVE}))


def later(*, days: int = 0, hours: int = 0) -> datetime:
    return NOW + timedelta(days=days, hours=hours)


def a_voucher(**said: Any) -> Voucher:
    """Return a confirmed voucher of a child of three, without a seat."""
    voucher: dict[str, Any] = {
        "voucher_id": "voucher-1",
        "application_id": "application-1",
        "child_id": "child-001",
        "person_id": "person-01",
        "programme": "preschool",
        "area": "taldykorgan",
        "age": 3,
        "academic_year": 2025,
        "language": "kk",
        "kind": "general",
        "order": "0001",
        "state": "confirmed",
        "issued_at": stamp(NOW),
        "confirm_by": stamp(CALENDAR.deadline(NOW, working_days=2)),
        "run_id": "run-00001",
        "pack": PACK.version,
        "contract_by": stamp(CALENDAR.deadline(NOW, working_days=5)),
    }
    return Voucher(**{**voucher, **said})


def seated(group: Group, **said: Any) -> Voucher:
    """Return a confirmed voucher with a reserved seat in a group."""
    return a_voucher(
        group_id=group.group_id,
        site_id=group.site_id,
        organisation_id=group.organisation_id,
        seat="reserved",
        **said,
    )


def an_enrolment(group: Group, **said: Any) -> Enrolment:
    enrolment: dict[str, Any] = {
        "enrolment_id": "enrolment-1",
        "voucher_id": "voucher-1",
        "child_id": "child-001",
        "person_id": "person-01",
        "programme": "preschool",
        "area": "taldykorgan",
        "organisation_id": group.organisation_id,
        "site_id": group.site_id,
        "group_id": group.group_id,
        "kind": "general",
        "hours": "10.5",
        "locality": "urban",
        "starts_on": TODAY,
    }
    return Enrolment(**{**enrolment, **said})


def enrolled(group: Group, **said: Any) -> Voucher:
    """Return a used voucher whose child is enrolled in a group."""
    used = {"state": "used", "seat": "used", "papers": "accepted", "enrolment_id": "enrolment-1"}
    return replace(seated(group), **{**used, **said})


# --- on tables ----------------------------------------------------------------------------------


class Town:
    """Two kindergartens with small groups, and families with vouchers, on the test's tables."""

    def __init__(self, subject_of: Callable[[str], str] = lambda name: f"{name:-<32}") -> None:
        self.subject_of = subject_of
        self.parents: dict[str, Actor] = {}
        self._families = 0
        for site_id, organisation_id in ((SITE, ORG), (OTHER_SITE, OTHER_ORG)):
            site = a_site(
                site_id=site_id,
                organisation_id=organisation_id,
                name=f"Балапан {site_id[-1]}",
                state=SiteState.LISTED,
            )
            commit(providers.create_site(site))

    def group(self, group_id: str, *, capacity: int = 2, site_id: str = SITE, **said: Any) -> str:
        """Make an open group; return its id."""
        organisation_id = ORG if site_id == SITE else OTHER_ORG
        group = a_group(
            group_id=group_id,
            site_id=site_id,
            organisation_id=organisation_id,
            capacity=capacity,
            **said,
        )
        commit(providers.create_group(group))
        return group_id

    def issued(self, group_id: str | None, *, order: str = "", now: datetime = NOW) -> str:
        """Issue a voucher to a new family, as an iteration does; return its id."""
        self._families += 1
        n = self._families
        parent = Actor(self.subject_of(f"parent{n}"), frozenset({Role.REPRESENTATIVE}))
        register(a_registration(iin=an_iin(n)), by=parent, now=now)
        child = a_child(parent, named=f"application-{n}", iin=an_iin(100 + n))
        group = providers.load_group(group_id) if group_id else None
        person_id = people.find_alias(parent.subject).value.person_id  # type: ignore[union-attr]
        voucher = rules.issue(
            voucher_id=f"voucher-{n}",
            application_id=f"application-{n}",
            child_id=child.child_id,
            person_id=str(person_id),
            programme="preschool",
            area="taldykorgan",
            age=3,
            academic_year=2025,
            language="kk",
            kind="general",
            order=order or f"{n:04d}",
            preferences=(),
            group=group.value if group else None,
            waiting=(),
            issued_at=now,
            confirm_by=CALENDAR.deadline(now, working_days=2),
            run_id="run-00001",
            pack=PACK.version,
        )
        holding = Holding(
            kind="voucher",
            id=voucher.voucher_id,
            programme="preschool",
            area="taldykorgan",
            since=stamp(now),
        )
        kept = people.load_holdings(child.child_id)
        own, *rest = actions.issuing(voucher)
        if group is not None:
            taken = take_seat(group.value, voucher.voucher_id, "reserved", local_day(now))
            rest.append(providers.keep_group(group, taken))
        journal.commit(
            journal.entry("queue/issued", f"voucher/{voucher.voucher_id}", by=BOT, now=now),
            own,  # type: ignore[arg-type]
            *rest,
            people.keep_holdings(kept, hold(kept.value, holding)),
        )
        self.parents[voucher.voucher_id] = parent
        return voucher.voucher_id

    def confirmed(self, group_id: str | None, *, order: str = "", now: datetime = NOW) -> str:
        """Issue a voucher and confirm it; return its id."""
        voucher_id = self.issued(group_id, order=order, now=now)
        kept = store.load_voucher(voucher_id)
        _, (own, *rest) = actions.confirming(kept, now=now)
        entry = journal.entry("vouchers/confirmed", f"voucher/{voucher_id}", by=BOT, now=now)
        journal.commit(entry, own, *rest)  # type: ignore[arg-type]
        return voucher_id

    def enrolled(self, group_id: str, *, starts_on: date | None = None, now: datetime = NOW) -> str:
        """Bring a family to a signed contract; return the voucher's id."""
        voucher_id = self.confirmed(group_id, now=now)
        self.papers(voucher_id, now=now)
        self.sign(voucher_id, starts_on=starts_on, now=now)
        return voucher_id

    def papers(self, voucher_id: str, result: Any = "accepted", now: datetime = NOW) -> Voucher:
        site = store.load_voucher(voucher_id).value.site_id
        head = HEAD if site == SITE else OTHER_HEAD
        reason = "incomplete" if result == "refused" else None
        return actions.judge_papers(voucher_id, result, reason, by=head, now=now)

    def sign(
        self, voucher_id: str, *, starts_on: date | None = None, now: datetime = NOW
    ) -> Enrolment:
        day = starts_on or (now + timedelta(hours=5)).date()
        return actions.sign(voucher_id, day, by=self.parents[voucher_id], now=now)

    # --- what stands in the tables

    def voucher(self, voucher_id: str) -> Voucher:
        return store.load_voucher(voucher_id).value

    def holders(self, group_id: str) -> set[str]:
        return set(providers.load_group(group_id).value.holders)

    def waiting(self, group_id: str) -> list[str]:
        return [k.value.voucher_id for k in store.each_waiter(group_id)]

    def set_site(self, site_id: str, **changes: Any) -> Site:
        """Suspend or remove a site, its groups closed with it, as providers do."""
        kept = providers.load_site(site_id)
        site = replace(kept.value, **changes)
        commit(providers.keep_site(kept, site))
        for group in providers.list_site_groups(site_id):
            commit([providers.keep_group(group, replace(group.value, open=site.listed))])
        return site


def both(*steps: Callable[[], object]) -> list[object]:
    """Run steps at the same moment; return what each gave or raised."""
    barrier = threading.Barrier(len(steps))
    results: list[object] = [None] * len(steps)

    def run(n: int, step: Callable[[], object]) -> None:
        barrier.wait()
        try:
            results[n] = step()
        except Exception as error:
            results[n] = error

    threads = [threading.Thread(target=run, args=(n, step)) for n, step in enumerate(steps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
