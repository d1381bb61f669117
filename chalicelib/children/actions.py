"""Register representatives and children, change who may act, and answer who acts for whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from chalicelib.children import rules, store
from chalicelib.children.rules import (
    Basis,
    Child,
    ChildDetails,
    Contact,
    Language,
    Person,
    Power,
    Registration,
    Relation,
)
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.ids import new_id
from chalicelib.kernel.iin import checked_iin
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.kernel.refusals import Unknown
from chalicelib.storage import outbox
from chalicelib.storage.commit import Write, settles
from chalicelib.storage.secrets import fingerprint
from chalicelib.storage.shelf import Kept


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What an officer corrects in a child's identity; None leaves a field as it is."""

    iin: str | None = None
    surname: str | None = None
    given_name: str | None = None
    patronymic: str | None = None
    birth_date: date | None = None
    sex: rules.Sex | None = None
    address: str | None = None


# --- who acts -----------------------------------------------------------------------------------


def person_of(actor: Actor) -> Person:
    """Return the representative behind a sign-in. Raises RegisterFirst. Two reads."""
    alias = store.find_alias(actor.subject)
    if alias is None or alias.value.person_id is None:
        raise rules.RegisterFirst()
    return store.load_person(alias.value.person_id).value


def acting_for(child_id: str, actor: Actor, power: Power | None, on: date) -> Person:
    """Return the representative when they may act for a child on a day; power None: only see.

    Raises Unknown for another's child and for one that does not exist, alike; PowerMissing when
    the caller represents the child but not in this. Three reads.
    """
    alias = store.find_alias(actor.subject)
    if alias is None or alias.value.person_id is None:
        raise Unknown()
    relation = store.find_relation(child_id, alias.value.person_id)
    if not rules.decide_acting(relation.value if relation else None, power=power, on=on):
        raise Unknown()
    return store.load_person(alias.value.person_id).value


def representatives_of(child_id: str, on: date) -> tuple[str, ...]:
    """Return the ids of all who may act for a child on a day: whom notices go to. One query."""
    kept = store.list_relations(child_id)
    return tuple(k.value.person_id for k in kept if k.value.holds(on))


def children_of(person_id: str, on: date) -> tuple[str, ...]:
    """Return the ids of the children a person represents on a day."""
    ids = list(store.each_child_of(person_id))
    relations = store.find_relations(ids, person_id)
    return tuple(c for c in ids if c in relations and relations[c].holds(on))


def resolve(child_id: str) -> Child:
    """Return the child that answers for an id: the one it was merged into, if it was."""
    child = store.load_child(child_id).value
    while child.merged_into is not None:
        child = store.load_child(child.merged_into).value
    return child


# --- representatives ----------------------------------------------------------------------------


@settles
def register(asked: Registration, *, by: Actor, now: datetime) -> PersonSeen:
    """Register the caller as a representative, or change their contacts and language.

    Checks in order: IIN, contacts, the caller's earlier registration, who holds the IIN.
    """
    rules.check_registration(asked)
    fields = rules.person_fields(asked)
    whole = fingerprint(asked)
    identity = fingerprint([asked.iin, asked.surname, asked.given_name, asked.patronymic])
    held = store.find_alias(by.subject)

    if held is not None and held.value.person_id is not None:
        kept = store.load_person(held.value.person_id)
        person = rules.decide_update(
            kept.value, identity=identity, language=asked.language, asked=whole
        )
        if person != kept.value:
            journal.commit(
                journal.entry("children/contacts-changed", _of(person), by=by, now=now),
                store.keep_person(kept, person),
                store.reseal_person(person.person_id, fields),
            )
        return _seen(person, fields)

    digest = store.iin_digest(asked.iin)
    alias = store.find_alias(digest)
    rules.decide_claim(alias.value if alias else None, subject=by.subject)
    person = Person(
        person_id=new_id(),
        subject=by.subject,
        language=asked.language,
        created_at=stamp(now),
        asked=whole,
        identity=identity,
    )
    journal.commit(
        journal.entry("children/registered", _of(person), by=by, now=now),
        store.create_person(person),
        store.claim_for_person(by.subject, held, person.person_id),
        store.claim_for_person(digest, alias, person.person_id),
        *store.seal_person(person.person_id, fields),
    )
    return _seen(person, fields)


def me(actor: Actor) -> PersonSeen:
    """Return the caller's own registration. Raises RegisterFirst."""
    person = person_of(actor)
    return _seen(person, store.person_fields(person.person_id))


