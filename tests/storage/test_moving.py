"""The vault's move into a real PostgreSQL and back: killed anywhere, raced, checked, never told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib.storage import keys, vault
from chalicelib.storage.commit import commit
from chalicelib.storage.vault import moving, places, postgres
from chalicelib.storage.vault.moving import Way
from infra.local import faults
from infra.local.testing import TestTables
from tests import postgres as running

COUNT = 23


@pytest.fixture
def everybody(tables: TestTables, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str]]:
    """A vault in the rows: sealed while no database was named."""
    monkeypatch.delenv("KEZEK_VAULT", raising=False)
    places.forget_outside()
    people = {
        f"CHILD#{n}": {"iin": f"{n:012d}", "surname": "Аметист" * (n % 3)} for n in range(COUNT)
    }
    for subject, fields in people.items():
        commit(vault.seal(subject, fields))
    return people


@pytest.fixture
def named(
    everybody: dict[str, dict[str, str]],
    cluster: running.Cluster,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[str], postgres.Postgres]]:
    """Name the database, as it is or as one that is being left."""
    made: list[postgres.Postgres] = []

    def name(more: str = "") -> postgres.Postgres:
        places.forget_outside()
        monkeypatch.setenv("KEZEK_VAULT", cluster.url() + more)
        blobs = places.outside()
        assert isinstance(blobs, postgres.Postgres)
        made.append(blobs)
        return blobs

    name()._ask("truncate kezek_sealed")
    yield name
    for blobs in made:
        blobs.close()
    places.forget_outside()


Named = Callable[[str], postgres.Postgres]
LEAVING = "&new=rows"


def lies(subject: str) -> str:
    body = vault.SEALED.load(keys.sealed(subject)).value
    return "outside" if vault.REFERENCE in body else "inside"


def test_everything_moves_and_is_what_it_was(
    everybody: dict[str, dict[str, str]], named: Named
) -> None:
    before = moving.census()
    done = moving.move(Way.OUT)
    after = moving.census()

    assert (before.inside, before.outside, before.whole) == (COUNT, 0, True)
    assert (after.inside, after.outside, after.proved, after.blobs) == (0, COUNT, COUNT, COUNT)
    assert after.whole
    assert after.digest == before.digest
    assert sum(part.moved for part in done) == COUNT
    assert vault.open_many(list(everybody)) == everybody


def test_a_second_move_changes_nothing(named: Named, tables: TestTables) -> None:
    moving.move(Way.OUT)
    rows = {k: v for k, v in tables.dump().items() if k.endswith("-vault")}

    again = moving.move(Way.OUT)

    assert sum(part.moved for part in again) == 0
    assert sum(part.there for part in again) == COUNT
    assert {k: v for k, v in tables.dump().items() if k.endswith("-vault")} == rows


def test_and_back(everybody: dict[str, dict[str, str]], named: Named) -> None:
    before = moving.census()
    moving.move(Way.OUT)
    with pytest.raises(moving.NoPlace):
        moving.move(Way.BACK)
    named(LEAVING)
    with pytest.raises(moving.NoPlace):
        moving.move(Way.OUT)

    moving.move(Way.BACK)

    after = moving.census()
    assert (after.inside, after.outside, after.digest) == (COUNT, 0, before.digest)
    # What stays elsewhere has no row, and is collected as any such.
    assert after.blobs == COUNT
    blobs = places.outside()
    assert isinstance(blobs, postgres.Postgres)
    for _ in range(2):
        blobs.collect(vault._references, most=1000, wait_s=0)
    assert moving.census().blobs == 0
    assert vault.open_many(list(everybody)) == everybody


def test_while_it_is_left_new_fields_go_into_the_rows(named: Named) -> None:
    moving.move(Way.OUT)
    named(LEAVING)

    commit([vault.reseal("CHILD#1", {"surname": "Б"})])

    assert lies("CHILD#1") == "inside"
    assert vault.open_fields("CHILD#1")["surname"] == "Б"


def _of_postgres(blobs: postgres.Postgres, die_at: int, after: bool) -> Callable[..., Any]:
    """Return `_ask` of a process that dies at its n-th question."""
    asked, count = blobs._ask, 0

    def ask(statement: str, **values: Any) -> Any:
        nonlocal count
        count += 1
        if count == die_at and not after:
            raise faults.Crash("before PostgreSQL")
        told = asked(statement, **values)
        if count == die_at:
            raise faults.Crash("after PostgreSQL")
        return told

    return ask


@pytest.mark.parametrize("way", list(Way))
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_move_killed_at_any_call_goes_on(
    when: str,
    way: Way,
    everybody: dict[str, dict[str, str]],
    named: Named,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each run dies a call later than the last, until one lives; what it did stays done."""
    monkeypatch.setattr(moving, "PAGE", 5)
    before = moving.census().digest
    if way is Way.BACK:
        moving.move(Way.OUT)
        named(LEAVING)
    for number in range(1, 400):
        fault = faults.crash(before=number) if when == "before" else faults.crash(after=number)
        try:
            with fault:
                moving.move(way)
        except faults.Crash:
            assert vault.open_many(list(everybody)) == everybody
            continue
        break
    found = moving.census()
    assert (found.whole, found.digest) == (True, before)
    assert (found.inside, found.outside)[way is Way.BACK] == 0


