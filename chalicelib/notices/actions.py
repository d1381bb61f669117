"""Hand notices to their channels, once each, and show them in the cabinet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.children import actions as children
from chalicelib.children import store as people
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import stamp
from chalicelib.kernel.refusals import Unknown
from chalicelib.notices import rules, store
from chalicelib.policy.actions import list_packs
from chalicelib.storage import vault
from chalicelib.storage.commit import Put, Raced, commit
from chalicelib.storage.outbox import Notice

# A transaction holds a hundred; smaller ones meet less.
MARKS_AT_ONCE = 50

# Where an addressee's contacts lie sealed; a complaint's are those its sender named in it.
_VAULTED = {"person": "PERSON", "organisation": "ORG", "complaint": "COMPLAINT"}

# Whose desks are told of what waits for them (payouts: the month's calendar).
_DESKS = (Role.OPERATOR, Role.DEPARTMENT, Role.FINANCE)

Send = Callable[[Notice, rules.Channel, str, str], None]


def deliver(to: str, event_key: str, *, now: datetime, send: Send) -> bool:
    """Hand one notice to its channel; False if it was handed on before.

    send: gets the notice, the channel, the address and the language; it must accept the same event
    key twice, because a crash after it may repeat the call.
    """
    kept = store.find_notice(to, event_key)
    if kept is None or kept.value.sent_at is not None:
        return False
    addressee = _addressee(to)
    channel, address = rules.channel_for(addressee)
    send(kept.value, channel, address, addressee.language)
    try:
        commit([store.sent(kept, at=stamp(now), channel=channel)])
    except Raced:
        return False  # another delivery of the same event was faster; the channel knows the key
    return True


def deliver_many(named: Sequence[tuple[str, str]], *, now: datetime, send: Send) -> int:
    """Hand many notices, by (addressee, event key), to their channels; return how many.

    As `deliver`, with the reads and marks of a whole batch taken together. Raises what the first
    notice raises that cannot be delivered; those handed on before may come again with their key.
    """
    waiting = [kept for kept in store.find_notices(named) if kept.value.sent_at is None]
    addressees = _addressees(sorted({kept.value.to for kept in waiting}))
    marks: list[Put] = []
    for kept in waiting:
        addressee = addressees[kept.value.to]
        channel, address = rules.channel_for(addressee)
        send(kept.value, channel, address, addressee.language)
        marks.append(store.sent(kept, at=stamp(now), channel=channel))
    for start in range(0, len(marks), MARKS_AT_ONCE):
        part = marks[start : start + MARKS_AT_ONCE]
        try:
            commit(part)
        except Raced:
            for mark in part:
                with suppress(Raced):  # another delivery was faster; the channel knows the key
                    commit([mark])
    return len(waiting)


def list_own(actor: Actor, *, after: str | None, limit: int) -> list[Notice]:
    """Return what the caller was told; a head names no organisation and gets the first.

    Staff read what their desk was told of the areas they serve. Of which children a head is told
    is noted as seen.
    """
    if actor.has(*_DESKS):
        return _of_desks(actor, after=after, limit=limit)
    if actor.has(Role.REPRESENTATIVE):
        to = f"person:{children.person_of(actor).person_id}"
    elif own := access.organisations_of(actor):
        to = f"organisation:{own[0]}"
    else:
        raise Unknown()
    found = [kept.value for kept in store.list_notices(to, after=after, limit=limit)]
    told = {str(notice.facts["child_id"]) for notice in found if notice.facts.get("child_id")}
    access.looked(told if to.startswith("organisation:") else (), ("notice",))
    return found


def _of_desks(actor: Actor, *, after: str | None, limit: int) -> list[Notice]:
    """Return the first notices of all desks an officer sits at, by event key; of no child."""
    access.looked((), ("notice",))
    areas = {pack.area for pack in list_packs() if access.may(actor, area=pack.area)}
    found = [
        kept.value
        for role in _DESKS
        if actor.has(role)
        for area in sorted(areas)
        for kept in store.list_notices(f"desk:{role}:{area}", after=after, limit=limit)
    ]
    return sorted(found, key=lambda notice: notice.key)[:limit]


def _addressee(to: str) -> rules.Addressee:
    kind, _, subject = to.partition(":")
    if kind == "desk":
        return _desk(subject)
    if kind == "person":
        person = people.load_person(subject)
        fields = vault.open_fields(f"PERSON#{subject}")
        return rules.Addressee(person.value.language, rules.contacts_of(fields))
    fields = vault.open_fields(_subject(to))
    return rules.Addressee(rules.language_of(fields), rules.contacts_of(fields))


def _addressees(named: Sequence[str]) -> dict[str, rules.Addressee]:
    """Return addressees by name; raises Unknown for one whose person does not exist."""
    people_ids = [to.partition(":")[2] for to in named if to.startswith("person:")]
    persons = people.find_persons(people_ids)
    desks = [to for to in named if to.startswith("desk:")]
    found = {to: _desk(to.partition(":")[2]) for to in desks}
    subjects = {to: _subject(to) for to in named if to not in found}
    opened = vault.open_many(list(subjects.values()))
    for to, subject in subjects.items():
        kind, _, name = to.partition(":")
        if kind == "person" and name not in persons:
            raise Unknown()
        fields = opened.get(subject, {})
        language = persons[name].value.language if kind == "person" else rules.language_of(fields)
        found[to] = rules.Addressee(language, rules.contacts_of(fields))
    return found


def _desk(name: str) -> rules.Addressee:
    """Return a desk of the staff: its language and contacts are the installation's settings."""
    known = store.desk(name)
    return rules.Addressee(known.get("language") or "ru", tuple(known.get("contacts") or ()))


def _subject(to: str) -> str:
    kind, _, name = to.partition(":")
    return f"{_VAULTED[kind]}#{name}"
