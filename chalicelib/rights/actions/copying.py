"""All there is about a child, for its representative, as one file.

It says what it holds and what it leaves out and why. A life that does not fit into one answer goes
on under a cursor: parts come in a fixed order and each says where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.access.store import looking as looks
from chalicelib.applications import store as applications
from chalicelib.attendance import actions as attendance
from chalicelib.attendance import store as sheets
from chalicelib.billing.store import statements as billing
from chalicelib.children import actions as children
from chalicelib.children import store as people
from chalicelib.complaints import actions as complaints
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import Month, local_day
from chalicelib.notices import store as notices
from chalicelib.rights import rules
from chalicelib.vouchers import store as vouchers

# An answer is at most 6 MB and 28 seconds: what is asked of many rows counts for more.
MOST_BYTES = 4_000_000
MOST_EFFORT = 400
_STEPS_SHOWN = 500
# Fields that say who did something; who in person is for an inquiry, the role is for the family.
_HANDS = frozenset({"by", "answered_by", "approved_by", "closed_by", "officer", "acted"})

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Copied:
    """A part of a copy: items by section, in the sections' order; and where it goes on.

    closed: sections that the caller's powers do not open; they are empty.
    """

    sections: dict[str, list[Item]]
    next_at: str | None
    closed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Child:
    """Whose copy is made, for whom."""

    child_id: str
    person_id: str
    by: Actor
    now: datetime


def copy(child_id: str, *, by: Actor, now: datetime, after: str | None) -> Copied:
    """Return all about a child after a position, as far as a representative's powers go.

    Raises Unknown.
    """
    person = children.acting_for(child_id, by, None, local_day(now))
    relation = people.find_relation(child_id, person.person_id)
    powers = relation.value.powers if relation else ()
    closed = tuple(name for name in SECTIONS if not rules.opens(name, powers))
    of = _Child(child_id, person.person_id, by, now)
    section_after, _, key_after = (after or "").partition("#")
    sections: dict[str, list[Item]] = {}
    size = effort = 0
    begun = not section_after
    last = ""
    for name, (read, cost) in SECTIONS.items():
        if not begun and name != section_after:
            continue
        items = () if name in closed else read(of, key_after if not begun else None)
        for key, item in items:
            if size >= MOST_BYTES or effort >= MOST_EFFORT:
                return Copied(sections, last, closed)
            sections.setdefault(name, []).append(item)
            size += len(msgspec.json.encode(item))
            effort += cost
            last = f"{name}#{key}"
        begun = True
        sections.setdefault(name, [])
    return Copied(sections, None, closed)


# --- sections; each yields (key, item) in order of key, after a key ------------------------------


def _identity(of: _Child, after: str | None) -> Iterator[tuple[str, Item]]:
    if after is not None:
        return
    kept = people.load_child(of.child_id)
    fields = people.load_child_fields(of.child_id)
    yield (
        "-",
        {
            **{name: value for name, value in sorted(fields.items()) if value},
            **_shown(kept.value, "merged_people"),
            "holds": _shown(people.load_holdings(of.child_id).value)["held"],
            "steps": _steps(f"child/{of.child_id}"),
        },
    )


def _representatives(of: _Child, after: str | None) -> Iterator[tuple[str, Item]]:
    for kept in sorted(people.list_relations(of.child_id), key=lambda k: k.value.person_id):
        relation = kept.value
        if after is not None and relation.person_id <= after:
            continue
        # Another representative's name and number are theirs, not the child's.
        yield relation.person_id, {"you": relation.person_id == of.person_id, **_shown(relation)}


def _applications(of: _Child, after: str | None) -> Iterator[tuple[str, Item]]:
    for application_id in applications.each_application_of(of.child_id, after=after):
        kept = applications.find_application(application_id)
        if kept is None:
            continue
        yield (
            application_id,
            {
                "by_you": kept.value.person_id == of.person_id,
                **_shown(kept.value, "asked", "person_id"),
                "steps": _steps(f"application/{application_id}"),
            },
        )


def _signatures(of: _Child, after: str | None) -> Iterator[tuple[str, Item]]:
    for application_id in applications.each_application_of(of.child_id):
        for signing in applications.list_signings(application_id):
            key = f"{application_id}/{signing.signing_id}"
            if after is not None and key <= after:
                continue
            yours = signing.person_id == of.person_id
            opened = (
                applications.signing_fields(application_id, signing.signing_id) if yours else {}
            )
            yield key, {"by_you": yours, **_shown(signing, "person_id"), **opened}


def _vouchers(of: _Child, after: str | None) -> Iterator[tuple[str, Item]]:
    for voucher_id in sorted(_voucher_ids(of.child_id)):
        if after is not None and voucher_id <= after:
            continue
        kept = vouchers.find_voucher(voucher_id)
        if kept is None:
            continue
        yield (
            voucher_id,
            {
                **_shown(kept.value, "person_id"),
                "steps": _steps(f"voucher/{voucher_id}"),
            },
        )


def _enrolments(of: _Child, after: str | None) -> Iterator[tuple[str, Item]]:
    stays = [
        (stay.enrolment_id, programme, stay)
        for programme, every in vouchers.each_stays(of.child_id)
        for stay in every.stays
    ]
    for enrolment_id, programme, stay in sorted(stays, key=lambda s: s[0]):
        if after is not None and enrolment_id <= after:
            continue
        kept = vouchers.find_enrolment(stay.site_id, enrolment_id)
        row = _shown(kept.value, "person_id") if kept is not None else {}
        yield enrolment_id, {"programme": programme, **_shown(stay), **row}


def _attendance(of: _Child, after: str | None) -> Iterator[tuple[str, Item]]:
    for key, programme, month in _months(of):
        if after is not None and key <= after:
            continue
        shown = attendance.child_month(
            of.child_id, month, programme=programme, by=of.by, now=of.now
        )
        for sheet in shown:
            kept = sheets.find_sheet(sheet.site_id, month, of.child_id)
            said = _shown(kept.said.value)
            marks = sorted(kept.marks), sorted(kept.late)
            yield (
                f"{key}/{sheet.site_id}",
                {
                    "programme": programme,
                    **_shown(sheet),
                    "marks": marks[0],
                    "late_marks": marks[1],
                    "said": said,
                },
            )


def _money(of: _Child, after: str | None) -> Iterator[tuple[str, Item]]:
    for site_id, month in sorted(_site_months(of)):
        key = f"{month}/{site_id}"
        if after is not None and key <= after:
            continue
        _, statements = billing.load_site_month(site_id, month)
        lines = [
            {"statement": statement.number, "at": statement.at, **_shown(stated)}
            for statement in statements
            for stated in statement.lines
            if stated.line.child_id == of.child_id
        ]
        if lines:
            yield key, {"site_id": site_id, "month": str(month), "lines": lines}


def _notices(of: _Child, after: str | None) -> Iterator[tuple[str, Item]]:
    """Yield what the caller was told of this child's things."""
    own = {of.child_id, *_voucher_ids(of.child_id)}
    own |= set(applications.each_application_of(of.child_id))
    for kept in notices.list_notices(f"person:{of.person_id}", after=after, limit=None):
        if own & {str(fact) for fact in kept.value.facts.values()}:
            yield kept.sk, _shown(kept.value, "to")


