"""Accounts as people read them: a balance at any instant, a statement of a period, a posting.

A line stands at the instant of what moved it: of the request, or of the event a job answers. A job
that runs late books at its event's instant, so that a period that was read may still gain lines;
its opening, lines and closing always agree with each other.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.access import actions as access
from chalicelib.budgets.rules import accounts, ledger
from chalicelib.budgets.rules.accounts import Account
from chalicelib.budgets.rules.ledger import Posting
from chalicelib.budgets.store import allotments
from chalicelib.budgets.store import ledger as books
from chalicelib.budgets.store.ledger import AccountLine
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, end_of, stamp, start_of
from chalicelib.kernel.refusals import Malformed, Unknown
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Site

MOST_LINES_IN_A_FILE = 20_000
_AFTER = "$"  # stands behind "#": a place behind all lines of an instant


class TooManyLines(Malformed):
    """A file holds at most so many lines; ask for a shorter period."""

    code = "budgets/too-many-lines"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSeen:
    """What an account holds, or held at an instant.

    room_tiyn: of what is recoverable, how much more may be taken back; None of other accounts, and
    of the past.
    """

    account: str
    at: str
    balance_tiyn: int
    room_tiyn: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSeen:
    """A line of a statement: the balance after it, and the ids that its posting rests on."""

    at: str
    posting: str
    amount_tiyn: int
    balance_tiyn: int
    links: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Where the reading of a statement stands: after a place, with the sums of its period."""

    place: str
    balance_tiyn: int
    opening_tiyn: int
    closing_tiyn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementSeen:
    """An account's period, or a part of it: opening + all lines = closing.

    next: where to go on; None at its end.
    """

    account: str
    opening_tiyn: int
    closing_tiyn: int
    lines: tuple[LineSeen, ...]
    next: Reached | None


def see_account(name: str, *, at: datetime | None, by: Actor, now: datetime) -> AccountSeen:
    """Return what an account holds now, or held after all that was booked up to an instant.

    Raises NoAccount, Unknown.
    """
    account = _reached(name, by)
    if at is None or at >= now:
        owed = account.kind == "recoverable"
        return AccountSeen(
            account=name,
            at=stamp(now),
            balance_tiyn=books.balances([name])[name],
            room_tiyn=books.room(name) if owed else None,
        )
    lines = books.each_line(name, upto=f"{books.LINE}{stamp(at)}{_AFTER}")
    return AccountSeen(account=name, at=stamp(at), balance_tiyn=_sum(lines))


def read_account(
    name: str,
    *,
    first: date | None,
    last: date | None,
    limit: int,
    by: Actor,
    after: Reached | None = None,
) -> StatementSeen:
    """Return a part of an account's statement of days, both included; all days where none is said.

    after: where the part before it ended. Raises NoAccount, Unknown.
    """
    _reached(name, by)
    begins, ends = _period(first, last)
    if after is None:
        opening = _sum(books.each_line(name, upto=begins)) if first is not None else 0
        moved = _sum(books.each_line(name, after=begins, upto=ends))
        after = Reached(
            place=begins,
            balance_tiyn=opening,
            opening_tiyn=opening,
            closing_tiyn=opening + moved,
        )
    found = list(itertools.islice(books.each_line(name, after=after.place, upto=ends), limit + 1))
    part, more = found[:limit], len(found) > limit
    lines = _seen(part, opening_tiyn=after.balance_tiyn)
    balance = lines[-1].balance_tiyn if lines else after.balance_tiyn
    # The end says what the lines came to, whatever was booked while they were read.
    closing = after.closing_tiyn if more else balance
    reached = Reached(
        place=books.place_of(part[-1]) if part else after.place,
        balance_tiyn=balance,
        opening_tiyn=after.opening_tiyn,
        closing_tiyn=closing,
    )
    return StatementSeen(
        account=name,
        opening_tiyn=after.opening_tiyn,
        closing_tiyn=closing,
        lines=lines,
        next=reached if more else None,
    )


def whole_account(name: str, *, first: date | None, last: date | None, by: Actor) -> StatementSeen:
    """Return an account's statement whole, for a file. Raises NoAccount, Unknown, TooManyLines."""
    seen = read_account(name, first=first, last=last, limit=MOST_LINES_IN_A_FILE, by=by)
    if seen.next is not None:
        raise TooManyLines(most=MOST_LINES_IN_A_FILE)
    return seen


