"""What representatives see of themselves and of their children."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.children import rules, store
from chalicelib.children.actions.acting import acting_for, person_of, resolve
from chalicelib.children.rules import (
    Child,
    Contact,
    Language,
    Person,
    Power,
    Relation,
)
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import local_day
from chalicelib.kernel.refusals import Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSeen:
    """A representative as they see themself."""

    person_id: str
    surname: str
    given_name: str
    patronymic: str | None
    language: Language
    contacts: tuple[Contact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSeen:
    """A child as its representative sees it; `powers` are the caller's."""

    child_id: str
    surname: str
    given_name: str
    patronymic: str | None
    birth_date: date
    sex: str
    address: str | None
    has_iin: bool
    no_iin_reason: str | None
    powers: tuple[Power, ...]


def me(actor: Actor) -> PersonSeen:
    """Return the caller's own registration. Raises RegisterFirst."""
    person = person_of(actor)
    return person_seen(person, store.person_fields(person.person_id))


def child(child_id: str, *, by: Actor, now: datetime) -> ChildSeen:
    """Return a child to its representative; a merged record answers as the other."""
    today = local_day(now)
    person = acting_for(child_id, by, None, today)
    answering = resolve(child_id)
    relation = store.find_relation(answering.child_id, person.person_id)
    if relation is None or not relation.value.holds(today):
        raise Unknown()
    fields = store.child_fields(answering.child_id)
    return _child_seen(answering, relation.value, fields)


def children_page(
    *, by: Actor, now: datetime, after: str | None, limit: int
) -> tuple[list[ChildSeen], str | None]:
    """Return up to `limit` of the caller's children after an id, and the id to go on from."""
    person = person_of(by)
    today = local_day(now)
    ids: list[str] = []
    for child_id in store.each_child_of(person.person_id, after=after):
        ids.append(child_id)
        if len(ids) > limit:
            break
    more = len(ids) > limit
    ids = ids[:limit]
    seen = _many_seen(ids, person.person_id, today)
    return seen, ids[-1] if more else None


def person_seen(person: Person, fields: dict[str, str]) -> PersonSeen:
    """Return a representative with the opened fields."""
    return PersonSeen(
        person_id=person.person_id,
        surname=fields.get("surname", ""),
        given_name=fields.get("given_name", ""),
        patronymic=fields.get("patronymic") or None,
        language=person.language,
        contacts=rules.contacts_of(fields),
    )


def _many_seen(ids: Sequence[str], person_id: str, today: date) -> list[ChildSeen]:
    relations = store.find_relations(ids, person_id)
    live = [c for c in ids if c in relations and relations[c].holds(today)]
    rows, fields = store.find_children(live), store.children_fields(live)
    return [
        _child_seen(rows[c].value, relations[c], fields[c])
        for c in live
        # A merged record is shown once, as the record that answers for it.
        if c in rows and rows[c].value.merged_into is None and c in fields
    ]


def _child_seen(child: Child, relation: Relation, fields: dict[str, str]) -> ChildSeen:
    if not fields:
        raise Unknown()
    return ChildSeen(
        child_id=child.child_id,
        surname=fields["surname"],
        given_name=fields["given_name"],
        patronymic=fields.get("patronymic") or None,
        birth_date=date.fromisoformat(fields["birth_date"]),
        sex=fields["sex"],
        address=fields.get("address") or None,
        has_iin=child.has_iin,
        no_iin_reason=child.no_iin_reason,
        powers=relation.powers,
    )
