"""Receipts: signed again whenever they are asked for, the same to the byte."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.applications import rules, store
from chalicelib.applications.actions.common import own
from chalicelib.applications.rules import Application
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.notes import signed_note
from chalicelib.storage import secrets, signing
from chalicelib.storage.secrets import KeysSilent


@dataclass(frozen=True, slots=True)
class Receipt:
    """An application as it was taken in, and the signed text that says so."""

    application: Application
    note: str


def receipt_of(application_id: str, *, by: Actor, now: datetime) -> Receipt:
    """Return the receipt of an application to a representative of its child.

    Also of one that was made before there were receipts, or imported: what it was at first stands
    in the journal. Raises Unknown, KeysSilent.
    """
    application = own(application_id, power=None, by=by, now=now).value
    access.looked([application.child_id], ("application",))
    return _receipt(application)


def find_receipt(application: Application) -> Receipt | None:
    """Return the receipt of an application that was just taken in.

    None while the signing keys are silent: nobody is kept from applying by that, and the receipt
    can be had later.
    """
    try:
        return _receipt(application)
    except KeysSilent:
        return None


def _receipt(application: Application) -> Receipt:
    first = as_taken_in(application)
    text = rules.receipt_text(
        first,
        title=signing.title("receipt"),
        salt=secrets.ticket_salt(application.application_id),
    )
    return Receipt(first, signed_note(text, signing.signed(text.encode())))


def as_taken_in(application: Application) -> Application:
    """Return an application with the category and rules it was taken in under.

    Those of earlier versions of the code stand in its first entry alone. One query for these.
    """
    if application.first_category:
        return application
    first = store.find_first(application.application_id) or application
    return replace(application, first_category=first.category, first_pack=first.pack)
