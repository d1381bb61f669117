"""Who is told, in which language, by which channel. Source: domain sheet §11."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Channel = Literal["cabinet", "sms", "email"]


@dataclass(frozen=True, slots=True)
class Addressee:
    """Where a person or organisation may be reached; contacts in the order they prefer."""

    language: str
    contacts: tuple[str, ...]


def channel_for(addressee: Addressee) -> tuple[Channel, str]:
    """Return the first channel that reaches somebody and its address.

    The cabinet always shows everything, so a dead phone number never costs a place; an addressee
    without contacts is reached there alone.
    """
    for contact in addressee.contacts:
        if "@" in contact:
            return "email", contact
        if contact:
            return "sms", contact
    return "cabinet", ""


def contacts_of(fields: Mapping[str, str]) -> tuple[str, ...]:
    """Return the contacts among a subject's opened fields, first choice first."""
    named = ("contact_1", "contact_2", "contact")
    return tuple(fields[name] for name in named if fields.get(name))


def language_of(fields: Mapping[str, str]) -> str:
    """Return the language among a subject's opened fields; Kazakh where none was named."""
    return fields.get("language") or "kk"