@settles
def link_sign_in(sign_in: str, *, iin: str, by: Actor, now: datetime) -> None:
    """Let another sign-in be the person with this IIN; the officer has seen the document.

    Raises BadIin, Unknown, SignInTaken. The same again changes nothing.
    """
    checked_iin(iin)
    alias = store.find_alias(store.iin_digest(iin))
    if alias is None or alias.value.person_id is None:
        raise Unknown()
    held = store.find_alias(sign_in)
    if not rules.decide_link(held.value if held else None, person_id=alias.value.person_id):
        return
    kept = store.load_person(alias.value.person_id)
    journal.commit(
        journal.entry("children/sign-in-linked", _of(kept.value), by=by, now=now),
        store.keep_person(kept, kept.value),
        store.claim_for_person(sign_in, held, kept.value.person_id),
    )


# --- children -----------------------------------------------------------------------------------


@settles
def child_for(details: ChildDetails, *, area: str, named: str, by: Actor, now: datetime) -> Child:
    """Return the caller's child as described, registered now if it is not known.

    named: what the caller named when asking, so that the same request makes the same child.
    Checks in order: the details themselves, the caller's registration, who represents the child,
    whether it is the same child. Raises RepresentedByAnother, OtherData.
    """
    today = local_day(now)
    rules.check_details(details, today=today)
    person = person_of(by)
    if details.iin is not None:
        digest = store.iin_digest(details.iin)
    else:
        digest = store.provisional_digest(rules.provisional(details, person_id=person.person_id))
    alias = store.find_alias(digest)

    if alias is not None and alias.value.child_id is not None:
        known = resolve(alias.value.child_id)
        relation = store.find_relation(known.child_id, person.person_id)
        if not rules.decide_acting(relation.value if relation else None, power=None, on=today):
            raise rules.RepresentedByAnother()
        rules.check_same(details, store.child_fields(known.child_id))
        return known

    child = Child(
        child_id=fingerprint(["child", person.person_id, named])[:26],
        area=area,
        birth_year=details.birth_date.year,
        has_iin=details.iin is not None,
        created_at=stamp(now),
        no_iin_reason=details.no_iin_reason,
    )
    if store.find_child(child.child_id) is not None:
        # The same request described this child otherwise before: a corrected number, most likely.
        raise rules.OtherData(fields=["iin"])
    relation_new = rules.decide_relation(
        child.child_id,
        person.person_id,
        powers=rules.POWERS,
        valid_from=today,
        valid_to=None,
        basis="application",
    )
    journal.commit(
        journal.entry(
            "children/child-registered",
            f"child/{child.child_id}",
            by=by,
            now=now,
            area=area,
            birth_year=child.birth_year,
            has_iin=child.has_iin,
            person=person.person_id,
        ),
        store.create_child(child),
        *store.create_relation(relation_new),
        store.claim_for_child(digest, alias, child.child_id),
        *store.seal_child(child.child_id, rules.child_fields(details)),
    )
    return child


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


@settles
def set_representative(
    child_id: str,
    person_id: str,
    *,
    powers: Sequence[Power],
    valid_from: date,
    valid_to: date | None,
    basis: Basis,
    by: Actor,
    now: datetime,
) -> Relation:
    """Let a person act for a child between two days, or change or end that. Officers only.

    Checks in order: the child and its area, the dates, the person. The same again changes nothing.
    """
    kept_child = _for_officer(child_id, by)
    relation = rules.decide_relation(
        child_id, person_id, powers=powers, valid_from=valid_from, valid_to=valid_to, basis=basis
    )
    kept = store.find_relation(child_id, person_id)
    if kept is not None and kept.value == relation:
        return relation
    store.load_person(person_id)
    writes: list[Write]
    if kept is None:
        writes = [*store.create_relation(relation)]
    else:
        writes = [store.keep_relation(kept, relation)]
    journal.commit(
        journal.entry(
            "children/representative-set",
            f"child/{child_id}",
            by=by,
            now=now,
            person=person_id,
            powers=relation.powers,
            valid_from=valid_from,
            valid_to=valid_to,
            basis=basis,
        ),
        store.keep_child(kept_child, kept_child.value),
        *writes,
    )
    return relation


