"""Register representatives, and children as they are applied for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.access.actions import watching
from chalicelib.children import rules, store
from chalicelib.children.actions.acting import person_of, resolve
from chalicelib.children.actions.seeing import PersonSeen, person_seen
from chalicelib.children.rules import (
    Alias,
    Child,
    ChildDetails,
    Person,
    Power,
    Registration,
)
from chalicelib.journal import store as journal
from chalicelib.journal.rules import Entry, commitments
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.ids import new_id
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.storage.commit import Put, Write, settles
from chalicelib.storage.numbers import Held
from chalicelib.storage.secrets import Digests, fingerprint


@dataclass(frozen=True, slots=True)
class Registering:
    """What registers a child: the entry that commits to what is sealed, its row, and the rest."""

    what: Entry
    created: Put
    others: tuple[Write, ...]


@settles
def register(asked: Registration, *, by: Actor, now: datetime) -> PersonSeen:
    """Register the caller as a representative, or change their contacts and language.

    Checks in order: IIN, contacts, the caller's earlier registration, who holds the IIN.
    """
    rules.check_registration(asked)
    fields = rules.person_fields(asked)
    sealed = store.with_salt(fields)
    whole = fingerprint(asked)
    identity = fingerprint([asked.iin, asked.surname, asked.given_name, asked.patronymic])
    held = store.find_alias(by.subject)

    if held is not None and held.value.person_id is not None:
        kept = store.load_person(held.value.person_id)
        person = rules.decide_update(
            kept.value, identity=identity, language=asked.language, asked=whole
        )
        if person != kept.value:
            person = replace(person, contact_marks=_marks(asked))
            journal.commit(
                journal.entry(
                    "children/contacts-changed",
                    _of(person),
                    by=by,
                    now=now,
                    commitments=commitments(sealed),
                ),
                store.keep_person(kept, person),
                store.reseal_person(person.person_id, sealed),
            )
        return person_seen(person, fields)

    access.check_registering(asked.iin, by=by)
    digest = store.iin_digests(asked.iin)
    alias = store.find_alias(digest)
    rules.decide_claim(alias.value if alias else None, subject=by.subject)
    person = Person(
        person_id=new_id(),
        subject=by.subject,
        language=asked.language,
        created_at=stamp(now),
        asked=whole,
        identity=identity,
        contact_marks=_marks(asked),
    )
    journal.commit(
        journal.entry(
            "children/registered", _of(person), by=by, now=now, commitments=commitments(sealed)
        ),
        store.create_person(person),
        *store.claim_for_person(by.subject, held, person.person_id),
        *store.claim_for_person(digest, alias, person.person_id),
        *store.seal_person(person.person_id, sealed),
    )
    return person_seen(person, fields)


@settles
def child_for(details: ChildDetails, *, area: str, named: str, by: Actor, now: datetime) -> Child:
    """Return the caller's child as described, registered now if it is not known.

    named: what the caller named when asking, so that the same request makes the same child.
    Checks in order: the details themselves, the caller's registration, who represents the child,
    whether it is the same child. Raises RepresentedByAnother, OtherData.
    """
    rules.check_details(details, today=local_day(now))
    person = person_of(by)
    digest = child_digest(details, person)
    alias = store.find_alias(digest)
    child, new = described(
        details, person, digest, alias, area=area, named=named, power=None, by=by, now=now
    )
    if new is not None:
        journal.commit(new.what, new.created, *new.others)
    return child


def _marks(asked: Registration) -> tuple[str, ...]:
    return watching.contact_marks([contact.value for contact in asked.contacts])


def child_digest(details: ChildDetails, person: Person) -> str | Digests:
    """Return under which digests a child is known: of its IIN, or of what its family says of it."""
    if details.iin is not None:
        return store.iin_digests(details.iin)
    return store.provisional_digest(rules.provisional(details, person_id=person.person_id))


def described(
    details: ChildDetails,
    person: Person,
    digest: str | Digests,
    alias: Held[Alias] | None,
    *,
    area: str,
    named: str,
    power: Power | None,
    by: Actor,
    now: datetime,
) -> tuple[Child, Registering | None]:
    """Return a person's child, and what registers it; None if it is known.

    alias: what stands under the digest. named: the caller's name of the request; the new child's id
    follows from it. power: what the person must be allowed to do for a known child.
    Raises RepresentedByAnother, OtherData.
    """
    today = local_day(now)
    if alias is not None and alias.value.child_id is not None:
        known = resolve(alias.value.child_id)
        relation = store.find_relation(known.child_id, person.person_id)
        if not rules.decide_acting(relation.value if relation else None, power=power, on=today):
            raise rules.RepresentedByAnother()
        rules.check_same(details, store.child_fields(known.child_id))
        return known, None

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
    sealed = store.with_salt(rules.child_fields(details))
    return child, Registering(
        journal.entry(
            "children/child-registered",
            f"child/{child.child_id}",
            by=by,
            now=now,
            area=area,
            birth_year=child.birth_year,
            has_iin=child.has_iin,
            person=person.person_id,
            commitments=commitments(sealed),
        ),
        store.create_child(child),
        (
            *store.create_relation(relation_new),
            *store.claim_for_child(digest, alias, child.child_id),
            *store.seal_child(child.child_id, sealed),
        ),
    )


def _of(person: Person) -> str:
    return f"person/{person.person_id}"
