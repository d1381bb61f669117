"""Rows of people and children: aliases, persons, children, relations, holdings, sealed fields."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from chalicelib.children.rules import (
    Alias,
    Child,
    ChildIinTaken,
    Holdings,
    Person,
    Relation,
)
from chalicelib.journal.rules import openings, plain, salted
from chalicelib.kernel.ids import new_salt
from chalicelib.kernel.refusals import Refusal, Unknown
from chalicelib.storage import keys, vault
from chalicelib.storage.commit import Put, Write
from chalicelib.storage.numbers import Held, Numbers
from chalicelib.storage.rows import FactsRow
from chalicelib.storage.secrets import Digests, alias_digest, number_digests
from chalicelib.storage.shelf import Kept, Shelf


@dataclass(frozen=True, slots=True)
class PersonChild:
    """A pointer from a person to a child; the relation itself lies with the child."""

    child_id: str


# Sign-ins and children without a number, by a name for ever; and those who have a number.
ALIASES: Shelf[Alias] = Shelf(FactsRow, Alias)
NUMBERS: Numbers[Alias] = Numbers(Alias, nobody=Alias())
PERSONS: Shelf[Person] = Shelf(FactsRow, Person)
CHILDREN: Shelf[Child] = Shelf(FactsRow, Child)
RELATIONS: Shelf[Relation] = Shelf(FactsRow, Relation)
POINTERS: Shelf[PersonChild] = Shelf(FactsRow, PersonChild)
HOLDINGS: Shelf[Holdings] = Shelf(FactsRow, Holdings)

_RELATIONS_MAX = 20


def iin_digests(iin: str) -> Digests:
    """Return the digests under which an IIN is claimed; several while keys are rotated."""
    return number_digests("iin", iin)


def provisional_digest(name: str) -> str:
    """Return the digest under which a child without an IIN is claimed."""
    return alias_digest("no-iin", name)


# --- reads --------------------------------------------------------------------------------------


def find_alias(digest: str | Digests) -> Held[Alias] | None:
    """Return who stands behind the digest of a sign-in or the digests of an IIN. One read."""
    return NUMBERS.find((digest,) if isinstance(digest, str) else digest)


def find_aliases(digests: Collection[str | Digests]) -> dict[str | Digests, Held[Alias]]:
    """Return who stands behind those digests that are claimed. One call per hundred."""
    each: dict[str | Digests, Digests] = {d: (d,) if isinstance(d, str) else d for d in digests}
    found = NUMBERS.find_many(each.values())
    return {digest: found[rows] for digest, rows in each.items() if rows in found}


def find_person(person_id: str) -> Kept[Person] | None:
    return PERSONS.find(keys.person(person_id))


def find_persons(person_ids: Sequence[str]) -> dict[str, Kept[Person]]:
    """Return those persons who are registered, by id. One call per hundred."""
    found = PERSONS.find_many([keys.person(person_id) for person_id in person_ids])
    return {kept.value.person_id: kept for kept in found.values()}


def load_person(person_id: str) -> Kept[Person]:
    return PERSONS.load(keys.person(person_id))


def find_child(child_id: str) -> Kept[Child] | None:
    return CHILDREN.find(keys.child(child_id))


def load_child(child_id: str) -> Kept[Child]:
    return CHILDREN.load(keys.child(child_id))


def find_relation(child_id: str, person_id: str) -> Kept[Relation] | None:
    return RELATIONS.find(keys.relation(child_id, person_id))


def list_relations(child_id: str) -> list[Kept[Relation]]:
    """Return who ever could act for a child; a handful."""
    rows = RELATIONS.each(keys.relation(child_id, "")[0], begins="REP#")
    return [kept for kept, _ in zip(rows, range(_RELATIONS_MAX), strict=False)]


def each_child_of(person_id: str, *, after: str | None = None) -> Iterator[str]:
    """Yield the ids of children a person ever represented, after an id, in order of id."""
    pk, first = keys.person_child(person_id, after or "")
    for kept in POINTERS.each(pk, after=first, upto=keys.person_child(person_id, "~")[1]):
        yield kept.value.child_id


def find_children(child_ids: Sequence[str]) -> dict[str, Kept[Child]]:
    found = CHILDREN.find_many([keys.child(c) for c in child_ids])
    return {kept.value.child_id: kept for kept in found.values()}


def find_relations(child_ids: Sequence[str], person_id: str) -> dict[str, Relation]:
    found = RELATIONS.find_many([keys.relation(c, person_id) for c in child_ids])
    return {kept.value.child_id: kept.value for kept in found.values()}


def load_holdings(child_id: str) -> Kept[Holdings]:
    """Return what a child holds; nothing, at version 0, before it ever held anything."""
    pk, sk = keys.holdings(child_id)
    return HOLDINGS.find((pk, sk)) or Kept(Holdings(), pk, sk, 0, "{}")


def holdings_at(child_id: str) -> tuple[Shelf[Holdings], tuple[str, str]]:
    """Return where a child's holdings lie, for a reading of several rows in one call."""
    return HOLDINGS, keys.holdings(child_id)


def find_holdings(child_ids: Sequence[str]) -> dict[str, Kept[Holdings]]:
    """Return the holdings of those children that ever held anything; a call per hundred."""
    found = HOLDINGS.find_many([keys.holdings(c) for c in child_ids])
    by_key = {(kept.pk, kept.sk): kept for kept in found.values()}
    return {c: by_key[keys.holdings(c)] for c in child_ids if keys.holdings(c) in by_key}


def person_fields(person_id: str) -> dict[str, str]:
    """Return a person's sealed fields in clear; empty when erased."""
    return plain(vault.open_fields(f"PERSON#{person_id}"))


