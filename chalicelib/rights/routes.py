"""HTTP of a family's rights to its child's data."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from chalicelib.access import actions as access
from chalicelib.children.rules import PowerMissing
from chalicelib.edge import pages
from chalicelib.edge.routes import Call, File, Routes
from chalicelib.edge.texts import text
from chalicelib.kernel.periods import stamp
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.rights import rules
from chalicelib.rights.actions import copying, erasing, looking
from chalicelib.rights.actions.looking import Looked
from chalicelib.rights.rules import Erasure

routes = Routes(__name__, "rights")
_LEFT_OUT = ("others", "officers", "digests", "keys", "public")


class PageAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a list."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=1024)] | None = None


class WhoShown(Struct, frozen=True):
    """Who looked: a role and whom they came for, never the officer's name."""

    roles: tuple[str, ...]
    text: str
    organisations: list[str]
    areas: tuple[str, ...]


class LookShown(Struct, frozen=True):
    """One look: when (to the minute), who, why, and what was seen.

    exceptional: under a break-glass, which stands in the public statistics. for_you: a clerk
    looked while serving a representative of the child.
    """

    at: str
    who: WhoShown
    purpose: str
    why: str
    fields: tuple[str, ...]
    what: str
    exceptional: bool
    for_you: bool


class LooksPage(Struct, frozen=True):
    """Who looked at a child's data, newest first; `next_cursor` is null on the last page."""

    items: list[LookShown]
    next_cursor: str | None


class CopyAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """format: json for programs, html for people. cursor: where a long copy goes on."""

    format: Literal["json", "html"] = "json"
    cursor: Annotated[str, Meta(max_length=1024)] | None = None


class ErasureAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The child whose data are to be erased."""

    child_id: Annotated[str, Meta(min_length=8, max_length=64)]


class ErasureShown(Struct, frozen=True):
    """An erasure: when it is carried out by itself, and what became of it.

    stands: what stopped it. text: the same in words.
    """

    erasure_id: str
    child_id: str
    state: rules.State
    asked_at: str
    due_at: str
    ended_at: str | None
    stands: tuple[rules.Stands, ...]
    text: str


class CopyShown(Struct, frozen=True):
    """All there is about a child. holds: each section in words; leaves_out: what is not here, why.

    closed: sections that the caller's powers do not open; they are empty. next_cursor: where the
    copy goes on, null when this is the end.
    """

    child_id: str
    made_at: str
    holds: dict[str, str]
    leaves_out: list[str]
    sections: dict[str, list[dict[str, Any]]]
    closed: tuple[str, ...]
    next_cursor: str | None


@routes.get(
    "/children/{child_id}/looks",
    action="rights/see-looks",
    query=PageAsked,
    answers=LooksPage,
    refuses=(Unknown, pages.BadCursor),
)
def see_looks(call: Call[None], child_id: str) -> LooksPage:
    """See who looked at your child's data, when, why, and what they saw."""
    query: PageAsked = call.query
    of = f"/v1/rights/children/{child_id}/looks"
    after = pages.position(query.cursor, of=of) if query.cursor else None
    found, last = looking.looks_page(
        child_id, by=call.actor, now=call.now, after=after, limit=query.limit
    )
    shown = [_look(one, call.language) for one in found]
    return LooksPage(shown, pages.cursor(last, of=of) if last else None)


@routes.get(
    "/children/{child_id}/copy",
    action="rights/copy",
    query=CopyAsked,
    answers=CopyShown,
    media="application/json,text/html",
    refuses=(Unknown, pages.BadCursor),
)
def see_copy(call: Call[None], child_id: str) -> CopyShown | File:
    """Get all Kezek holds about your child, in one file; what it leaves out is said with why.

    Whoever may not apply or withdraw for the child gets what their own powers are about; `closed`
    names the rest. A very long life goes on under next_cursor. format=html is the same to read and
    print.
    """
    query: CopyAsked = call.query
    of = f"/v1/rights/children/{child_id}/copy"
    after = pages.position(query.cursor, of=of) if query.cursor else None
    copied = copying.copy(child_id, by=call.actor, now=call.now, after=after)
    shown = CopyShown(
        child_id=child_id,
        made_at=stamp(call.now),
        holds={name: text(f"rights/holds/{name}", call.language) for name in copying.SECTIONS},
        leaves_out=[
            text(f"rights/leaves-out/{one}", call.language)
            for one in (*_LEFT_OUT, *(("powers",) if copied.closed else ()))
        ],
        sections=copied.sections,
        closed=copied.closed,
        next_cursor=pages.cursor(copied.next_at, of=of) if copied.next_at else None,
    )
    if query.format == "html":
        page = readable(shown, call.language)
        return File(page.encode(), "text/html; charset=utf-8", f"kezek-{child_id}.html")
    return shown