def _complaints(of: _Child, after: str | None) -> Iterator[tuple[str, Item]]:
    """Yield complaints about the child's things: the caller's own whole, of others only how each
    stands. What somebody else wrote to a desk, and their contact, are theirs."""
    every = complaints.texts_about(of.child_id)
    for seen in sorted(every, key=lambda seen: seen.complaint.complaint_id):
        complaint = seen.complaint
        if after is not None and complaint.complaint_id <= after:
            continue
        yours = complaint.by == of.by.subject or complaint.person_id == of.person_id
        stands = _shown(complaint, "person_id", "asked", "replied", "why")
        said = {"fields": dict(seen.fields)} if yours else {}
        yield complaint.complaint_id, {"by_you": yours, "complaint": stands, **said}


def _looks(of: _Child, after: str | None) -> Iterator[tuple[str, Item]]:
    known_since = people.load_child(of.child_id).value.created_at
    for kept in looks.each_shown(of.child_id, known_since=known_since, after=after):
        # Who in person looked is for an inquiry; roles and organisations are for the family.
        yield kept.sk, _shown(kept.value, "subject", "session", "via", "children")


_Read = Callable[[_Child, str | None], Iterator[tuple[str, Item]]]
# Section → how it is read, and what an item of it costs.
SECTIONS: dict[str, tuple[_Read, int]] = {
    "child": (_identity, 5),
    "representatives": (_representatives, 1),
    "applications": (_applications, 4),
    "signatures": (_signatures, 2),
    "vouchers": (_vouchers, 4),
    "enrolments": (_enrolments, 1),
    "attendance": (_attendance, 12),
    "money": (_money, 4),
    "notices": (_notices, 0),
    "complaints": (_complaints, 1),
    "looks": (_looks, 0),
}


