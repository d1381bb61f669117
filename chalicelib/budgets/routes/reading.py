"""The ledger over HTTP: accounts at any instant, their statements as pages and files, postings."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from chalicelib.budgets import actions
from chalicelib.budgets.actions import Reached, StatementSeen, TooManyLines
from chalicelib.budgets.routes.shapes import MonthText, Named, routes, year_of
from chalicelib.budgets.rules.accounts import NoAccount
from chalicelib.edge import pages, tables
from chalicelib.edge.body import BadField
from chalicelib.edge.routes import Call, File
from chalicelib.kernel.ids import BadId, checked_id
from chalicelib.kernel.periods import BadMonth, Month, from_stamp
from chalicelib.kernel.refusals import Unknown

HEADINGS = (
    "at", "posting", "amount_tiyn", "balance_tiyn",
    "site", "month", "statement", "claim", "payment", "run", "act",
)  # fmt: skip
_LINKS = HEADINGS[4:]
_NO_LINES = datetime(2000, 1, 1, tzinfo=UTC)


class InstantAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """At which instant; now where none is said."""

    at: Annotated[datetime, Meta(tz=True)] | None = None


class AccountShown(msgspec.Struct, frozen=True):
    """What an account held after all that was booked up to an instant.

    room_tiyn: of what is recoverable now, how much more may be taken back.
    """

    account: str
    at: str
    balance_tiyn: int
    room_tiyn: int | None


class AccountsAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An organisation's month, or a budget's year: one of the two."""

    organisation_id: Annotated[str, Meta(max_length=64)] | None = None
    month: MonthText | None = None
    programme: Named | None = None
    area: Named | None = None
    year: Annotated[str, Meta(min_length=4, max_length=4)] | None = None
    direction: Named | None = None


class BalanceShown(msgspec.Struct, frozen=True):
    account: str
    balance_tiyn: int


class AccountsShown(msgspec.Struct, frozen=True):
    """Accounts by name with what they hold now; of those that may be read."""

    accounts: tuple[BalanceShown, ...]


class LinesAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Days of Kazakhstan, both included; from the first line or to the last where left out."""

    from_on: date | None = None
    to_on: date | None = None
    format: Literal["json", "csv", "xlsx"] = "json"
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=600)] | None = None


class LineShown(msgspec.Struct, frozen=True):
    """What one posting moved, and the balance after it.

    links: the ids it rests on: site, month, statement; claim; payment, run; act.
    """

    at: str
    posting: str
    amount_tiyn: int
    balance_tiyn: int
    links: dict[str, str]


class LinesShown(msgspec.Struct, frozen=True):
    """A page of an account's statement. opening + the lines of all pages = closing."""

    account: str
    opening_tiyn: int
    closing_tiyn: int
    lines: tuple[LineShown, ...]
    next: str | None


class MovementShown(msgspec.Struct, frozen=True):
    account: str
    amount_tiyn: int


class PostingShown(msgspec.Struct, frozen=True):
    """A posting: its movements sum to zero."""

    posting: str
    at: str
    movements: tuple[MovementShown, ...]
    links: dict[str, str]


class FlawShown(msgspec.Struct, frozen=True):
    """What did not agree, where: a posting's or an account's name."""

    what: str
    where: str
    expected_tiyn: int
    found_tiyn: int


class TrialShown(msgspec.Struct, frozen=True):
    """The trial balance of a night, by kind of account; nothing yet before the first check.

    total_tiyn: zero, or it is a flaw. flaws: the first hundred of so many.
    """

    on: str | None
    at: str | None
    postings: int
    lines: int
    accounts: int
    by_kind: dict[str, int]
    total_tiyn: int
    flawed: int
    flaws: tuple[FlawShown, ...]


@routes.get(
    "/accounts",
    action="budgets/list-accounts",
    query=AccountsAsked,
    answers=AccountsShown,
    refuses=(BadField, BadMonth, BadId, Unknown),
)
def get_accounts(call: Call[None]) -> AccountsShown:
    """Name the accounts of an organisation's month, or of a budget's year, and what they hold."""
    asked: AccountsAsked = call.query
    of_budget = (asked.programme, asked.area, asked.year)
    if asked.organisation_id is not None and asked.month is not None:
        if any((*of_budget, asked.direction)):
            raise BadField(field="programme", problem="Ask for an organisation or for a budget")
        whose = checked_id(asked.organisation_id, field="organisation_id")
        found = actions.accounts_of_organisation(whose, Month.parse(asked.month), by=call.actor)
    elif asked.programme and asked.area and asked.year:
        if asked.organisation_id is not None or asked.month is not None:
            raise BadField(field="month", problem="Ask for an organisation or for a budget")
        found = actions.accounts_of_budget(
            asked.programme,
            asked.area,
            year_of(asked.year),
            asked.direction or "",
            by=call.actor,
        )
    else:
        raise BadField(
            field="organisation_id",
            problem="Expected organisation_id and month, or programme, area and year",
        )
    return AccountsShown(tuple(BalanceShown(name, held) for name, held in found.items()))