@pytest.mark.parametrize("after", [False, True])
def test_a_move_killed_at_any_question_to_postgresql_goes_on(
    after: bool,
    everybody: dict[str, dict[str, str]],
    named: Named,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(moving, "PAGE", 5)
    blobs = places.outside()
    assert isinstance(blobs, postgres.Postgres)
    for die_at in range(1, 200):
        with monkeypatch.context() as patched:
            patched.setattr(blobs, "_ask", _of_postgres(blobs, die_at, after))
            try:
                moving.move(Way.OUT)
            except faults.Crash:
                continue
        break

    found = moving.census()
    assert (found.inside, found.outside, found.whole) == (0, COUNT, True)
    assert vault.open_many(list(everybody)) == everybody
    for _ in range(2):
        blobs.collect(vault._references, most=1000, wait_s=0)
    assert moving.census().blobs == COUNT, "what kills left elsewhere is collected"


def test_whoever_changes_or_erases_meanwhile_wins(
    named: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = moving._written

    def meanwhile(way: Way, data_key: bytes, subject: str, fields: Any) -> Any:
        body = written(way, data_key, subject, fields)
        if subject == "CHILD#1" and fields["surname"] != "Новая":
            commit([vault.reseal(subject, {"surname": "Новая"})])
        if subject == "CHILD#2":
            commit(vault.erase(subject))
        return body

    monkeypatch.setattr(moving, "_written", meanwhile)
    done = moving.move(Way.OUT)

    assert vault.open_fields("CHILD#1")["surname"] == "Новая"
    assert vault.open_fields("CHILD#2") == {}
    found = moving.census()
    assert (found.rows, found.inside, found.outside, found.whole) == (COUNT - 1, 0, COUNT - 1, True)
    assert found.proved == COUNT - 2, "a row that changed since says nothing of before"
    assert sum(part.erased for part in done) == 1


def test_a_blob_that_comes_back_otherwise_moves_nothing(
    named: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = places.outside()
    assert isinstance(blobs, postgres.Postgres)
    monkeypatch.setattr(blobs, "fetch", lambda references: {})

    with pytest.raises(moving.NotAsWritten):
        moving.move(Way.OUT)

    monkeypatch.undo()
    named("")
    assert moving.census().inside == COUNT


def test_the_check_finds_what_is_lost_and_what_was_exchanged(named: Named) -> None:
    moving.move(Way.OUT)
    blobs = places.outside()
    assert isinstance(blobs, postgres.Postgres)
    lost = vault._references(["CHILD#1"])["CHILD#1"]
    broken = vault._references(["CHILD#2"])["CHILD#2"]
    other = next(iter(blobs.fetch([vault._references(["CHILD#3"])["CHILD#3"]]).values()))
    blobs._ask("delete from kezek_sealed where reference = any(:gone)", gone=[lost, broken])
    blobs.insert(broken, "CHILD#2", other)

    found = moving.census()

    assert (found.lost, found.broken, found.whole) == (1, 1, False)
    named(LEAVING)
    done = moving.move(Way.BACK)
    assert sum(part.lost for part in done) == sum(part.broken for part in done) == 1
    assert sum(part.moved for part in done) == COUNT - 2


def test_what_an_earlier_version_of_the_same_subject_was_does_not_pass(named: Named) -> None:
    moving.move(Way.OUT)
    kept = vault.SEALED.load(keys.sealed("CHILD#1"))

    commit([vault.SEALED.replace(kept, {**kept.value, vault.DIGEST: "0" * 64})])

    assert moving.census().broken == 1


def test_nothing_moves_without_a_database(
    everybody: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(moving.NoPlace):
        moving.move(Way.OUT)
    assert moving.census().blobs is None
