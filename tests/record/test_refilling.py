"""The log's table lost and made anew: the same to the byte, or a refusal that names the entry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters import files
from chalicelib.edge import clock
from chalicelib.record import jobs, store
from chalicelib.record.actions import proving, publishing, refilling, sequencing
from chalicelib.record.rules import notes
from chalicelib.record.rules.leaves import Leaf
from infra import refilling as command
from infra.local import faults
from infra.local.testing import Said, TestCloud
from tests.promises import eds
from tests.promises.script import Act, City
from tests.record.builders import NOW, changed, removed, the_log


def rows(cloud: TestCloud) -> list[dict[str, Any]]:
    """Return the record's rows, batches of leaves joined: where a batch ended is no part of it."""
    found = next(rows for name, rows in cloud.tables.dump().items() if name.endswith("-record"))
    kept = []
    for row in found:
        pk = row["pk"]["S"]
        if pk.startswith("TILE#0#") or row["sk"]["S"] == "SEARCH":
            continue
        row.pop("v")
        if pk == "CHECKPOINTS" or row["sk"]["S"] == "PUBLISHED":
            row["body"]["S"] = row["body"]["S"].partition('"at"')[0]
        kept.append(row)
    return kept


def lose(cloud: TestCloud) -> None:
    """Empty the record's table."""
    name = next(name for name in cloud.tables.names if name.endswith("-record"))
    for row in cloud.tables.dump()[name]:
        cloud.tables.client.delete_item(TableName=name, Key={k: row[k] for k in ("pk", "sk")})


def filled(cloud: TestCloud) -> tuple[list[Leaf], list[dict[str, Any]]]:
    """Fill a log of some tiles' length, under several checkpoints; return leaves and rows."""
    for n in range(12):
        changed(f"thing-{n % 5}", times=20 + n)
        cloud.set_clock(NOW + timedelta(minutes=2 * n))
        cloud.drain()
    removed("thing-1")
    cloud.drain()
    cloud.fire("run_record", NOW + timedelta(hours=1))
    assert len(the_log()) > 256
    return the_log(), rows(cloud)


def test_a_lost_table_comes_back_the_same(cloud: TestCloud) -> None:
    leaves, before = filled(cloud)
    note = cloud.get("/v1/record/checkpoint").text
    lose(cloud)

    told = command.run()

    assert (told["published"], told["refilled"], told["appended"]) == (len(leaves),) * 2 + (0,)
    assert [(x.name, x.digest, x.event, x.stream, x.at, x.area) for x in the_log()] == [
        (x.name, x.digest, x.event, x.stream, x.at, x.area) for x in leaves
    ]
    assert rows(cloud) == before
    assert cloud.get("/v1/record/checkpoint").text == note
    assert command.run()["refilled"] == 0
    assert rows(cloud) == before


def test_what_was_not_published_follows_and_the_log_goes_on(cloud: TestCloud) -> None:
    leaves, _ = filled(cloud)
    changed("late", times=3)
    lose(cloud)

    told = command.run()

    assert told["appended"] == 3
    assert [leaf.digest for leaf in the_log()[: len(leaves)]] == [leaf.digest for leaf in leaves]
    cloud.drain()
    cloud.fire("run_record", NOW + timedelta(hours=2))
    assert publishing.published_size() == len(leaves) + 3
    assert len({leaf.name for leaf in the_log()}) == len(leaves) + 3


def test_a_refilling_killed_at_any_write_goes_on(cloud: TestCloud) -> None:
    leaves, before = filled(cloud)
    lose(cloud)
    number = 0
    while True:
        number += 3
        fault = faults.crash(after=number) if number % 2 else faults.crash(before=number)
        try:
            with fault:
                command.run()
        except faults.Crash:
            continue
        break

    assert [leaf.digest for leaf in the_log()] == [leaf.digest for leaf in leaves]
    assert rows(cloud) == before


def test_a_lost_log_is_never_begun_anew(cloud: TestCloud) -> None:
    filled(cloud)
    lose(cloud)
    changed("late")

    cloud.drain(strict=False)
    jobs.run_record(type("Event", (), {"time": "2026-03-02T06:00:00Z"}))

    assert the_log() == []
    with pytest.raises(sequencing.LogLost):
        sequencing.sequence(
            [store.leaf_of(store.opening_of(r)) for r in store.AnyRow.scan(limit=1)],
            may_begin=jobs._nothing_published,
        )


