"""A partition read at once says what reading its rows says, over pages, faults and old rows."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from chalicelib.storage.commit import commit
from chalicelib.storage.rows import QueueRow
from chalicelib.storage.shelf import Shelf
from infra.local import faults
from infra.local.testing import TestTables

PK = "BULK#1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    name: str
    wishes: tuple[str, ...] = ()
    secret: str = "none"


OPEN: Shelf[Thing] = Shelf(QueueRow, Thing)
VEILED: Shelf[Thing] = Shelf(QueueRow, Thing, veiled=("secret",))


def fill(shelf: Shelf[Thing], count: int = 30, *, size: int = 1) -> list[Thing]:
    things = [
        Thing(name=f"{n:04d} ж" * size, wishes=("a", "b")[: n % 3], secret=f"said {n}")
        for n in range(count)
    ]
    for start in range(0, count, 50):
        numbered = list(enumerate(things))[start : start + 50]
        commit([shelf.create((PK, f"{n:04d}"), thing) for n, thing in numbered])
    return things


@pytest.mark.parametrize("shelf", [OPEN, VEILED], ids=["open", "veiled"])
def test_values_are_those_of_the_rows_in_their_order(
    tables: TestTables, shelf: Shelf[Thing]
) -> None:
    things = fill(shelf)

    assert list(shelf.values(PK)) == things == [kept.value for kept in shelf.each(PK)]
    assert list(shelf.values("BULK#nobody")) == []


def test_a_row_from_before_its_field_was_veiled_is_read_as_it_stands(tables: TestTables) -> None:
    things = fill(OPEN, 3)

    assert list(VEILED.values(PK)) == things


def test_values_go_on_over_pages_and_throttles_and_units_are_still_counted(
    tables: TestTables,
) -> None:
    things = fill(VEILED, 60, size=5_000)

    with faults.watch() as seen, faults.throttle(2):
        assert list(VEILED.values(PK)) == things

    assert seen.operations["Query"] > 2
    # What is asked afterwards is answered as ever, and costs the same.
    with faults.watch() as plain:
        assert len(list(VEILED.each(PK))) == 60
    assert seen.units[0] == plain.units[0] > 0


def test_an_empty_page_is_not_the_end(tables: TestTables) -> None:
    things = fill(VEILED, 5)

    with faults.empty_page(1):
        assert list(VEILED.values(PK)) == things
