"""The one door for writes: all or none, the right refusal, no second effect."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from chalicelib.journal import actions as rebuild
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import system
from chalicelib.kernel.refusals import OutOfTurn, Unknown, UsedUp
from chalicelib.storage import keys, outbox, vault
from chalicelib.storage.commit import (
    Check,
    Delete,
    Put,
    Raced,
    TooManyWrites,
    Update,
    commit,
    settles,
)
from chalicelib.storage.rows import FactsRow, KeyRow, VaultRow
from chalicelib.storage.shelf import Shelf

NOW = datetime(2026, 9, 1, 3, 0, tzinfo=UTC)
BY = system("test")


@dataclass(frozen=True, slots=True)
class Thing:
    name: str
    left: int = 0


@dataclass(frozen=True, slots=True)
class OlderThing:
    name: str


THINGS: Shelf[Thing] = Shelf(FactsRow, Thing)
OLDER: Shelf[OlderThing] = Shelf(FactsRow, OlderThing)


class First(OutOfTurn):
    code: ClassVar[str] = "test/first"


class Second(UsedUp):
    code: ClassVar[str] = "test/second"


class Third(OutOfTurn):
    code: ClassVar[str] = "test/third"


def key(name: str) -> tuple[str, str]:
    return f"THING#{name}", "-"


def entry(name: str) -> object:
    return journal.entry("test/made", f"thing/{name}", by=BY, now=NOW)


@pytest.mark.usefixtures("tables")
class TestCommit:
    def test_all_or_none(self) -> None:
        commit([THINGS.create(key("a"), Thing("a"))])

        with pytest.raises(First):
            commit(
                [
                    THINGS.create(key("b"), Thing("b")),
                    THINGS.create(key("a"), Thing("a2"), otherwise=First()),
                ]
            )

        assert THINGS.find(key("b")) is None
        assert THINGS.load(key("a")).value == Thing("a")

    def test_each_kind_of_write_raises_its_own_refusal_whatever_the_order(self) -> None:
        """pynamodb sends checks, deletes, puts, updates; reasons come in that order."""
        commit([THINGS.create(key("a"), Thing("a"))])
        gone = FactsRow.pk.does_not_exist()
        row = FactsRow(*key("a"))
        fine = [
            THINGS.create(key("x"), Thing("x")),
            Check(FactsRow(*key("y")), only_if=gone, otherwise=Third()),
        ]
        failing = [
            Update(row, [FactsRow.expires_at.set(1)], only_if=gone, otherwise=First()),
            Delete(row, only_if=gone, otherwise=Second()),
            Check(row, only_if=gone, otherwise=Third()),
            Put(FactsRow(*key("a")), only_if=gone, otherwise=First()),
        ]
        for write in failing:
            with pytest.raises(type(write.otherwise)):
                commit([fine[0], write, fine[1]])
            with pytest.raises(type(write.otherwise)):
                commit([write, *fine])

    def test_more_than_a_hundred_writes_are_refused_before_anything_is_sent(self) -> None:
        with pytest.raises(TooManyWrites) as refused:
            commit([THINGS.create(key(str(n)), Thing("n")) for n in range(101)])

        assert refused.value.facts == {"writes": 101, "most": 100}
        assert THINGS.find(key("0")) is None

    def test_of_two_at_once_one_wins_and_the_other_is_told(self) -> None:
        commit([THINGS.create(key("seat"), Thing("seat", left=1))])
        barrier, outcomes = threading.Barrier(8), []

        def take(who: int) -> None:
            kept = THINGS.load(key("seat"))
            barrier.wait()
            try:
                journal.commit(
                    journal.entry("test/took", "thing/seat", by=BY, now=NOW, who=who),
                    THINGS.replace(kept, Thing("seat"), otherwise=Second()),
                )
                outcomes.append("won")
            except Second:
                outcomes.append("lost")

        threads = [threading.Thread(target=take, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(outcomes) == ["lost"] * 7 + ["won"]
        assert [e.sequence for e in journal.history("thing/seat")] == [2]

    def test_an_action_that_was_raced_is_repeated_whole(self) -> None:
        commit([THINGS.create(key("a"), Thing("a"))])
        tries = []

        @settles
        def rename() -> None:
            kept = THINGS.load(key("a"))
            if not tries:
                commit([THINGS.replace(kept, Thing("meanwhile"))])
            tries.append(kept.value.name)
            commit([THINGS.replace(kept, Thing("mine"))])

        rename()

        assert tries == ["a", "meanwhile"]
        assert THINGS.load(key("a")).value.name == "mine"

    def test_a_row_that_another_request_removed_meanwhile_is_no_unknown_object(self) -> None:
        commit([THINGS.create(key("a"), Thing("a")), THINGS.create(key("a in list"), Thing("a"))])
        tries = []

        @settles
        def leave() -> str:
            kept = THINGS.load(key("a"))
            tries.append(kept.value.name)
            if kept.value.name == "gone":
                return "gone already"
            if len(tries) == 1:  # the same request, sent twice, is carried out just now
                listed = THINGS.load(key("a in list"))
                commit([THINGS.replace(kept, Thing("gone")), THINGS.remove(listed)])
            THINGS.load(key("a in list"))
            return "gone"

        assert leave() == "gone already"

        @settles
        def seek() -> None:
            tries.append("sought")
            THINGS.load(key("nowhere"))

        with pytest.raises(Unknown):
            seek()
        assert tries[-2:] == ["sought", "sought"]


@pytest.mark.usefixtures("tables")
class TestShelf:
    def test_a14_fields_an_older_version_does_not_know_survive_it(self) -> None:
        commit([THINGS.create(key("a"), Thing("a", left=7))])

        older = OLDER.load(key("a"))
        commit([OLDER.replace(older, OlderThing("renamed"))])

        assert THINGS.load(key("a")).value == Thing("renamed", left=7)

    def test_what_is_missing_is_unknown(self) -> None:
        with pytest.raises(Unknown):
            THINGS.load(key("nowhere"))

    def test_a_partition_is_read_in_order_between_bounds(self) -> None:
        for sk in ("a", "b", "c", "d"):
            commit([THINGS.create(("P", sk), Thing(sk))])

        assert [k.sk for k in THINGS.each("P", after="a", upto="c")] == ["b", "c"]
        assert [k.sk for k in THINGS.each("P", newest_first=True, limit=2)] == ["d", "c"]
        assert [k.sk for k in THINGS.each("P", begins="c")] == ["c"]

    def test_many_are_found_by_the_hundred(self) -> None:
        for n in range(3):
            commit([THINGS.create(key(str(n)), Thing(str(n)))])

        found = THINGS.find_many([key(str(n)) for n in range(150)])

        assert sorted(kept.value.name for kept in found.values()) == ["0", "1", "2"]


@pytest.mark.usefixtures("tables")
class TestVault:
    def test_fields_open_for_their_subject_and_are_nowhere_readable(self) -> None:
        commit(vault.seal("CHILD#1", {"iin": "991231500006", "surname": "Әлиқызы"}))

        assert vault.open_fields("CHILD#1") == {"iin": "991231500006", "surname": "Әлиқызы"}
        row = VaultRow.get(*keys.sealed("CHILD#1"))
        assert "991231500006" not in (row.body or "")

    def test_b7_a_ciphertext_moved_to_another_field_or_subject_does_not_open(self) -> None:
        from cryptography.exceptions import InvalidTag

        commit(vault.seal("CHILD#1", {"iin": "1", "surname": "2"}))
        kept = vault.SEALED.load(keys.sealed("CHILD#1"))
        swapped = {"iin": kept.value["surname"], "surname": kept.value["iin"]}
        commit([vault.SEALED.replace(kept, swapped)])

        with pytest.raises(InvalidTag):
            vault.open_fields("CHILD#1")

    def test_some_fields_change_and_the_others_stay(self) -> None:
        commit(vault.seal("PERSON#1", {"surname": "a", "contact_1": "b"}))

        commit([vault.reseal("PERSON#1", {"contact_1": "c"})])

        assert vault.open_fields("PERSON#1") == {"surname": "a", "contact_1": "c"}

    def test_b13_destroying_the_data_key_erases_the_subject_and_no_other(self) -> None:
        commit(vault.seal("CHILD#1", {"iin": "1"}))
        commit(vault.seal("CHILD#2", {"iin": "2"}))

        KeyRow.get(*keys.data_key("CHILD#1")).delete()

        assert vault.open_many(["CHILD#1", "CHILD#2"]) == {"CHILD#2": {"iin": "2"}}


@pytest.mark.usefixtures("tables")
class TestJournal:
    def test_every_change_is_an_entry_with_the_images_of_its_rows(self) -> None:
        journal.commit(
            journal.entry("test/made", "thing/a", by=BY, now=NOW, why="because"),
            THINGS.create(key("a"), Thing("a")),
            outbox.notice("made#a", to="person:p", template="notice:test", now=NOW),
        )
        kept = THINGS.load(key("a"))
        journal.commit(journal.entry("test/gone", "thing/a", by=BY, now=NOW), THINGS.remove(kept))

        events = [(e.event, e.sequence, e.by) for e in journal.history("thing/a")]
        assert events == [("test/made", 1, "system:test"), ("test/gone", 2, "system:test")]
        assert [i.attributes is None for i in journal.scan_images()] == [False, True]

    def test_a_second_entry_of_the_same_sequence_is_impossible(self) -> None:
        journal.commit(
            journal.entry("test/made", "thing/a", by=BY, now=NOW),
            THINGS.create(key("a"), Thing("a")),
        )

        with pytest.raises(Raced):
            journal.commit(
                journal.entry("test/made", "thing/a", by=BY, now=NOW),
                THINGS.create(key("b"), Thing("b")),
            )
        assert THINGS.find(key("b")) is None

    def test_a16_lost_changed_and_doubled_rows_are_rebuilt_to_the_byte(self) -> None:
        for name in ("a", "b", "c"):
            journal.commit(
                journal.entry("test/made", f"thing/{name}", by=BY, now=NOW),
                THINGS.create(key(name), Thing(name)),
            )
        kept = THINGS.load(key("a"))
        journal.commit(
            journal.entry("test/changed", "thing/a", by=BY, now=NOW),
            THINGS.replace(kept, Thing("a", left=5)),
        )
        journal.commit(
            journal.entry("test/gone", "thing/b", by=BY, now=NOW),
            THINGS.remove(THINGS.load(key("b"))),
        )
        assert list(rebuild.differences()) == []
        row = FactsRow.get(*key("c"))
        row.body = '{"name":"tampered"}'
        row.save()
        assert [d.pk for d in rebuild.differences()] == [key("c")[0]]
        assert rebuild.rebuild() == {"facts": 1}, "a row altered without a new version is mended"
        before = sorted(str(r.serialize()) for r in FactsRow.scan())
        for row in FactsRow.scan():
            row.delete()
        assert len(list(rebuild.differences())) == 2

        counts = rebuild.rebuild()

        assert counts["facts"] >= 2
        assert sorted(str(r.serialize()) for r in FactsRow.scan()) == before
        assert list(rebuild.differences()) == []