def _edited(cloud: TestCloud) -> dict[str, Any]:
    """Edit the text of an entry that has one behind it."""
    number, leaf = next((n, x) for n, x in enumerate(the_log()) if x.name[1].endswith("05"))
    row = store.AnyRow.get(*leaf.name)
    row.body = row.body.replace("taldykorgan", "astana")
    row.save(add_version_condition=False)
    return {"number": number, "before": f"{leaf.name[0]}/{int(leaf.name[1]) + 1:012d}"}


def _thinned(cloud: TestCloud) -> dict[str, Any]:
    leaf = the_log()[200]
    store.AnyRow(*leaf.name).delete(add_version_condition=False)
    return {"number": 200}


def _tile_reordered(cloud: TestCloud) -> dict[str, Any]:
    file = cloud.files / "record" / "tile" / "entries" / "000"
    raw = file.read_bytes()
    file.write_bytes(raw[34:68] + raw[:34] + raw[68:])
    return {"number": 0}


@pytest.mark.parametrize("harm", [_edited, _thinned, _tile_reordered])
def test_what_differs_is_named_and_nothing_is_written(
    cloud: TestCloud, harm: Callable[[TestCloud], dict[str, Any]]
) -> None:
    filled(cloud)
    expected = harm(cloud)
    lose(cloud)

    with pytest.raises(refilling.Differs) as refused:
        command.run()

    facts = refused.value.facts
    assert {name: facts[name] for name in expected} == expected
    assert rows(cloud) == []


def test_a_log_that_was_begun_otherwise_is_named(cloud: TestCloud) -> None:
    leaves, _ = filled(cloud)
    lose(cloud)
    sequencing.sequence(leaves[3:7])

    with pytest.raises(refilling.Differs) as refused:
        command.run()

    assert refused.value.facts["number"] == 0
    assert refused.value.facts["stored"] == "/".join(the_log()[0].name)


@pytest.mark.parametrize("name", ["tile/entries/000", "keys", "checkpoint"])
def test_a_lost_file_is_named(cloud: TestCloud, name: str) -> None:
    filled(cloud)
    lose(cloud)
    (cloud.files / "record" / name).unlink()

    refusal: Any = command.NothingPublished if name == "checkpoint" else refilling.FileLost
    with pytest.raises(refusal):
        command.run()


def test_a_checkpoint_that_nobody_of_us_signed_is_refused(cloud: TestCloud) -> None:
    filled(cloud)
    file = cloud.files / "record" / "checkpoint"
    text = file.read_text("utf-8")
    file.write_text(text[:-10] + ("A" if text[-10] != "A" else "B") + text[-9:], "utf-8")
    lose(cloud)

    with pytest.raises(refilling.NotOurs):
        command.run()


class InTheMiddle:
    """Loses the log's table once, in the middle of the year, and has it refilled."""

    def __init__(self, at: int) -> None:
        self.at, self.acts, self.refilled = at, 0, 0

    def __call__(self, city: City, act: Act) -> Said:
        self.acts += 1
        if self.acts == self.at:
            city.cloud.drain()
            jobs.publish(clock.now(), at_once=True)
            leaves, before = the_log(), rows(city.cloud)
            lose(city.cloud)
            told = command.run()
            self.refilled = told["refilled"]
            assert (told["published"], told["appended"]) == (len(leaves), 0)
            assert [leaf.digest for leaf in the_log()] == [leaf.digest for leaf in leaves]
            assert rows(city.cloud) == before
        return city.send(act)


def test_the_table_is_lost_in_the_middle_of_the_citys_year_and_the_year_goes_on(
    cloud: TestCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    eds.configure(monkeypatch, tmp_path / "lists")
    city = City(cloud)
    city.on_act = middle = InTheMiddle(45)

    city.play()
    cloud.drain()
    jobs.publish(clock.now(), at_once=True)

    assert middle.refilled > 100
    size = publishing.published_size()
    assert size == len(the_log()) > middle.refilled
    # Every checkpoint that was ever published is of this one log, the file of each too.
    for kept, note in publishing.each_checkpoint(upto=size):
        assert notes.read_checkpoint(note.encode()) == (kept, proving.head_at(kept).root)
        assert files.published(f"checkpoints/{kept}") in (None, note.encode())