@settles
def correct_identity(child_id: str, asked: Correction, *, by: Actor, now: datetime) -> Child:
    """Add or correct what identifies a child. Officers only; the same again changes nothing.

    A new IIN is claimed and the old one released in one commit. Live applications are judged anew,
    because the age may have changed. Raises BadIin, BadDates, ChildIinTaken.
    """
    kept = _for_officer(child_id, by)
    old = store.child_fields(child_id)
    if not old:
        raise Unknown()
    if asked.iin is not None:
        checked_iin(asked.iin)
    if asked.birth_date is not None and not (
        rules.EARLIEST_BIRTH <= asked.birth_date <= local_day(now)
    ):
        raise rules.BadDates(field="birth_date")
    new = {**old, **_told(asked)}
    if new == old:
        return kept.value

    corrected = rules.decide_identity(kept.value, new)
    writes: list[Write] = [store.reseal_child(child_id, new)]
    if new["iin"] != old.get("iin", ""):
        writes += _claims(child_id, old_iin=old.get("iin", ""), new_iin=new["iin"])
    changed = sorted(name for name in new if new[name] != old.get(name, ""))
    for holding in store.load_holdings(child_id).value.held:
        if holding.kind == "application":
            key = f"child-corrected#{child_id}#{kept.version + 1}"
            writes.append(
                outbox.work(key, "applications/refresh", now=now, application_id=holding.id)
            )
    journal.commit(
        journal.entry(
            "children/identity-corrected",
            f"child/{child_id}",
            by=by,
            now=now,
            changed=changed,
            birth_year=corrected.birth_year,
            has_iin=corrected.has_iin,
        ),
        store.keep_child(kept, corrected),
        *writes,
    )
    return corrected


@settles
def merge(child_id: str, *, into: str, by: Actor, now: datetime) -> Child:
    """Let a doubled record answer as another; it can be undone. Officers only.

    Raises MergeWithItself, MergedAlready, BothHold, MergeOtherWay.
    """
    gone, kept_into = _for_officer(child_id, by), _for_officer(into, by)
    if gone.value.merged_into == into:
        return gone.value
    gone_holds, into_holds = store.load_holdings(child_id), store.load_holdings(into)
    rules.decide_merge(
        gone.value, kept_into.value, gone_holds=gone_holds.value, into_holds=into_holds.value
    )
    there = {kept.value.person_id: kept for kept in store.list_relations(into)}
    coming = [
        replace(kept.value, child_id=into)
        for kept in store.list_relations(child_id)
        if kept.value.person_id not in there or there[kept.value.person_id].value.undone
    ]
    merged = replace(gone.value, merged_into=into, merged_people=tuple(r.person_id for r in coming))
    writes: list[Write] = [
        # Nobody may take a voucher for the merged record while it is being merged.
        store.keep_holdings(gone_holds, gone_holds.value),
        store.keep_child(kept_into, kept_into.value),
    ]
    for relation in coming:
        if relation.person_id in there:
            writes.append(store.keep_relation(there[relation.person_id], relation))
        else:
            writes += store.create_relation(relation)
    journal.commit(
        journal.entry("children/merged", f"child/{child_id}", by=by, now=now, into=into),
        store.keep_child(gone, merged),
        *writes,
    )
    return merged


@settles
def unmerge(child_id: str, *, by: Actor, now: datetime) -> Child:
    """Undo a merge: the record answers for itself again. The same again changes nothing."""
    kept = _for_officer(child_id, by)
    into = kept.value.merged_into
    if into is None:
        return kept.value
    alone = replace(kept.value, merged_into=None, merged_people=())
    writes: list[Write] = []
    for person_id in kept.value.merged_people:
        relation = store.find_relation(into, person_id)
        if relation is not None:
            writes.append(store.keep_relation(relation, rules.undo(relation.value)))
    journal.commit(
        journal.entry("children/unmerged", f"child/{child_id}", by=by, now=now, from_child=into),
        store.keep_child(kept, alone),
        *writes,
    )
    return alone


def _for_officer(child_id: str, by: Actor) -> Kept[Child]:
    kept = store.load_child(child_id)
    if not by.serves(kept.value.area):
        raise Unknown()
    return kept


def _claims(child_id: str, *, old_iin: str, new_iin: str) -> list[Write]:
    new_digest = store.iin_digest(new_iin)
    claim = store.claim_for_child(new_digest, store.find_alias(new_digest), child_id)
    if not old_iin:
        return [claim]
    held = store.find_alias(store.iin_digest(old_iin))
    if held is None or held.value.child_id != child_id:
        return [claim]
    return [claim, store.release_from_child(held)]


def _told(asked: Correction) -> dict[str, str]:
    told = {
        "iin": asked.iin,
        "surname": asked.surname,
        "given_name": asked.given_name,
        "patronymic": asked.patronymic,
        "birth_date": asked.birth_date.isoformat() if asked.birth_date else None,
        "sex": asked.sex,
        "address": asked.address,
    }
    return {name: value for name, value in told.items() if value is not None}


def _of(person: Person) -> str:
    return f"person/{person.person_id}"


def _seen(person: Person, fields: dict[str, str]) -> PersonSeen:
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
