"""A kindergarten's March with tablets that really sign, to be billed, corrected and replayed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from chalicelib.attendance import actions as attendance
from chalicelib.attendance.rules import line_name
from chalicelib.billing import actions
from chalicelib.billing.rules.statements import Statement
from chalicelib.billing.store import statements as store
from chalicelib.budgets import actions as budgets
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.kernel.money import tenge
from chalicelib.kernel.periods import Month
from chalicelib.vouchers import store as vouchers
from tests.attendance.builders import (
    AREA,
    GROUP,
    HEAD,
    MARCH,
    OFFICER,
    ORGANISATION,
    SITE,
    STARTED,
    a_family,
    at,
    child,
    enrolment,
    open_site,
    pair,
    send,
)
from tests.attendance.tablets import Tablet

from .builders import working

JOB = system("billing")
FINANCE = Actor("finance-1", frozenset({Role.FINANCE}), areas=frozenset({AREA}))
AUDITOR = Actor("auditor-1", frozenset({Role.AUDITOR}))
DAYS = working(MARCH)
DAY_TENGE = 65_000 / 18  # of March 2026, for the reader
CHECK = at("2026-04-13 09:00")


@dataclass
class Kindergarten:
    """A site with children 1 to n, its tablet, and everybody who acts in its month."""

    children: int = 2
    site_id: str = SITE
    organisation_id: str = ORGANISATION
    first: int = 1
    seed: int = 1
    starts_on: date = STARTED
    ends_on: date | None = None
    tablet: Tablet = field(init=False)

    def __post_init__(self) -> None:
        open_site(
            children_count=self.children,
            site_id=self.site_id,
            organisation_id=self.organisation_id,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            first=self.first,
        )
        for n in range(self.first, self.first + self.children):
            self.end(n, self.ends_on, event="vouchers/contract-signed", now="2025-09-01 09:00")
        self.tablet = Tablet(seed=self.seed)
        pair(self.tablet, site_id=self.site_id, head=self.head)

    @property
    def head(self) -> Actor:
        if self.organisation_id == ORGANISATION:
            return HEAD
        return Actor("head-2", frozenset({Role.HEAD}), organisations={self.organisation_id})

    def attend(
        self,
        *numbers: int,
        days: Sequence[date] = DAYS,
        absent: dict[date, str] | None = None,
        tablet: Tablet | None = None,
    ) -> None:
        """Have children marked, day by day, each evening's records sent the same evening."""
        tablet = tablet or self.tablet
        for day in days:
            for n in numbers:
                self._day(n, day, tablet, (absent or {}).get(day))

    def _day(self, n: int, day: date, tablet: Tablet, reason: str | None) -> None:
        if reason is not None:
            said = tablet.sign(
                f"{day}T09:00:00+05:00", kind="absence", enrolment=enrolment(n), reason=reason
            )
            records = [said]
        else:
            records = [
                tablet.sign(f"{day}T08:20:00+05:00", enrolment=enrolment(n)),
                tablet.sign(f"{day}T18:00:00+05:00", kind="out", enrolment=enrolment(n)),
            ]
        answer = send(tablet, records, now=at(f"{day} 18:30") + timedelta(seconds=n))
        assert {o.outcome for o in answer.outcomes} == {"accepted"}, answer.outcomes

    def close(self, now: str = "2026-04-01 08:00") -> None:
        attendance.close_month(self.site_id, MARCH, by=self.head, now=at(now))

    def approve(self, n: int, now: str = "2026-04-02 20:00", *, known: bool = False) -> None:
        family = Actor(f"sign-in-{n:06d}", frozenset({Role.REPRESENTATIVE}))
        family = family if known else a_family(n)
        shown = attendance.child_month(
            child(n), MARCH, programme="preschool", by=family, now=at(now)
        )
        (mine,) = [s for s in shown if s.site_id == self.site_id]
        attendance.approve(
            child(n),
            MARCH,
            programme="preschool",
            site_id=self.site_id,
            seen=mine.digest,
            by=family,
            now=at(now),
        )

    def decide(
        self,
        n: int,
        day: date,
        *,
        counts: bool,
        reason: str = "device-evidence",
        code: str | None = None,
        now: str = "2026-04-14 10:00",
    ) -> None:
        attendance.decide(
            self.site_id,
            MARCH,
            child(n),
            line_name(day.isoformat(), MARCH),
            counts=counts,
            code=code,  # type: ignore[arg-type]
            reason=reason,  # type: ignore[arg-type]
            by=OFFICER,
            now=at(now),
        )

    def proof(self, n: int, day: date, reason: str, now: str) -> None:
        attendance.file_proof(
            self.site_id,
            MARCH,
            child(n),
            line_name(day.isoformat(), MARCH),
            reason=reason,  # type: ignore[arg-type]
            reference="справка 17",
            by=self.head,
            now=at(now),
        )

    def end(self, n: int, last: date | None, *, event: str, now: str) -> None:
        """Say how long a child is enrolled the way vouchers do: roster, enrolment and entry."""
        kept = vouchers.find_enrolments([(self.site_id, enrolment(n))])[0]
        roster = vouchers.find_roster(self.site_id, GROUP)
        members = tuple(
            replace(m, ends_on=last) if m.enrolment_id == enrolment(n) else m
            for m in roster.value.members
        )
        journal.commit(
            journal.entry(event, f"voucher/voucher-{n:06d}", by=OFFICER, now=at(now)),
            vouchers.keep_enrolment(kept, replace(kept.value, ends_on=last)),
            vouchers.keep_roster(roster, replace(roster.value, members=members)),
        )

    def bill(self, now: datetime = CHECK) -> Statement | None:
        return actions.bill(self.site_id, MARCH, by=JOB, now=now).statement

    def statements(self) -> list[Statement]:
        return store.load_site_month(self.site_id, MARCH)[1]

    def replay(self, now: datetime = CHECK):
        return actions.replay_month(self.site_id, MARCH, by=AUDITOR, now=now)


def allot(tenge_left: int = 100_000_000) -> None:
    budgets.allot(
        programme="preschool",
        area=AREA,
        year=2026,
        amount_tiyn=tenge(tenge_left),
        act="act-1",
        by=FINANCE,
        now=at("2026-01-05 09:00"),
    )


def acts(statement: Statement | None, n: int = 1) -> list[tuple[str, str]]:
    """Return the acts of a child's corrected line, as (kind, what it says)."""
    assert statement is not None
    (line,) = [s for s in statement.lines if s.line.child_id == child(n)]
    return [(b.act, b.said) for b in line.because]


def moved(statements: Iterable[Statement]) -> list[int]:
    return [s.movement_tiyn for s in statements]


__all__ = ["MARCH", "Month", "at", "child", "enrolment", "DAYS", "CHECK", "SITE", "tenge"]
