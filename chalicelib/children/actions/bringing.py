"""A family that comes with another system's row: known already, or to be registered with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.children import rules, store
from chalicelib.children.actions.registering import child_digest, described
from chalicelib.children.rules import Alias, Child, ChildDetails, Person, Registration
from chalicelib.journal import store as journal
from chalicelib.journal.rules import commitments
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.ids import new_id
from chalicelib.kernel.periods import stamp
from chalicelib.storage.commit import Write
from chalicelib.storage.numbers import Held
from chalicelib.storage.secrets import Digests, alias_digest, fingerprint


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
    by: Actor,
    now: datetime,
) -> Brought:
    """Return the representative and the child of a row, and the writes that register them.

    named: the caller's name of the row; a new child's id follows from it. by: whose import it is.
    What is sealed of each who is new is committed to in an entry of their own, as when a family
    registers itself. Raises SignInTaken, RepresentedByAnother, OtherData; the form of both is
    checked before.
    """
    known = _known(representative, details, sign_in)
    person, person_writes = _person(representative, sign_in, known, by=by, now=now)
    child, child_writes = _child(named, details, person, known, area=area, by=by, now=now)
    return Brought(person, child, not child_writes, (*person_writes, *child_writes))


def _known(
    representative: Registration, details: ChildDetails, sign_in: SignIn | None
) -> Mapping[str | Digests, Held[Alias]]:
    """Return who is known by the row's numbers and its account. One read."""
    digests: list[str | Digests] = [store.iin_digests(representative.iin), _subject(sign_in)]
    if details.iin is not None:
        digests.append(store.iin_digests(details.iin))
    return store.find_aliases([digest for digest in digests if digest])


def _person(
    asked: Registration,
    sign_in: SignIn | None,
    known: Mapping[str | Digests, Held[Alias]],
    *,
    by: Actor,
    now: datetime,
) -> tuple[Person, list[Write]]:
    """Return the representative, known or to be registered, and the account to be linked."""
    digest = store.iin_digests(asked.iin)
    alias = known.get(digest)
    subject = _subject(sign_in)
    held = known.get(subject)
    if alias is not None and alias.value.person_id is not None:
        person = store.load_person(alias.value.person_id).value
        linked = held.value if held else None
        if subject and rules.decide_link(linked, person_id=person.person_id):
            return person, [*store.claim_for_person(subject, held, person.person_id)]
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
    sealed = store.with_salt(rules.person_fields(asked))
    created = store.create_person(person)
    what = journal.entry(
        "children/registered",
        f"person/{person.person_id}",
        by=by,
        now=now,
        commitments=commitments(sealed),
    )
    writes: list[Write] = [
        created,
        *store.claim_for_person(digest, alias, person.person_id),
        *store.seal_person(person.person_id, sealed),
        journal.beside(what, created),
    ]
    if subject:
        writes += store.claim_for_person(subject, held, person.person_id)
    return person, writes


def _child(
    named: str,
    details: ChildDetails,
    person: Person,
    known: Mapping[str | Digests, Held[Alias]],
    *,
    area: str,
    by: Actor,
    now: datetime,
) -> tuple[Child, tuple[Write, ...]]:
    """Return the child, known or to be registered; without writes it is known."""
    digest = child_digest(details, person)
    # What is known by number was read with the family's other numbers.
    alias = known.get(digest) if details.iin is not None else store.find_alias(digest)
    child, new = described(
        details, person, digest, alias, area=area, named=named, power="apply", by=by, now=now
    )
    if new is None:
        return child, ()
    return child, (new.created, *new.others, journal.beside(new.what, new.created))


def _subject(sign_in: SignIn | None) -> str:
    """Return the pseudonym under which the edge knows an account's owner."""
    if sign_in is None:
        return ""
    return alias_digest("sign-in", f"{sign_in.issuer}\x00{sign_in.subject}")[:32]