@routes.get(
    "/accounts/{account}",
    action="budgets/see-account",
    query=InstantAsked,
    answers=AccountShown,
    refuses=(BadField, NoAccount, Unknown),
)
def get_account(call: Call[None], account: str) -> AccountShown:
    """Show what an account holds, or held at any instant of the past."""
    seen = actions.see_account(account, at=call.query.at, by=call.actor, now=call.now)
    return AccountShown(seen.account, seen.at, seen.balance_tiyn, seen.room_tiyn)


@routes.get(
    "/accounts/{account}/lines",
    action="budgets/read-account",
    query=LinesAsked,
    answers=LinesShown,
    refuses=(BadField, NoAccount, Unknown, TooManyLines, pages.BadCursor),
)
def get_lines(call: Call[None], account: str) -> LinesShown | File:
    """Show an account's statement: opening, lines with what they rest on, closing; or its file."""
    asked: LinesAsked = call.query
    if asked.from_on and asked.to_on and asked.to_on < asked.from_on:
        raise BadField(field="to_on", problem="Expected a day not before from_on")
    if asked.format != "json":
        whole = actions.whole_account(account, first=asked.from_on, last=asked.to_on, by=call.actor)
        return _file(whole, asked)
    whose = f"lines#{account}#{asked.from_on}#{asked.to_on}#{call.actor.subject}"
    after = None
    if asked.cursor is not None:
        after = msgspec.json.decode(pages.position(asked.cursor, of=whose), type=Reached)
    seen = actions.read_account(
        account,
        first=asked.from_on,
        last=asked.to_on,
        limit=asked.limit,
        after=after,
        by=call.actor,
    )
    return LinesShown(
        account,
        seen.opening_tiyn,
        seen.closing_tiyn,
        tuple(
            LineShown(line.at, line.posting, line.amount_tiyn, line.balance_tiyn, line.links)
            for line in seen.lines
        ),
        pages.cursor(msgspec.json.encode(seen.next).decode(), of=whose) if seen.next else None,
    )


@routes.get(
    "/postings/{posting}",
    action="budgets/see-posting",
    answers=PostingShown,
    refuses=(BadField, Unknown),
)
def get_posting(call: Call[None], posting: str) -> PostingShown:
    """Show a posting by its natural name, both sides of it, to whom one side is open."""
    if len(posting) > 400:
        raise BadField(field="posting", problem="Expected at most 400 characters")
    seen = actions.see_posting(posting, by=call.actor)
    return PostingShown(
        seen.name,
        seen.at,
        tuple(MovementShown(m.account, m.amount_tiyn) for m in seen.movements),
        seen.links,
    )


@routes.get(
    "/trial-balance",
    action="budgets/trial-balance",
    answers=TrialShown,
    refuses=(BadField,),
)
def get_trial_balance(call: Call[None]) -> TrialShown:
    """Show the trial balance of the last night's check, and what was wrong; together it is zero."""
    night = actions.trial_balance()
    if night is None:
        return TrialShown(None, None, 0, 0, 0, {}, 0, 0, ())
    return TrialShown(
        night.on,
        night.at,
        night.postings,
        night.lines,
        night.accounts,
        night.by_kind,
        sum(night.by_kind.values()),
        night.flawed,
        tuple(FlawShown(f.what, f.where, f.expected_tiyn, f.found_tiyn) for f in night.flaws),
    )


def _file(seen: StatementSeen, asked: LinesAsked) -> File:
    """Return a statement as a file: a row for the opening, one a line, one for the closing.

    The same lines make the same bytes.
    """
    nothing: tuple[None, ...] = (None,) * len(_LINKS)
    rows: list[tuple[object, ...]] = [
        (str(asked.from_on or ""), "opening", None, seen.opening_tiyn, *nothing)
    ]
    rows += [
        (
            line.at,
            line.posting,
            line.amount_tiyn,
            line.balance_tiyn,
            *(line.links.get(name) for name in _LINKS),
        )
        for line in seen.lines
    ]
    rows.append((str(asked.to_on or ""), "closing", None, seen.closing_tiyn, *nothing))
    name = seen.account.replace(":", "-")
    if asked.format == "csv":
        return File(tables.csv_file(HEADINGS, rows), tables.CSV_MEDIA_TYPE, f"{name}.csv")
    made_at = from_stamp(seen.lines[-1].at) if seen.lines else _NO_LINES
    content = tables.xlsx_file("statement", HEADINGS, rows, made_at=made_at)
    return File(content, tables.XLSX_MEDIA_TYPE, f"{name}.xlsx")
