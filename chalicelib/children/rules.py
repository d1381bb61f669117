"""Who a child is, who may act for it, and what it may hold at once.

Ids are random; an IIN is held by an alias row that claims it. Representation is a dated relation
with powers, so custody can change without rewriting the past. One holdings row per child carries
every live application, voucher and enrolment of the whole country.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from chalicelib.kernel.iin import checked_iin
from chalicelib.kernel.periods import DateRange
from chalicelib.kernel.refusals import Malformed, NotAllowed, OutOfTurn

Language = Literal["kk", "ru", "en"]
Power = Literal["apply", "choose", "confirm", "withdraw"]
ContactKind = Literal["phone", "email"]
HoldingKind = Literal["application", "voucher", "enrolment"]
Sex = Literal["female", "male"]
Basis = Literal["application", "birth-record", "guardianship", "court", "power-of-attorney"]

POWERS: tuple[Power, ...] = ("apply", "choose", "confirm", "withdraw")
CONTACTS_MAX = 2
EARLIEST_BIRTH = date(1990, 1, 1)

_PHONE = re.compile(r"\+[0-9]{10,15}\Z")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]{2,}\Z")
_IDENTITY = ("surname", "given_name", "birth_date", "sex")


class RegisterFirst(OutOfTurn):
    """The caller signed in but is not registered as a representative yet."""

    code = "children/register-first"


class IinTaken(OutOfTurn):
    """Another sign-in is registered with this IIN; an officer can link the two."""

    code = "children/iin-taken"


class IdentityFixed(OutOfTurn):
    """A registered person's IIN and names are changed by an officer, not by oneself."""

    code = "children/identity-fixed"


class SignInTaken(OutOfTurn):
    """The sign-in belongs to another person already."""

    code = "children/sign-in-taken"


class BadContact(Malformed):
    """A contact is not a phone number with country code or not an e-mail address."""

    code = "children/bad-contact"


class BadDates(Malformed):
    """A date cannot be: a birth in the future, an end before its beginning."""

    code = "children/bad-dates"


class IinOrReason(Malformed):
    """A child has an IIN or a reason why there is none yet, never both."""

    code = "children/iin-or-reason"


class PowerMissing(NotAllowed):
    """The caller represents the child, but not in this matter."""

    code = "children/power-missing"


class RepresentedByAnother(OutOfTurn):
    """The child is represented by somebody else; an officer can add a representative."""

    code = "children/represented-by-another"


class OtherData(OutOfTurn):
    """The child is registered with other data; `fields` differ, an officer can correct them."""

    code = "children/other-data"


class ChildIinTaken(OutOfTurn):
    """Another child is registered with this IIN; the two records can be merged."""

    code = "children/child-iin-taken"


class AlreadyHeld(OutOfTurn):
    """The child holds such a thing in this programme already."""

    code = "children/already-held"


class HeldElsewhere(OutOfTurn):
    """The child holds something in a programme that may not be held beside this one."""

    code = "children/held-elsewhere"


class BothHold(OutOfTurn):
    """Both records hold something live; one must end before they are merged."""

    code = "children/both-hold"


class MergeOtherWay(OutOfTurn):
    """The record to be merged holds something live and the other nothing: merge the other way."""

    code = "children/merge-other-way"


class MergedAlready(OutOfTurn):
    """One of the records was merged before; undo that first."""

    code = "children/merged-already"


class MergeWithItself(Malformed):
    """A record cannot be merged into itself."""

    code = "children/merge-with-itself"


@dataclass(frozen=True, slots=True)
class Alias:
    """Who stands behind a digest. A grown-up child may be a representative too."""

    person_id: str | None = None
    child_id: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """A phone number or an e-mail address of a representative."""

    kind: ContactKind
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a representative says of themself."""

    iin: str
    surname: str
    given_name: str
    patronymic: str | None
    language: Language
    contacts: tuple[Contact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A representative, without names. `asked`, `identity`: digests of what was registered.

    contact_marks: digests by which one contact of many persons is noticed.
    """

    person_id: str
    subject: str
    language: Language
    created_at: str
    asked: str
    identity: str = ""
    contact_marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildDetails:
    """What a representative says of a child. Birth date and sex are taken as told."""

    iin: str | None
    no_iin_reason: str | None
    surname: str
    given_name: str
    patronymic: str | None
    birth_date: date
    sex: Sex
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A voucher holder, without a name.

    area: where the child was registered, hence whose officers may correct the record.
    merged_into: the record that answers instead; merged_people: whom that record got by it.
    erased_at: when its personal data were destroyed; the record alone stays.
    """

    child_id: str
    area: str
    birth_year: int
    has_iin: bool
    created_at: str
    no_iin_reason: str | None = None
    merged_into: str | None = None
    merged_people: tuple[str, ...] = ()
    erased_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A person may act for a child from a day to a day, both included, with these powers."""

    child_id: str
    person_id: str
    powers: tuple[Power, ...]
    valid_from: date
    valid_to: date | None
    basis: Basis

    def holds(self, on: date) -> bool:
        return on in DateRange(self.valid_from, self.valid_to)

    @property
    def undone(self) -> bool:
        """Return whether the relation was taken back whole: it never held."""
        return self.valid_to is not None and self.valid_to < self.valid_from


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where an application or a voucher stood on the platform it came from.

    number: its number there; file: SHA-256 of the exported file; row: its line, from 1. place: in
    that platform's own list, 1 first, None where the export does not say. at: when it was taken
    over, where nothing else of the row says so.
    """

    platform: str
    number: str
    file: str
    row: int
    place: int | None = None
    at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One live thing of a child. since: the instant it began."""

    kind: HoldingKind
    id: str
    programme: str
    area: str
    site_id: str | None = None
    since: str = ""


