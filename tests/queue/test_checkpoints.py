"""The chain of published orders, to the byte: races, kills, late ones; proofs of places."""

from __future__ import annotations

import base64
import json
import random
import shutil
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters import files
from chalicelib.kernel.actors import Actor, Role
from chalicelib.queue import actions, jobs, rules, store
from chalicelib.storage import signing
from chalicelib.storage.secrets import ticket_salt
from infra.local import faults
from infra.local.testing import TestCloud, TestTables
from tests.promises.rewind import Kept
from tests.queue.city import (
    AREA,
    EVENING,
    JOB,
    LATER,
    PROGRAMME,
    a_small_city,
    an_application,
    fired,
    settle_in,
)
from tests.queue.reading import b64, checked, root_by_path, said, sha, text_of

SCRIPT = Path(__file__).parents[2] / "verify" / "kezek_verify.py"
AUDITOR = Actor("auditor-1", frozenset({Role.AUDITOR}))

pytestmark = pytest.mark.usefixtures("tables", "one_salt")


def verify(*words: object) -> dict[str, Any]:
    """What the independent verifier says of files, in a process of its own."""
    asked = [sys.executable, "-I", str(SCRIPT), *map(str, words), "--json"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return dict(json.loads(done.stdout), code=done.returncode)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KEZEK_FILES", str(tmp_path))
    return tmp_path / "record" / "queue" / PROGRAMME / AREA


def publish(name: str, at: Any = EVENING, **more: Any) -> rules.Head:
    return actions.publish(
        f"checkpoint-{name}", programme=PROGRAMME, area=AREA, by=JOB, now=at, **more
    ).head


def read(folder: Path) -> list[dict[str, Any]]:
    ((_, public),) = signing.public_keys()
    return checked(folder, "test", public)


def waiting(many: int, **said: Any) -> None:
    settle_in([], [an_application(f"{n:04d}", **said) for n in range(many)])


def test_a_checkpoint_is_published_to_the_byte_as_its_format_says(folder: Path) -> None:
    a_small_city(60)
    publish("one")
    publish("two", LATER, run_id="run-of-the-day")

    jobs.save_files(PROGRAMME, AREA)

    first, second = read(folder)
    assert first["previous"] == "-" and second["run"] == "run-of-the-day"
    assert len(first["leaves"]) == len(first["order"]["lines"]) == 60
    assert not {*first["leaves"]} & {*second["leaves"]}, "no digest is ever the same twice"


@pytest.mark.parametrize("size", [1, 4, 5, 60, 1025])
def test_every_ticket_has_a_proof_that_leads_to_the_signed_root(size: int, folder: Path) -> None:
    chance = random.Random(size)
    settle_in(
        [],
        [
            an_application(
                f"{n:04d}",
                tier=chance.choice(("general", "general", "first-priority", "extraordinary")),
                birth_year=chance.choice((2019, 2020, 2021, 2022)),
            )
            for n in range(size)
        ],
    )
    head = publish("one")
    jobs.save_files(PROGRAMME, AREA)
    (found,) = read(folder)
    # The leaves lie in pages of 512.
    edges = [n for n in (0, 511, 512, 1023, 1024, size - 1) if n < size]
    every = range(size) if size < 10 else {*edges, *chance.sample(range(size), 8)}

    for n in every:
        application = f"application-{n:04d}"
        proof = actions.place_proof(application, None, by=AUDITOR, now=LATER)
        leaf: Any = proof["leaf"]
        text = json.loads(leaf["text"])
        digest = sha(b"kezek/queue/1\n" + ticket_salt(application) + leaf["text"].encode())
        path: Any = proof["path"]
        assert proof["format"] == "kezek/place/1" and proof["note"] == head.note
        assert leaf["salt"] == b64(ticket_salt(application))
        assert found["leaves"][leaf["number"]] == digest
        top = root_by_path(
            leaf["number"], head.size, digest, [base64.b64decode(one) for one in path]
        )
        assert top is not None and b64(top) == said(head.note)["root"]
        assert text.keys() == {"category", "intake", "number", "ordered_at", "place", "ticket"}
        assert (text["ticket"], text["number"]) == (f"ticket-{n:04d}", 1)
        rank = store.find_rank(head, application)
        assert rank is not None and (text["category"], text["place"]) == (rank.category, rank.place)
        if found["order"]["lines"]:
            assert found["order"]["lines"][leaf["number"]]["ticket"] == text["ticket"]


@pytest.mark.parametrize("many", [0, 1, 4])
def test_B15_of_a_tiny_queue_nothing_shows_not_even_how_many_wait(many: int, folder: Path) -> None:
    waiting(many)

    publish("one")

    jobs.save_files(PROGRAMME, AREA)
    (found,) = read(folder)
    assert (len(found["leaves"]), found["order"]["lines"]) == (5, [])


def test_the_same_checkpoint_again_is_the_same_and_takes_no_number() -> None:
    waiting(7)

    assert publish("one") == publish("one", LATER)

    kept = store.find_head(PROGRAMME, AREA)
    assert kept is not None and kept.value.number == 1


def test_two_publishers_at_once_never_make_one_number(folder: Path) -> None:
    waiting(30)
    start = threading.Barrier(4)
    broken: list[BaseException] = []

    def one(n: int) -> None:
        try:
            start.wait()
            publish(str(n))
        except BaseException as error:
            broken.append(error)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not broken
    jobs.save_files(PROGRAMME, AREA)
    assert [found["number"] for found in read(folder)] == ["1", "2", "3", "4"]


def test_one_that_comes_late_stands_in_the_record_and_not_in_the_chain(folder: Path) -> None:
    waiting(6)
    publish("newest", LATER)

    late = publish("late", EVENING)
    after = publish("after", LATER + timedelta(minutes=1))

    jobs.save_files(PROGRAMME, AREA)
    assert (late.number, late.note, after.number) == (0, "", 2)
    assert len(read(folder)) == 2
    assert actions.checkpoint_of("checkpoint-late").head.as_of < after.as_of
    with pytest.raises(rules.NoCheckpoint):
        actions.place_proof("application-0000", "checkpoint-late", by=AUDITOR, now=LATER)


def test_what_is_published_and_not_in_the_tables_stops_the_chain(folder: Path) -> None:
    waiting(6)
    publish("one")

    with pytest.raises(rules.BehindPublished):
        publish("two", LATER, published=2)

    assert publish("two", LATER, published=1).number == 2


def test_another_order_under_a_published_number_is_never_written_over(folder: Path) -> None:
    waiting(6)
    publish("one")
    files.publish(f"queue/{PROGRAMME}/{AREA}/1/note", b"another")

    with pytest.raises(rules.BehindPublished):
        jobs.save_files(PROGRAMME, AREA)

    assert (folder / "1" / "note").read_bytes() == b"another"
    assert not (folder / "index.json").exists()


def newest() -> int:
    kept = store.find_head(PROGRAMME, AREA)
    return kept.value.number if kept else 0


def killed_at_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save the files of a queue and die before the index names the last."""
    really = files.publish

    def dying(name: str, content: bytes) -> None:
        if name.endswith("index.json"):
            raise faults.Crash
        really(name, content)

    with monkeypatch.context() as patch, pytest.raises(faults.Crash):
        patch.setattr(files, "publish", dying)
        jobs.save_files(PROGRAMME, AREA)


@pytest.mark.parametrize("saved", [0, 1, 2])
def test_a_number_whose_note_lies_there_is_not_signed_again_after_a_restore(
    saved: int,
    folder: Path,
    tables: TestTables,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waiting(6)
    for n in range(saved):
        publish(str(n), EVENING + timedelta(minutes=n))
        jobs.save_files(PROGRAMME, AREA)
    publish("last", LATER)
    killed_at_the_index(monkeypatch)
    public = shutil.copytree(folder, tmp_path / "public")
    tables.wipe()
    waiting(6)
    for n in range(saved):
        publish(str(n), EVENING + timedelta(minutes=n))
    shutil.copytree(public, folder)
    note = (folder / str(saved + 1) / "note").read_bytes()

    with pytest.raises(rules.BehindPublished) as refused:
        jobs.checkpoint(
            {"checkpoint_id": "checkpoint-other", "programme": PROGRAMME, "area": AREA},
            LATER + timedelta(minutes=1),
        )

    assert refused.value.facts == {"published": saved + 1}
    assert newest() == saved
    assert (folder / str(saved + 1) / "note").read_bytes() == note


def test_killed_at_the_index_and_not_restored_the_chain_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(6)
    publish("one")
    killed_at_the_index(monkeypatch)

    jobs.checkpoint(
        {"checkpoint_id": "checkpoint-two", "programme": PROGRAMME, "area": AREA}, LATER
    )
    jobs.save_files(PROGRAMME, AREA)

    assert len(read(folder)) == 2


def test_while_the_files_are_silent_no_number_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting(6)
    publish("one")
    asked = {"checkpoint_id": "checkpoint-two", "programme": PROGRAMME, "area": AREA}

    def silent(name: str) -> bytes | None:
        raise files.FilesSilent

    with monkeypatch.context() as patch:
        patch.setattr(files, "published", silent)
        with pytest.raises(files.FilesSilent):
            jobs.checkpoint(asked, LATER)
    assert newest() == 1

    jobs.checkpoint(asked, LATER)

    assert newest() == 2


def test_killed_at_any_file_the_next_pass_saves_what_lacks(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(9)
    publish("one")
    publish("two", LATER)
    really = files.publish
    for survived in range(8):
        left = [survived]

        def until_killed(name: str, content: bytes, left: list[int] = left) -> None:
            if not left[0]:
                raise faults.Crash
            left[0] -= 1
            really(name, content)

        monkeypatch.setattr(files, "publish", until_killed)
        with_index = (folder / "index.json").exists()
        try:
            jobs.save_files(PROGRAMME, AREA)
        except faults.Crash:
            # What the index names lies there, however early the end came.
            if with_index:
                read(folder)

    monkeypatch.setattr(files, "publish", really)
    jobs.save_files(PROGRAMME, AREA)
    assert len(read(folder)) == 2


def test_the_index_follows_the_newest_also_where_an_older_pass_wrote_last(folder: Path) -> None:
    waiting(9)
    publish("one")
    jobs.save_files(PROGRAMME, AREA)
    old = (folder / "index.json").read_bytes()
    publish("two", LATER)
    jobs.save_files(PROGRAMME, AREA)
    (folder / "index.json").write_bytes(old)

    jobs.save_files(PROGRAMME, AREA)

    assert len(read(folder)) == 2
    (folder / "index.json").write_bytes(b"{ broken")
    jobs.save_files(PROGRAMME, AREA)
    assert len(read(folder)) == 2


def test_A1_a_checkpoint_crashed_at_any_call_is_the_same_checkpoint(
    tables: TestTables, folder: Path
) -> None:
    waiting(7)
    begun = Kept(tables)
    with faults.watch() as seen:
        clean = publish("one")
    stored = tables.effects()
    writes = [n for n, call in enumerate(seen.calls, 1) if call.writes]
    assert len(writes) > 10

    # Who dies at a read leaves what the write before it left.
    for crash in (faults.crash(before=1), *(faults.crash(after=at) for at in writes)):
        begun.put_back()
        with crash, pytest.raises(faults.Crash):
            publish("one")

        assert publish("one") == clean
        assert tables.effects() == stored


# --- from the evening to the log, by itself -------------------------------------------------------


def test_B9_the_log_fixes_every_root_and_its_entry_lies_among_the_files(
    evening: TestCloud, folder: Path
) -> None:
    waiting(8)
    evening.set_clock(EVENING)
    jobs.run_checkpoint(fired(EVENING))
    evening.drain()
    assert len(read(folder)) == 1 and not (folder / "1" / "entry").exists()

    evening.fire("run_record")

    entry = json.loads((folder / "1" / "entry").read_bytes())
    body = json.loads(entry["body"])
    (found,) = read(folder)
    assert body["event"] == "queue/checkpoint-published"
    assert body["facts"]["root"] == found["root"]
    assert (body["facts"]["number"], body["facts"]["size"]) == (1, 8)
    assert body["facts"]["note"] == b64(sha(text_of(found["note"]).encode()))
    keys = folder.parents[2] / "keys"
    entered = verify("entry", folder / "1" / "entry", "--keys", keys)
    assert (entered["code"], entered["holds"]) == (0, True), entered
    chained = verify("queue", folder, "--keys", keys)
    assert (chained["code"], chained["holds"]) == (0, True), chained
    # The same again finds nothing to do.
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}
    evening.fire("run_record")
    assert before == {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


def test_after_a_run_a_checkpoint_names_it_without_anybody(
    evening: TestCloud, folder: Path
) -> None:
    a_small_city(30, 3)
    run = "run-preschool-taldykorgan-2025-09-02"
    jobs.run_iteration(fired(EVENING))
    evening.set_clock(LATER)
    jobs.run_deadlines(fired(LATER))

    evening.drain()

    assert read(folder)[-1]["run"] == run