def see_posting(name: str, *, by: Actor) -> Posting:
    """Return a posting with all its movements, to whom one of its accounts is open. Raises Unknown.

    Whoever may read one side of it sees the other, or it would not balance.
    """
    access.may(by)
    posting, owners = books.find_posting(name), _Owners()
    if posting is None or not any(
        owners.may_read(accounts.read(m.account), by) for m in posting.movements
    ):
        raise Unknown()
    return posting


def accounts_of_organisation(organisation_id: str, month: Month, *, by: Actor) -> dict[str, int]:
    """Return what the accounts of an organisation, and of its sites' month, hold. Raises Unknown.

    Those the caller may read; Unknown where there is none.
    """
    sites = [kept.value.site_id for kept in providers.list_organisation_sites(organisation_id)]
    named = [of(organisation_id) for of in (ledger.payable, ledger.paid, ledger.returned)] + [
        of(site_id, month)
        for site_id in sites
        for of in (ledger.accrued, ledger.recoverable, ledger.parents, ledger.fees)
    ]
    return _balances(named, by)


def accounts_of_budget(
    programme: str, area: str, year: int, direction: str, *, by: Actor
) -> dict[str, int]:
    """Return what a year's budget, what it was given and what is committed hold. Raises Unknown."""
    of = (programme, area)
    named = [ledger.treasury(*of, year, direction), ledger.budget(*of, year, direction)] + [
        ledger.committed(*of, Month(year, number), direction) for number in range(1, 13)
    ]
    return _balances(named, by)


def _balances(named: Sequence[str], by: Actor) -> dict[str, int]:
    owners = _Owners()
    open_to = [name for name in named if owners.may_read(accounts.read(name), by)]
    if not open_to:
        raise Unknown()
    return books.balances(open_to)


def _reached(name: str, by: Actor) -> Account:
    account = accounts.read(name)
    if not _Owners().may_read(account, by):
        raise Unknown()
    return account


class _Owners:
    """Whose accounts are; a site is read once."""

    def __init__(self) -> None:
        self._sites: dict[str, Site | None] = {}

    def may_read(self, account: Account, by: Actor) -> bool:
        """Return whether an account is there, and open to a caller."""
        access.may(by)  # what is nobody's is asked for, too
        if account.site_id:
            site = self._site(account.site_id)
            return site is not None and _open(site, by)
        if account.organisation_id:
            return self._may_read_organisation(account.organisation_id, by)
        if account.run_id:
            return self._may_read_run(account, by)
        found = allotments.find_budget(
            account.programme, account.area, account.year or 0, account.direction
        )
        return found is not None and access.may(by, area=account.area, direction=account.direction)

    def _may_read_organisation(self, organisation_id: str, by: Actor) -> bool:
        """An organisation's own accounts hold money of every area it works in.

        So an officer reads them who reaches all of these.
        """
        if providers.find_organisation(organisation_id) is None:
            return False
        if access.may(by, organisation=organisation_id):
            return True
        sites = [kept.value for kept in providers.list_organisation_sites(organisation_id)]
        return bool(sites) and all(_open(site, by) for site in sites)

    def _may_read_run(self, account: Account, by: Actor) -> bool:
        """A run is of one area, which its postings name."""
        first = next(books.each_line(account.name), None)
        posting = books.find_posting(first.posting) if first is not None else None
        if posting is None:
            return False
        area = posting.links.get("area")
        return access.may(by, area=area) if area else access.may(by)

    def _site(self, site_id: str) -> Site | None:
        if site_id not in self._sites:
            kept = providers.find_site(site_id)
            self._sites[site_id] = kept.value if kept else None
        return self._sites[site_id]


def _open(site: Site, by: Actor) -> bool:
    return access.may(
        by, organisation=site.organisation_id, area=site.area, direction=site.direction
    )


def _period(first: date | None, last: date | None) -> tuple[str, str]:
    """Return the places before a period's first line and behind its last one."""
    begins = f"{books.LINE}{stamp(start_of(first))}" if first is not None else books.LINE
    ends = f"{books.LINE}{stamp(end_of(last))}" if last is not None else f"{books.LINE}~"
    return begins, ends


def _sum(lines: Iterable[AccountLine]) -> int:
    return sum(line.amount_tiyn for line in lines)


def _seen(lines: Sequence[AccountLine], *, opening_tiyn: int) -> tuple[LineSeen, ...]:
    postings = books.find_postings(line.posting for line in lines)
    balances = itertools.accumulate((line.amount_tiyn for line in lines), initial=opening_tiyn)
    next(balances)
    return tuple(
        LineSeen(
            at=line.at,
            posting=line.posting,
            amount_tiyn=line.amount_tiyn,
            balance_tiyn=balance,
            links=postings[line.posting].links,
        )
        for line, balance in zip(lines, balances, strict=True)
    )