@dataclass(frozen=True, slots=True)
class Holdings:
    """All live things of a child, in any area and programme."""

    held: tuple[Holding, ...] = ()

    def of(self, programme: str, kind: HoldingKind) -> Holding | None:
        """Return the child's one live thing of a kind in a programme."""
        return next((h for h in self.held if (h.programme, h.kind) == (programme, kind)), None)


# --- representatives ----------------------------------------------------------------------------


def check_registration(asked: Registration) -> None:
    """Raise BadIin or BadContact for what cannot be; the IIN is looked at first."""
    checked_iin(asked.iin)
    for contact in asked.contacts:
        form = _PHONE if contact.kind == "phone" else _EMAIL
        if not form.match(contact.value):
            raise BadContact(kind=contact.kind)


def person_fields(asked: Registration) -> dict[str, str]:
    """Return a registration as the fields to be sealed; an absent one is empty."""
    contacts = [f"{c.kind}:{c.value}" for c in asked.contacts] + [""] * CONTACTS_MAX
    return {
        "iin": asked.iin,
        "surname": asked.surname,
        "given_name": asked.given_name,
        "patronymic": asked.patronymic or "",
        "contact_1": contacts[0],
        "contact_2": contacts[1],
    }


def contacts_of(fields: Mapping[str, str]) -> tuple[Contact, ...]:
    """Return the contacts among a person's opened fields, first choice first."""
    found: list[Contact] = []
    for name in ("contact_1", "contact_2"):
        kind, _, value = fields.get(name, "").partition(":")
        if value:
            found.append(Contact("phone" if kind == "phone" else "email", value))
    return tuple(found)


def decide_claim(alias: Alias | None, *, subject: str) -> None:
    """Raise IinTaken when an IIN is another person's; a child's IIN may be a person's too."""
    if alias is not None and alias.person_id is not None:
        raise IinTaken(sign_in=subject)


def decide_update(person: Person, *, identity: str, language: Language, asked: str) -> Person:
    """Return a person with a new language or contacts. Raises IdentityFixed."""
    if person.identity != identity:
        raise IdentityFixed()
    return replace(person, language=language, asked=asked)


def decide_link(held: Alias | None, *, person_id: str) -> bool:
    """Return whether a sign-in is yet to be linked to a person. Raises SignInTaken."""
    if held is None:
        return True
    if held.person_id != person_id:
        raise SignInTaken()
    return False


# --- children -----------------------------------------------------------------------------------


def check_details(details: ChildDetails, *, today: date) -> None:
    """Raise IinOrReason, BadIin or BadDates, in this order."""
    if (details.iin is None) == (details.no_iin_reason is None):
        raise IinOrReason()
    if details.iin is not None:
        checked_iin(details.iin)
    if not EARLIEST_BIRTH <= details.birth_date <= today:
        raise BadDates(field="birth_date")


def child_fields(details: ChildDetails) -> dict[str, str]:
    """Return a child's details as the fields to be sealed; an absent one is empty."""
    return {
        "iin": details.iin or "",
        "surname": details.surname,
        "given_name": details.given_name,
        "patronymic": details.patronymic or "",
        "birth_date": details.birth_date.isoformat(),
        "sex": details.sex,
        "address": details.address or "",
    }


def provisional(details: ChildDetails, *, person_id: str) -> str:
    """Return the name under which a child without an IIN is claimed, once per representative.

    Without it a child awaiting documents could be registered, and queue, twice.
    """
    return provisional_of(child_fields(details), person_id=person_id)


def provisional_of(fields: Mapping[str, str], *, person_id: str) -> str:
    """Return the same name, of a child as its fields were sealed."""
    given_name = " ".join(fields["given_name"].casefold().split())
    return f"{person_id}\x00{given_name}\x00{fields['birth_date']}"