@routes.put(
    "/erasures/{erasure_id}",
    action="rights/ask-erasure",
    asks=ErasureAsked,
    answers=ErasureShown,
    refuses=(
        Unknown,
        PowerMissing,
        AnotherContent,
        rules.AskedAlready,
        rules.StillNeeded,
    ),
)
def ask_erasure(call: Call[ErasureAsked], erasure_id: str) -> ErasureShown:
    """Have your child's personal data erased, in fourteen days unless somebody takes it back.

    What is live has to end first. Totals, statements and proofs stay, without a person in them.
    """
    asked = erasing.ask(erasure_id, call.asked.child_id, by=call.actor, now=call.now)
    return _erasure(asked, call.language)


@routes.get(
    "/erasures/{erasure_id}",
    action="rights/see-erasure",
    answers=ErasureShown,
    refuses=(Unknown,),
)
def see_erasure(call: Call[None], erasure_id: str) -> ErasureShown:
    """See an erasure: asked, done or stopped."""
    return _erasure(erasing.see(erasure_id, by=call.actor, now=call.now), call.language)


@routes.delete(
    "/erasures/{erasure_id}",
    action="rights/stop-erasure",
    answers=ErasureShown,
    refuses=(Unknown, rules.ErasureOver),
)
def stop_erasure(call: Call[None], erasure_id: str) -> ErasureShown:
    """Take an erasure back before it is carried out; any representative of the child may."""
    return _erasure(erasing.stop(erasure_id, by=call.actor, now=call.now), call.language)


@routes.put(
    "/erasures/{erasure_id}/completion",
    action="rights/carry-out-erasure",
    answers=ErasureShown,
    refuses=(Unknown, rules.ErasureOver, rules.StillNeeded),
)
def carry_out_erasure(call: Call[None], erasure_id: str) -> ErasureShown:
    """Carry out an erasure before its term; two officers of the department."""
    return _erasure(erasing.carry_out(erasure_id, by=call.actor, now=call.now), call.language)


def _look(looked: Looked, language: str) -> LookShown:
    look = looked.look
    return LookShown(
        at=look.at,
        who=WhoShown(
            roles=look.roles,
            text=", ".join(text(f"looks/role/{role}", language) for role in look.roles),
            organisations=[looked.organisations.get(one, one) for one in look.organisations],
            areas=look.areas,
        ),
        purpose=look.purpose,
        why=text(f"looks/purpose/{look.purpose}", language),
        fields=look.fields,
        what=", ".join(text(f"looks/field/{field}", language) for field in look.fields),
        exceptional=look.opened_by is not None,
        for_you=look.via is not None,
    )


def _erasure(erasure: Erasure, language: str) -> ErasureShown:
    access.looked([erasure.child_id], ("erasure",))
    return ErasureShown(
        erasure_id=erasure.erasure_id,
        child_id=erasure.child_id,
        state=erasure.state,
        asked_at=erasure.asked_at,
        due_at=erasure.due_at,
        ended_at=erasure.ended_at,
        stands=erasure.stands,
        text=text(f"rights/erasure/{erasure.state}", language),
    )


def readable(copied: CopyShown, language: str) -> str:
    """Return a copy as a page that needs nothing else: no script, no picture, no link outside."""
    title = html.escape(text("rights/copy-title", language))
    parts = [
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">',
        f"<title>{title}</title>",
        "<style>body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
        "table{border-collapse:collapse;margin:.3em 0}"
        "td,th{border:1px solid #bbb;padding:.2em .5em;text-align:left;"
        "vertical-align:top}</style></head><body>",
        f"<h1>{title}</h1><p>{html.escape(copied.made_at)}</p>",
    ]
    for name, items in copied.sections.items():
        parts.append(f"<h2>{html.escape(copied.holds.get(name, name))}</h2>")
        parts += [_table(item) for item in items] or ["<p>—</p>"]
    left = "".join(f"<li>{html.escape(one)}</li>" for one in copied.leaves_out)
    parts.append(f"<h2>{html.escape(text('rights/leaves-out', language))}</h2><ul>{left}</ul>")
    return "".join([*parts, "</body></html>"])


def _table(value: object) -> str:
    return "".join(_cells(value))


def _cells(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield "<table>"
        for name, inner in value.items():
            yield f"<tr><th>{html.escape(str(name))}</th><td>{_table(inner)}</td></tr>"
        yield "</table>"
    elif isinstance(value, list | tuple):
        for inner in value:
            yield f"<div>{_table(inner)}</div>"
    else:
        yield html.escape("" if value is None else str(value))
