"""What stands veiled in a row: bound to its place, the same each time, and of one length."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import pytest
from cryptography.exceptions import InvalidTag

from chalicelib.storage import veil
from chalicelib.storage.commit import commit
from chalicelib.storage.rows import FactsRow
from chalicelib.storage.shelf import VEIL, Shelf
from infra.local.testing import TestTables

KEY = ("THING#1", "-")


@dataclass(frozen=True, slots=True)
class Thing:
    name: str
    held: tuple[str, ...] = ()


THINGS: Shelf[Thing] = Shelf(FactsRow, Thing, veiled=("held",))
OPEN: Shelf[Thing] = Shelf(FactsRow, Thing)


def body(tables: TestTables, pk: str = KEY[0]) -> str:
    rows = next(v for k, v in tables.dump().items() if k.endswith("-facts"))
    return next(str(row["body"]["S"]) for row in rows if row["pk"]["S"] == pk)


def test_a_veiled_field_is_read_as_it_was_and_stands_nowhere(tables: TestTables) -> None:
    commit([THINGS.create(KEY, Thing("one", ("orphan",)))])

    kept = THINGS.load(KEY)

    assert kept.value == Thing("one", ("orphan",))
    assert "orphan" in kept.body and "orphan" not in body(tables) and "held" not in body(tables)
    assert json.loads(body(tables))["name"] == "one"


def test_the_same_in_the_same_place_is_the_same_and_elsewhere_another(tables: TestTables) -> None:
    value = Thing("one", ("orphan",))
    commit([THINGS.create(KEY, value), THINGS.create(("THING#2", "-"), value)])
    first = json.loads(body(tables))[VEIL]

    commit([THINGS.replace(THINGS.load(KEY), replace(value, name="two"))])

    assert json.loads(body(tables))[VEIL] == first
    assert json.loads(body(tables, "THING#2"))[VEIL] != first


def test_its_length_does_not_say_what_it_is() -> None:
    codes = ("sen", "orphan", "disability-representative")

    assert len({len(veil.hide("here", {"held": [code]})) for code in codes}) == 1
    assert len({len(veil.hide("here", {"held": list(codes[:n])})) for n in range(2)}) == 1


def test_what_was_moved_or_altered_does_not_open(tables: TestTables) -> None:
    commit(
        [
            THINGS.create(KEY, Thing("one", ("orphan",))),
            THINGS.create(("THING#2", "-"), Thing("two")),
        ]
    )
    moved = FactsRow.get("THING#2", "-")
    moved.body = body(tables)
    moved.save()

    with pytest.raises(InvalidTag):
        THINGS.load(("THING#2", "-"))
    with pytest.raises(InvalidTag):
        veil.reveal("there", veil.hide("here", ["orphan"]))


def test_a_row_of_before_is_read_and_veiled_when_it_is_replaced(tables: TestTables) -> None:
    commit([OPEN.create(KEY, Thing("one", ("orphan",)))])
    kept = THINGS.load(KEY)
    assert kept.value.held == ("orphan",)

    commit([THINGS.replace(kept, replace(kept.value, name="two"))])

    assert THINGS.load(KEY).value == Thing("two", ("orphan",))
    assert "orphan" not in body(tables) and "held" not in body(tables)


def test_what_a_newer_version_veiled_besides_survives_a_replacement(tables: TestTables) -> None:
    @dataclass(frozen=True, slots=True)
    class Newer(Thing):
        more: str = ""

    newer = Shelf(FactsRow, Newer, veiled=("held", "more"))
    commit([newer.create(KEY, Newer("one", (), "orphan"))])

    commit([THINGS.replace(THINGS.load(KEY), Thing("two"))])

    assert newer.load(KEY).value == Newer("two", (), "orphan")
    assert "orphan" not in body(tables)