def check_same(details: ChildDetails, fields: Mapping[str, str]) -> None:
    """Raise OtherData when a known child is described otherwise than it is registered."""
    told = child_fields(details)
    differ = [n for n in _IDENTITY if told[n].casefold() != fields.get(n, "").casefold()]
    if differ:
        raise OtherData(fields=differ)


def decide_acting(relation: Relation | None, *, power: Power | None, on: date) -> bool:
    """Return whether the relation counts on a day; raise PowerMissing when it lacks the power."""
    if relation is None or not relation.holds(on):
        return False
    if power is not None and power not in relation.powers:
        raise PowerMissing(power=power)
    return True


def decide_relation(
    child_id: str,
    person_id: str,
    *,
    powers: Iterable[Power],
    valid_from: date,
    valid_to: date | None,
    basis: Basis,
) -> Relation:
    """Return a dated relation with its powers in a fixed order. Raises BadDates."""
    if valid_to is not None and valid_to < valid_from:
        raise BadDates(field="valid_to")
    asked = frozenset(powers)
    return Relation(
        child_id=child_id,
        person_id=person_id,
        powers=tuple(p for p in POWERS if p in asked),
        valid_from=valid_from,
        valid_to=valid_to,
        basis=basis,
    )


def decide_identity(child: Child, fields: Mapping[str, str]) -> Child:
    """Return a child after a correction: has_iin and birth year follow the sealed fields."""
    return replace(
        child,
        birth_year=date.fromisoformat(fields["birth_date"]).year,
        has_iin=bool(fields.get("iin")),
        no_iin_reason=None if fields.get("iin") else child.no_iin_reason,
    )


def decide_merge(gone: Child, into: Child, *, gone_holds: Holdings, into_holds: Holdings) -> None:
    """Raise MergeWithItself, MergedAlready, BothHold or MergeOtherWay, in this order."""
    if gone.child_id == into.child_id:
        raise MergeWithItself()
    if gone.merged_into is not None or into.merged_into is not None:
        raise MergedAlready()
    if gone_holds.held and into_holds.held:
        raise BothHold()
    if gone_holds.held:
        raise MergeOtherWay()


def undo(relation: Relation) -> Relation:
    """Return a relation that never held; its row stays, so that the journal can tell."""
    return replace(relation, valid_to=relation.valid_from - timedelta(days=1))


# What a child holds, as a sentence in each language says it after "has".
HELD_WORDS: dict[str, dict[str, str]] = {
    "application": {"kk": "өтініші", "ru": "заявление", "en": "an application"},
    "voucher": {"kk": "ваучері", "ru": "ваучер", "en": "a voucher"},
    "enrolment": {"kk": "орны", "ru": "место", "en": "a place"},
}


# --- holdings -----------------------------------------------------------------------------------


def check_beside(holdings: Holdings, programme: str, beside: Collection[str]) -> None:
    """Raise HeldElsewhere for what is held in a programme not named in `beside`.

    A child that holds something in the programme already was let in when it first did: what
    follows from an application (a voucher, a place) is not asked about again.
    """
    if any(held.programme == programme for held in holdings.held):
        return
    for held in holdings.held:
        if held.programme not in beside:
            raise HeldElsewhere(
                kind=held.kind,
                called=HELD_WORDS[held.kind],
                programme=held.programme,
                area=held.area,
                since=held.since,
                beside=programme,
            )


def hold(holdings: Holdings, holding: Holding, *, beside: Collection[str] = ()) -> Holdings:
    """Return the holdings with one more. Raises AlreadyHeld, HeldElsewhere.

    One per kind and programme; beside: the programmes that a first thing in this one may be held
    beside, which is for both programmes' packs to say.
    """
    earlier = holdings.of(holding.programme, holding.kind)
    if earlier is not None:
        raise AlreadyHeld(
            kind=earlier.kind,
            called=HELD_WORDS[earlier.kind],
            programme=earlier.programme,
            area=earlier.area,
            since=earlier.since,
        )
    check_beside(holdings, holding.programme, beside)
    return Holdings((*holdings.held, holding))


def swap(holdings: Holdings, gone_id: str, new: Holding | None = None) -> Holdings:
    """Return the holdings without one thing and, if given, with another in its stead.

    A thing that is not held is no error: what ends twice ends once. What comes in the stead of
    something of its programme needs no leave of other programmes. Raises AlreadyHeld,
    HeldElsewhere.
    """
    left = Holdings(tuple(h for h in holdings.held if h.id != gone_id))
    if new is None:
        return left
    stays_in = any((h.id, h.programme) == (gone_id, new.programme) for h in holdings.held)
    return hold(left, new, beside=[h.programme for h in left.held] if stays_in else ())
