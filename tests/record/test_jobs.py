"""The stream into the log, checkpoints out of it, whatever dies on the way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters import files
from chalicelib.record import jobs, store
from chalicelib.record.actions import publishing
from infra.local import faults
from infra.local.testing import TestCloud
from tests.record.builders import NOW, changed, the_log


def files_of(cloud: TestCloud) -> dict[str, bytes]:
    folder = cloud.files / "record"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_stream_fills_the_log_and_a_checkpoint_follows(cloud: TestCloud) -> None:
    changed("one", times=3)
    changed("two", times=2)

    cloud.drain()

    assert [leaf.name[0] for leaf in the_log()].count("voucher/one") == 3
    note = files_of(cloud)["checkpoint"].decode()
    assert note == cloud.get("/v1/record/checkpoint").text
    assert note.startswith("kezek/test/record\n5\n")


def test_at_most_a_checkpoint_a_minute_and_the_quarter_hour_brings_the_rest(
    cloud: TestCloud,
) -> None:
    changed("one")
    cloud.drain()
    changed("one")
    cloud.drain()
    assert publishing.published_size() == 1

    cloud.set_clock(NOW + timedelta(seconds=61))
    changed("one")
    cloud.drain()
    assert publishing.published_size() == 3

    changed("one")
    cloud.drain()
    cloud.fire("run_record")
    assert publishing.published_size() == 4
    assert sorted(n for n in files_of(cloud) if n.startswith("checkpoints/")) == [
        "checkpoints/1",
        "checkpoints/3",
        "checkpoints/4",
    ]


def test_a_row_that_cannot_be_read_stops_no_other_and_ends_among_dead_letters(
    cloud: TestCloud,
) -> None:
    changed("one")
    store.AnyRow("voucher/poison", "1", body="not json", images=b"x", salt=b"1" * 16).save(
        add_version_condition=False
    )
    changed("two")

    cloud.drain(strict=False)

    assert [leaf.name[0] for leaf in the_log()] == ["voucher/one", "voucher/two"]
    assert len(cloud.dead_letters()) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_publishing_killed_at_any_call_is_finished_by_the_next_run(
    cloud: TestCloud, when: str
) -> None:
    changed("one", times=5)
    cloud.drain()
    clean, size = dict(files_of(cloud)), 5
    for call in range(1, 12):
        changed("one")
        size += 1
        leaf = store.leaf_of(store.opening_of(store.AnyRow.get("voucher/one", f"{size:012d}")))
        jobs.sequencing.sequence([leaf])
        try:
            with faults.crash(**{when: call}):
                jobs.publish(NOW, at_once=True)
        except faults.Crash:
            pass
        jobs.publish(NOW, at_once=True)

        found = files_of(cloud)
        assert publishing.published_size() == size
        assert found["checkpoint"] == found[f"checkpoints/{size}"]
        assert found["checkpoint"].decode() == publishing.newest().note
        # What was published never changes.
        assert all(found[n] == clean[n] for n in clean if n not in ("checkpoint", "keys"))
        clean = found


def test_a_slow_publisher_never_puts_an_older_checkpoint_over_a_newer(
    cloud: TestCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed("one")
    cloud.drain()
    changed("one")
    cloud.drain()
    saved: list[str] = []
    publish = files.publish

    def slow(name: str, content: bytes) -> None:
        if name == "checkpoint" and not saved:
            saved.append(name)
            changed("one")
            jobs.take_in(stream_of("voucher/one"))
            jobs.publish(NOW, at_once=True)  # another, quicker
        publish(name, content)

    monkeypatch.setattr(files, "publish", slow)
    jobs.publish(NOW, at_once=True)

    assert files_of(cloud)["checkpoint"].decode() == publishing.newest().note
    assert publishing.published_size() == 3


def stream_of(pk: str) -> dict[str, Any]:
    """Return a stream's event of all rows of an aggregate."""
    images = [row.serialize() for row in store.AnyRow.query(pk)]
    return {
        "Records": [
            {"eventName": "INSERT", "dynamodb": {"NewImage": image, "SequenceNumber": str(n)}}
            for n, image in enumerate(images)
        ]
    }


def test_without_a_key_entries_are_placed_and_nothing_is_published(
    cloud: TestCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEZEK_RECORD_KEYS_FILE", "/nowhere")
    changed("one")

    cloud.drain()

    assert len(the_log()) == 1
    assert cloud.get("/v1/record/checkpoint").status == 404


def test_two_keys_sign_one_checkpoint(
    cloud: TestCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import base64
    import json

    seeds = [{"seed": base64.b64encode(bytes([n]) * 32).decode()} for n in (1, 2)]
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": seeds}))
    monkeypatch.setenv("KEZEK_RECORD_KEYS_FILE", str(path))
    changed("one")

    cloud.drain()

    assert cloud.get("/v1/record/checkpoint").text.count("— ") == 2
    assert len(cloud.get("/v1/record/keys").text.splitlines()) == 2


def test_a_log_behind_what_was_published_is_not_signed_again(
    cloud: TestCloud, caplog: pytest.LogCaptureFixture
) -> None:
    changed("one", times=3)
    cloud.drain()
    note = files_of(cloud)["checkpoint"]
    for row in store.RecordRow.scan():
        row.delete(add_version_condition=False)  # as after a restore from a backup

    jobs.sequencing.sequence(
        [store.leaf_of(store.opening_of(store.AnyRow.get("voucher/one", f"{1:012d}")))]
    )
    jobs.publish(NOW, at_once=True)

    assert files_of(cloud)["checkpoint"] == note
    assert publishing.find_newest() is None
    assert "not as published" in caplog.text
