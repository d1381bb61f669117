"""People and children for tests: invented, with numbers that pass the check."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, date, datetime
from typing import Any

from chalicelib.children import actions
from chalicelib.children.rules import Child, ChildDetails, Contact, Registration
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.iin import check_digit
from infra.local.testing import TestTables

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)


def an_iin(n: int) -> str:
    """Return the n-th invented number of the year 2099 whose check digit exists."""
    found, serial = 0, 0
    while True:
        eleven = f"9912315{serial:04d}"
        digit = check_digit(eleven)
        if digit is not None:
            if found == n:
                return f"{eleven}{digit}"
            found += 1
        serial += 1


def a_parent(name: str = "aigerim") -> Actor:
    return Actor(f"{name:0<32}", frozenset({Role.REPRESENTATIVE}))


def an_officer(area: str = "taldykorgan") -> Actor:
    return Actor(f"officer-{area}", frozenset({Role.DEPARTMENT}), areas=frozenset({area}))


def a_registration(**changes: Any) -> Registration:
    return Registration(
        **{
            "iin": an_iin(0),
            "surname": "Әбенова",
            "given_name": "Айгерім",
            "patronymic": None,
            "language": "kk",
            "contacts": (Contact("phone", "+77011234567"),),
            **changes,
        }
    )


def details(**changes: Any) -> ChildDetails:
    return ChildDetails(
        **{
            "iin": an_iin(100),
            "no_iin_reason": None,
            "surname": "Әбенов",
            "given_name": "Ерасыл",
            "patronymic": None,
            "birth_date": date(2022, 5, 4),
            "sex": "male",
            "address": None,
            **changes,
        }
    )


def everything_stored(tables: TestTables) -> str:
    """Return all rows as text, the journal's compressed images opened."""

    def opened(value: object) -> str:
        if not isinstance(value, bytes):
            return str(value)
        try:
            return zlib.decompress(value).decode()
        except zlib.error:
            return value.hex()

    return json.dumps(tables.dump(), ensure_ascii=False, default=opened)


def registered(name: str = "aigerim", n: int = 0) -> Actor:
    """Return a representative who is registered, with the n-th number."""
    actor = a_parent(name)
    actions.register(a_registration(iin=an_iin(n)), by=actor, now=NOW)
    return actor


def a_child(by: Actor, *, named: str = "application-1", **changes: Any) -> Child:
    return actions.child_for(details(**changes), area="taldykorgan", named=named, by=by, now=NOW)
