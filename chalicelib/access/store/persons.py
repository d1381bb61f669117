"""Who stands behind a sign-in, an IIN or a ticket.

Aliases, persons and tickets are rows of the slices above, read here by the few fields that tell one
person from another; they are written there alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.storage import keys
from chalicelib.storage.numbers import Numbers
from chalicelib.storage.rows import FactsRow
from chalicelib.storage.secrets import fingerprint, number_digests
from chalicelib.storage.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Behind:
    """Who stands behind a sign-in or an IIN, as children keep it."""

    person_id: str | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """A registered person: the sign-in they registered with."""

    person_id: str
    subject: str


@dataclass(frozen=True, slots=True)
class Ticketed:
    """The application behind a public ticket."""

    application_id: str


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who made an application."""

    person_id: str


_BEHIND: Shelf[Behind] = Shelf(FactsRow, Behind)
_NUMBERS: Numbers[Behind] = Numbers(Behind, nobody=Behind())
_PERSONS: Shelf[Registered] = Shelf(FactsRow, Registered)
_TICKETS: Shelf[Ticketed] = Shelf(FactsRow, Ticketed)
_APPLICANTS: Shelf[Applicant] = Shelf(FactsRow, Applicant)


def find_person_behind(sign_in: str) -> str | None:
    """Return the registered person behind a sign-in, if there is one. One read."""
    kept = _BEHIND.find(keys.alias(sign_in))
    return kept.value.person_id if kept else None


def find_persons_behind(sign_ins: Sequence[str]) -> dict[str, str]:
    """Return the registered persons behind sign-ins, of those that have one. A call per hundred."""
    by_key = {keys.alias(sign_in): sign_in for sign_in in sign_ins}
    found = _BEHIND.find_many(list(by_key))
    return {
        by_key[key]: kept.value.person_id for key, kept in found.items() if kept.value.person_id
    }


def find_by_iin(iin: str) -> Registered | None:
    """Return who is registered with an IIN. Two reads."""
    held = _NUMBERS.find(number_digests("iin", iin))
    if held is None or held.value.person_id is None:
        return None
    return find_registered(held.value.person_id)


def find_by_ticket(ticket: str) -> Registered | None:
    """Return who made the application of a public ticket. Three reads."""
    kept = _TICKETS.find(keys.ticket(ticket))
    if kept is None:
        return None
    application = _APPLICANTS.find(keys.application(kept.value.application_id))
    return find_registered(application.value.person_id) if application else None


def find_registered(person_id: str) -> Registered | None:
    kept = _PERSONS.find(keys.person(person_id))
    return kept.value if kept else None


def sign_in_for(iin: str, *, clerk: str) -> str:
    """Return the sign-in of somebody whom a clerk registers and who has no other yet."""
    return fingerprint(["service-centre", clerk, iin])[:32]