def child_fields(child_id: str) -> dict[str, str]:
    """Return a child's sealed fields in clear; empty when erased."""
    return plain(vault.open_fields(f"CHILD#{child_id}"))


def children_fields(child_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the sealed fields of those children that are not erased."""
    opened = vault.open_many([f"CHILD#{c}" for c in child_ids])
    return {subject.removeprefix("CHILD#"): plain(fields) for subject, fields in opened.items()}


def committed(subject: str) -> dict[str, tuple[str, bytes]]:
    """Return field → value and key of what the record committed to; subject: "CHILD#…"."""
    return openings(vault.open_fields(subject))


def with_salt(fields: dict[str, str]) -> dict[str, str]:
    """Return fields to be sealed, with a fresh salt for what the record says of them."""
    return salted(fields, new_salt())


def no_holdings(child_id: str) -> Kept[Holdings]:
    """Return the holdings of a child that is being registered, without a read."""
    return Kept(Holdings(), *keys.holdings(child_id), 0, "{}")


def load_child_fields(child_id: str) -> dict[str, str]:
    """Return a child's sealed fields in clear. Raises Unknown when erased."""
    fields = child_fields(child_id)
    if not fields:
        raise Unknown()
    return fields


def load_birth_date(child_id: str) -> date:
    """Return a child's birth date, for judging age. Raises Unknown when erased."""
    return date.fromisoformat(load_child_fields(child_id)["birth_date"])


# --- writes, described --------------------------------------------------------------------------


def create_person(person: Person) -> Put:
    return PERSONS.create(keys.person(person.person_id), person)


def keep_person(kept: Kept[Person], person: Person) -> Put:
    return PERSONS.replace(kept, person)


def seal_person(person_id: str, fields: dict[str, str]) -> list[Put]:
    return vault.seal(f"PERSON#{person_id}", fields)


def reseal_person(person_id: str, fields: dict[str, str]) -> Put:
    return vault.reseal(f"PERSON#{person_id}", fields)


def claim_for_person(
    digest: str | Digests, held: Held[Alias] | None, person_id: str
) -> Sequence[Put]:
    """Describe an IIN or a sign-in becoming a person's; a race is decided again."""
    return _claim(digest, held, Alias(person_id, held.value.child_id if held else None))


def claim_for_child(
    digest: str | Digests,
    held: Held[Alias] | None,
    child_id: str,
    *,
    otherwise: Refusal | None = None,
) -> Sequence[Put]:
    """Describe an IIN, or a child without one, becoming a child's; a race is decided again."""
    if held is not None and held.value.child_id not in (None, child_id):
        raise ChildIinTaken()
    alias = Alias(held.value.person_id if held else None, child_id)
    return _claim(digest, held, alias, otherwise=otherwise)


def release_from_child(digests: Digests, held: Held[Alias]) -> Sequence[Write]:
    """Describe an IIN being nobody's again, or only a person's."""
    if held.value.person_id is None:
        return NUMBERS.free(held)
    return NUMBERS.claim(digests, held, Alias(held.value.person_id, None))


def release_from_person(digests: Digests, held: Held[Alias]) -> Sequence[Write]:
    """Describe an IIN being nobody's again, or only a child's."""
    if held.value.child_id is None:
        return NUMBERS.free(held)
    return NUMBERS.claim(digests, held, Alias(None, held.value.child_id))


def find_name(digest: str) -> Kept[Alias] | None:
    """Return who stands behind a sign-in, or a child without a number. One read."""
    return ALIASES.find(keys.alias(digest))


def forget_name(kept: Kept[Alias]) -> Put:
    """Describe a sign-in, or the name of a child without a number, leading to nobody.

    The row stays, emptied: its next claim must be newer than its last in the journal.
    """
    return ALIASES.replace(kept, Alias())


def _claim(
    digest: str | Digests,
    held: Held[Alias] | None,
    alias: Alias,
    *,
    otherwise: Refusal | None = None,
) -> Sequence[Put]:
    if not isinstance(digest, str):
        return NUMBERS.claim(digest, held, alias, otherwise=otherwise)
    if held is None:
        return [ALIASES.create(keys.alias(digest), alias, otherwise=otherwise)]
    return [ALIASES.replace(kept, alias) for kept in held.rows.values()]


def create_child(child: Child) -> Put:
    return CHILDREN.create(keys.child(child.child_id), child)


def keep_child(kept: Kept[Child], child: Child) -> Put:
    return CHILDREN.replace(kept, child)


def seal_child(child_id: str, fields: dict[str, str]) -> list[Put]:
    return vault.seal(f"CHILD#{child_id}", fields)


def reseal_child(child_id: str, fields: dict[str, str]) -> Put:
    return vault.reseal(f"CHILD#{child_id}", fields)


def create_relation(relation: Relation) -> list[Put]:
    """Describe a new relation and the pointer that finds the child from the person's side."""
    pointer = keys.person_child(relation.person_id, relation.child_id)
    return [
        RELATIONS.create(keys.relation(relation.child_id, relation.person_id), relation),
        POINTERS.create(pointer, PersonChild(relation.child_id)),
    ]


def keep_relation(kept: Kept[Relation], relation: Relation) -> Put:
    return RELATIONS.replace(kept, relation)


def keep_holdings(kept: Kept[Holdings], holdings: Holdings) -> Put:
    """Describe what a child holds next; a race is decided again (Raced)."""
    if kept.version == 0:
        return HOLDINGS.create((kept.pk, kept.sk), holdings)
    return HOLDINGS.replace(kept, holdings)
