"""Each entry once, in the order of its stream, whatever happens to sequencers."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest

from chalicelib.journal import actions as rebuilding
from chalicelib.journal import store as journal
from chalicelib.kernel import merkle
from chalicelib.record import store
from chalicelib.record.actions import proving, searching, sequencing
from infra.local import faults
from tests.record.builders import JOB, NOW, THINGS, Thing, changed, leaves, logged, removed, the_log

pytestmark = pytest.mark.usefixtures("tables")


def is_whole(log: list[store.Leaf]) -> None:
    """Check that all of the journal is in the log once, chained, under the right root."""
    assert sorted(leaf.name for leaf in log) == [leaf.name for leaf in leaves()]
    assert merkle.grow(merkle.Head(), [leaf.digest for leaf in log]).head == store.find_head()[1]
    newest: dict[str, str] = {}
    for leaf in log:
        assert store.find_places([leaf.name]) == {leaf.name: log.index(leaf)}
        stored = store.openings([leaf.name])[leaf.name]
        assert stored.digest == leaf.digest
        before = journal.ENTRIES.load(leaf.name).value.before
        assert before == newest.get(leaf.name[0], "first")
        newest[leaf.name[0]] = f"{int(leaf.name[1])}:{store.shown(leaf.digest)}"


def test_each_entry_names_the_digest_of_the_one_before_it_in_its_stream() -> None:
    changed("one", times=3)

    first, second, third = journal.history("voucher/one")
    row = THINGS.load(("THING#one", "-"))

    digests = [store.shown(leaf.digest) for leaf in leaves()]
    assert first.before == "first"
    assert second.before == f"1:{digests[0]}"
    assert third.before == f"2:{digests[1]}"
    assert row.head == f"3:{digests[2]}"


def test_a_row_removed_and_made_again_begins_anew_and_the_end_is_said() -> None:
    changed("one")
    removed("one")
    put = THINGS.create(("THING#one", "-"), Thing("again"), version=3)
    journal.commit(journal.entry("vouchers/chosen", "voucher/one", by=JOB, now=NOW), put)

    told = [
        (entry.before.partition(":")[0], entry.ends) for entry in journal.history("voucher/one")
    ]

    assert told == [("first", False), ("1", True), ("first", False)]


def test_an_entry_whose_row_is_older_than_the_chains_says_so() -> None:
    changed("one")
    kept = THINGS.load(("THING#one", "-"))
    THINGS.row(kept.pk, kept.sk, version=1, body=kept.body).save(add_version_condition=False)

    changed("one")

    assert [entry.before for entry in journal.history("voucher/one")] == ["first", "unchained"]


def test_a_change_costs_no_more_calls_than_before_and_a_rebuild_is_the_same_to_the_byte(
    tables: Any,
) -> None:
    changed("one", times=2)
    with faults.watch() as seen:
        changed("one")
    before = tables.dump()
    for row in THINGS.row.scan():
        row.delete(add_version_condition=False)

    rebuilding.rebuild()

    assert len(seen.calls) == 2
    assert tables.dump() == before
    assert list(rebuilding.differences()) == []


def test_all_entries_get_their_places_once_across_tiles() -> None:
    for n in range(60):
        changed(f"thing-{n:02d}", times=5)

    log = logged()
    again = sequencing.sequence(leaves())

    assert len(log) == 300
    assert again == 0
    is_whole(log)
    assert proving.head_at(300) == store.find_head()[1]
    assert (
        proving.head_at(257).root
        == merkle.grow(merkle.Head(), [x.digest for x in log[:257]]).head.root
    )


def test_out_of_order_and_doubled_delivery_give_each_stream_its_order() -> None:
    changed("one", times=9)
    changed("two", times=4)
    shuffled = leaves() + leaves()
    random.Random(7).shuffle(shuffled)

    for start in range(0, len(shuffled), 3):
        sequencing.sequence(shuffled[start : start + 3])

    is_whole(the_log())


def test_a_lost_entry_is_taken_along_by_the_next_of_its_stream() -> None:
    changed("one", times=5)

    sequencing.sequence(leaves()[-1:])

    is_whole(the_log())


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_sequencer_killed_at_any_call_leaves_the_log_of_one_clean_run(
    when: str, tables: Any, one_salt: None
) -> None:
    def prepared() -> list[store.Leaf]:
        tables.wipe()
        for n in range(3):
            changed(f"thing-{n}", times=30)
        return leaves()

    found = prepared()
    with faults.watch() as seen:
        sequencing.sequence(found)
    clean = tables.dump()

    for call in range(1, len(seen.calls) + 1):
        found = prepared()
        with faults.crash(**{when: call}), pytest.raises(faults.Crash):
            sequencing.sequence(found)
        sequencing.sequence(found)

        assert tables.dump() == clean
        is_whole(the_log())


@pytest.mark.parametrize("fault", [faults.lost_answer, faults.conflict, faults.throttle])
def test_a_lost_answer_a_conflict_and_a_throttle_leave_no_doubles(fault: Any) -> None:
    for n in range(3):
        changed(f"thing-{n}", times=30)
    found = leaves()

    for call in (1, 2, 3, 4):
        try:
            with fault(call):
                sequencing.sequence(found)
        except Exception as error:
            assert getattr(error, "code", "").startswith("kezek/"), error
    sequencing.sequence(found)

    is_whole(the_log())


def test_two_sequencers_at_once_make_one_log() -> None:
    for n in range(6):
        changed(f"thing-{n}", times=20)
    found = leaves()
    errors: list[Exception] = []

    def work(part: list[store.Leaf]) -> None:
        try:
            sequencing.sequence(part)
        except Exception as error:
            errors.append(error)

    threads = [
        threading.Thread(target=work, args=(part,))
        for part in (found, found[::-1], found[::2], found[1::2])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [e for e in errors if not isinstance(e, sequencing.LogBusy)] == []
    sequencing.sequence(found)
    is_whole(the_log())


def test_the_search_finds_what_the_stream_lost_a_part_a_day() -> None:
    for n in range(20):
        changed(f"thing-{n:02d}", times=2)
    sequencing.sequence(leaves()[:20])

    found = 0
    for day in range(7):
        found += searching.search(now=NOW.replace(day=2 + day), pages=1000)
        assert searching.search(now=NOW.replace(day=2 + day, hour=5), pages=1000) == 0

    assert found == 20
    kept = store.find_search()
    assert kept is not None
    assert (kept.value.segment, kept.value.round_found) == (0, 20)
    is_whole(the_log())
