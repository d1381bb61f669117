"""Hand notices to their channels, once each, and show them in the cabinet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from chalicelib.children import actions as children
from chalicelib.children import store as people
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import stamp
from chalicelib.kernel.refusals import Unknown
from chalicelib.notices import rules, store
from chalicelib.storage import vault
from chalicelib.storage.commit import Raced, commit
from chalicelib.storage.outbox import Notice

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


def list_own(actor: Actor, *, after: str | None, limit: int) -> list[Notice]:
    """Return what the caller was told; a head names no organisation and gets the first."""
    if actor.has(Role.REPRESENTATIVE):
        to = f"person:{children.person_of(actor).person_id}"
    elif actor.organisations:
        to = f"organisation:{min(actor.organisations)}"
    else:
        raise Unknown()
    return [kept.value for kept in store.list_notices(to, after=after, limit=limit)]


def _addressee(to: str) -> rules.Addressee:
    kind, _, subject = to.partition(":")
    if kind == "person":
        person = people.load_person(subject)
        fields = vault.open_fields(f"PERSON#{subject}")
        return rules.Addressee(person.value.language, rules.contacts_of(fields))
    return rules.Addressee("kk", rules.contacts_of(vault.open_fields(f"ORG#{subject}")))
