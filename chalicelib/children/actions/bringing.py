"""A family that comes with another system's row: known already, or to be registered with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.children import rules, store
from chalicelib.children.actions.acting import resolve
from chalicelib.children.rules import Alias, Child, ChildDetails, Person, Registration
from chalicelib.kernel.ids import new_id
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.storage.commit import Write
from chalicelib.storage.secrets import alias_digest, fingerprint
from chalicelib.storage.shelf import Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """The account that the family already has: issuer and subject of its tokens."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class Brought:
    """Who comes with a row; writes: what registers them in the caller's commit.

    registered: the child was known before, so it may hold something.
    """

    person: Person
    child: Child
    registered: bool
    writes: tuple[Write, ...]


def bring(
    named: str,
    representative: Registration,
    details: ChildDetails,
    sign_in: SignIn | None,
    *,
    area: str,
    now: datetime,
) -> Brought:
    """Return the representative and the child of a row, and the writes that register them.

    named: the caller's name of the row; a new child's id follows from it. Raises SignInTaken,
    RepresentedByAnother, OtherData; the form of both is checked before.
    """
    known = _known(representative, details, sign_in)
    person, person_writes = _person(representative, sign_in, known, now=now)
    child, child_writes = _child(named, details, person, known, area=area, now=now)
    return Brought(person, child, not child_writes, (*person_writes, *child_writes))


def _known(
    representative: Registration, details: ChildDetails, sign_in: SignIn | None
) -> dict[str, Kept[Alias]]:
    """Return who is known by the row's numbers and its account. One read."""
    digests = {store.iin_digest(representative.iin), _subject(sign_in)}
    if details.iin is not None:
        digests.add(store.iin_digest(details.iin))
    return store.find_aliases(sorted(digests - {""}))


def _person(
    asked: Registration,
    sign_in: SignIn | None,
    known: Mapping[str, Kept[Alias]],
    *,
    now: datetime,
) -> tuple[Person, list[Write]]:
    """Return the representative, known or to be registered, and the account to be linked."""
    digest = store.iin_digest(asked.iin)
    alias = known.get(digest)
    subject = _subject(sign_in)
    held = known.get(subject)
    if alias is not None and alias.value.person_id is not None:
        person = store.load_person(alias.value.person_id).value
        linked = held.value if held else None
        if subject and rules.decide_link(linked, person_id=person.person_id):
            return person, [store.claim_for_person(subject, held, person.person_id)]
        return person, []
    if held is not None and held.value.person_id is not None:
        raise rules.SignInTaken()
    person = Person(
        person_id=new_id(),
        subject=subject,
        language=asked.language,
        created_at=stamp(now),
        asked=fingerprint(asked),
        identity=fingerprint([asked.iin, asked.surname, asked.given_name, asked.patronymic]),
    )
    writes: list[Write] = [
        store.create_person(person),
        store.claim_for_person(digest, alias, person.person_id),
        *store.seal_person(person.person_id, rules.person_fields(asked)),
    ]
    if subject:
        writes.append(store.claim_for_person(subject, held, person.person_id))
    return person, writes


def _child(
    named: str,
    details: ChildDetails,
    person: Person,
    known: Mapping[str, Kept[Alias]],
    *,
    area: str,
    now: datetime,
) -> tuple[Child, list[Write]]:
    """Return the child, known or to be registered; without writes it is known."""
    today = local_day(now)
    if details.iin is not None:
        digest = store.iin_digest(details.iin)
        alias = known.get(digest)
    else:
        digest = store.provisional_digest(rules.provisional(details, person_id=person.person_id))
        alias = store.find_alias(digest)
    if alias is not None and alias.value.child_id is not None:
        child = resolve(alias.value.child_id)
        relation = store.find_relation(child.child_id, person.person_id)
        if not rules.decide_acting(relation.value if relation else None, power="apply", on=today):
            raise rules.RepresentedByAnother()
        rules.check_same(details, store.child_fields(child.child_id))
        return child, []
    child = Child(
        child_id=fingerprint(["child", person.person_id, named])[:26],
        area=area,
        birth_year=details.birth_date.year,
        has_iin=details.iin is not None,
        created_at=stamp(now),
        no_iin_reason=details.no_iin_reason,
    )
    relation_new = rules.decide_relation(
        child.child_id,
        person.person_id,
        powers=rules.POWERS,
        valid_from=today,
        valid_to=None,
        basis="application",
    )
    writes: list[Write] = [
        store.create_child(child),
        *store.create_relation(relation_new),
        store.claim_for_child(digest, alias, child.child_id),
        *store.seal_child(child.child_id, rules.child_fields(details)),
    ]
    return child, writes


def _subject(sign_in: SignIn | None) -> str:
    """Return the pseudonym under which the edge knows an account's owner."""
    if sign_in is None:
        return ""
    return alias_digest("sign-in", f"{sign_in.issuer}\x00{sign_in.subject}")[:32]
