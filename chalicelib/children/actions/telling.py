"""What families are told of what officers did with their child's record."""

from __future__ import annotations

from datetime import datetime

from chalicelib.children.actions.acting import representatives_of
from chalicelib.kernel.periods import local, local_day
from chalicelib.storage import outbox


def tell_of_look(child_id: str, opening_id: str, *, now: datetime) -> None:
    """Tell who represents a child that it was looked at under a broken glass; once per opening."""
    for person_id in representatives_of(child_id, local_day(now)):
        told = outbox.notice(
            f"looked-at#{opening_id}#{child_id}",
            to=f"person:{person_id}",
            template="notice:children/looked-at",
            now=now,
            child_id=child_id,
            opening_id=opening_id,
            at=f"{local(now):%d.%m.%Y}",
        )
        outbox.write_each([told])