# --- what several sections ask --------------------------------------------------------------------


def _voucher_ids(child_id: str) -> set[str]:
    ids = {h.id for h in people.load_holdings(child_id).value.held if h.kind == "voucher"}
    found = applications.find_applications(list(applications.each_application_of(child_id)))
    ids |= {kept.value.voucher_id for kept in found.values() if kept.value.voucher_id}
    for _, stays in vouchers.each_stays(child_id):
        ids |= {stay.voucher_id for stay in stays.stays}
    return ids


def _months(of: _Child) -> list[tuple[str, str, Month]]:
    """Return (key, programme, month) of all months in which the child was enrolled anywhere."""
    found = set()
    this = Month.containing(of.now)
    for programme, stays in vouchers.each_stays(of.child_id):
        for stay in stays.stays:
            last = min(Month.of(stay.ends_on), this) if stay.ends_on else this
            for month in rules.months_of(Month.of(stay.starts_on), last):
                found.add((f"{month}/{programme}", programme, month))
    return sorted(found)


def _site_months(of: _Child) -> set[tuple[str, Month]]:
    found = set()
    this = Month.containing(of.now)
    for _, stays in vouchers.each_stays(of.child_id):
        for stay in stays.stays:
            last = min(Month.of(stay.ends_on), this) if stay.ends_on else this
            found |= {(stay.site_id, m) for m in rules.months_of(Month.of(stay.starts_on), last)}
    return found


def _steps(stream: str) -> list[Item]:
    """Return what happened to a thing, in order: when, what, by which role, under which rules."""
    found: list[Item] = []
    for entry in journal.history(stream):
        if len(found) == _STEPS_SHOWN:
            break
        found.append(
            {
                "at": entry.at,
                "event": entry.event,
                "by": entry.by.partition(":")[0],
                "rules": entry.pack,
                "facts": {k: v for k, v in entry.facts.items() if k != "person"},
            }
        )
    return found


def _shown(value: object, *but: str) -> Item:
    """Return a thing as it is kept, less some fields and less who in person had a hand in it."""
    said: Item = _without_hands(msgspec.to_builtins(value))
    return {name: what for name, what in said.items() if name not in but}


def _without_hands(said: Any) -> Any:
    if isinstance(said, list | tuple):
        return [_without_hands(one) for one in said]
    if not isinstance(said, dict):
        return said
    return {
        name: _role_of(what) if name in _HANDS else _without_hands(what)
        for name, what in said.items()
        if name not in _HANDS or _role_of(what) is not None
    }


def _role_of(hand: object) -> str | None:
    """Return the role of a hand that is written with it ("department:…"), None for bare persons."""
    role = hand.partition(":")[0] if isinstance(hand, str) else ""
    return role if role in Role._value2member_map_ else None


__all__ = ["SECTIONS", "Copied", "copy"]
