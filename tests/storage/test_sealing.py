"""A sealed field is bound to its table, its subject and its name, not only to a subject's key."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag

from chalicelib.storage.vault import sealing

KEY = bytes(range(32))


def test_a_field_opens_where_it_was_sealed_and_nowhere_else() -> None:
    sealed = sealing.seal_fields(KEY, "CHILD#1", {"surname": "Ахметова"}, place="vault")

    assert sealing.open_fields(KEY, "CHILD#1", sealed, place="vault") == {"surname": "Ахметова"}
    for subject, name, place in (
        ("CHILD#2", "surname", "vault"),
        ("CHILD#1", "given_name", "vault"),
        ("CHILD#1", "surname", "facts"),
    ):
        with pytest.raises(InvalidTag):
            sealing.open_fields(KEY, subject, {name: sealed["surname"]}, place=place)
