"""The chain of published orders, to the byte: races, kills, late ones; proofs of places."""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.access.store import looking
from chalicelib.adapters import files
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.notes import verifier_key
from chalicelib.queue import actions, jobs, rules, store
from chalicelib.storage import signing
from chalicelib.storage.secrets import ticket_salt
from infra.local import faults
from infra.local.testing import TestCloud, TestTables
from tests.queue.city import (
    AREA,
    EVENING,
    JOB,
    LATER,
    PROGRAMME,
    a_family,
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


@pytest.mark.parametrize("size", [1, 4, 5, 60, 513, 1030])
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
    every = range(size) if size < 100 else chance.sample(range(size), 40)

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

    assert actions.newest_number(PROGRAMME, AREA) == 1


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
    with faults.watch() as seen:
        clean = publish("one")
    calls, stored = len(seen.calls), tables.effects()

    for when in ("before", "after"):
        for at in range(1, calls + 1):
            tables.wipe()
            waiting(7)
            with faults.crash(**{when: at}), pytest.raises(faults.Crash):
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


# --- HTTP -----------------------------------------------------------------------------------------

HERE = f"programme={PROGRAMME}&area={AREA}"


def test_anybody_reads_the_chain_newest_first_and_page_by_page(evening: TestCloud) -> None:
    waiting(8)
    nothing = evening.get(f"/v1/queue/checkpoint?{HERE}")
    assert (nothing.status, nothing.code) == (409, "queue/no-checkpoint")
    for n in range(3):
        publish(str(n), EVENING + timedelta(minutes=n))

    newest = evening.get(f"/v1/queue/checkpoint?{HERE}").json
    first_page = evening.get(f"/v1/queue/checkpoints?{HERE}&limit=2").json
    rest = evening.get(f"/v1/queue/checkpoints?{HERE}&cursor={first_page['next_cursor']}").json

    numbers = [item["number"] for item in [*first_page["items"], *rest["items"]]]
    assert numbers == [3, 2, 1] and rest["next_cursor"] is None
    by_links = []
    at = f"/v1/queue/checkpoints/{newest['checkpoint_id']}"
    while at:
        seen = evening.get(at).json
        by_links.append(seen["number"])
        tells = said(seen["note"])
        assert (tells["root"], tells["size"]) == (seen["root"], str(seen["size"]))
        assert len(evening.get(seen["links"]["order"]).json["lines"]) == 8
        at = seen["links"]["previous"]
    assert (
        by_links == [3, 2, 1]
        and newest["note"]
        == evening.get(f"/v1/queue/checkpoints/{newest['checkpoint_id']}").json["note"]
    )
    assert "waiting" not in json.dumps(newest)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/queue/checkpoints/nothing-here", 404, "kezek/unknown"),
        ("/v1/queue/checkpoints?programme=preschool&area=nowhere", 404, "policy/no-pack"),
        ("/v1/queue/checkpoint?programme=preschool&area=nowhere", 404, "policy/no-pack"),
        (f"/v1/queue/checkpoints?{HERE}&cursor=changed", 400, "kezek/bad-cursor"),
    ],
)
def test_what_is_not_there_is_refused(
    evening: TestCloud, path: str, status: int, code: str
) -> None:
    answer = evening.get(path)

    assert (answer.status, answer.code) == (status, code)


def test_a_family_proves_its_place_and_its_file_holds_before_the_verifier(
    evening: TestCloud, tmp_path: Path
) -> None:
    waiting(8)
    token = a_family(evening, "0003")
    at = "/v1/queue/places/application-0003/proof"
    nothing = evening.get(at, token=token, headers={"accept-language": "ru"})
    assert (nothing.status, nothing.code) == (409, "queue/no-checkpoint")
    assert "19:00" in nothing.json["detail"]
    publish("one")
    settle_in([], [an_application("0100")])
    publish("two", LATER)
    keys, file = tmp_path / "keys", tmp_path / "place.json"
    keys.write_text("".join(f"{verifier_key(*key)}\n" for key in signing.public_keys()))

    for asked, number in (("", 2), ("?checkpoint=checkpoint-one", 1)):
        said_so = evening.get(f"{at}{asked}", token=token)
        file.write_text(said_so.text)
        held = verify("place", file, "--keys", keys)

        assert (held["code"], held["holds"]) == (0, True), held
        assert json.loads(said_so.json["leaf"]["text"])["number"] == number
        assert said_so.headers["cache-control"] == "no-store"
    changed = json.loads(file.read_text())
    changed["leaf"]["text"] = changed["leaf"]["text"].replace('"place":4', '"place":3')
    file.write_text(json.dumps(changed))
    assert verify("place", file, "--keys", keys)["code"] == 1

    late = evening.get(
        "/v1/queue/places/application-0100/proof?checkpoint=checkpoint-one",
        token=evening.token("auditor", "auditor-1"),
    )
    assert (late.status, late.code) == (409, "queue/not-in-checkpoint")


def test_B1_anothers_proof_is_as_if_it_did_not_exist(evening: TestCloud) -> None:
    waiting(6)
    publish("one")
    token = a_family(evening, "0001")
    far = evening.token("department", "officer-far", areas=["astana"])

    for asker in (token, far):
        foreign = evening.get("/v1/queue/places/application-0002/proof", token=asker)
        nobody = evening.get("/v1/queue/places/application-none/proof", token=asker)
        unknown = evening.get(
            "/v1/queue/places/application-0001/proof?checkpoint=another", token=asker
        )
        assert (foreign.status, foreign.code) == (404, "kezek/unknown")
        assert foreign.json == nobody.json == unknown.json
    assert evening.get("/v1/queue/places/application-0001/proof").status == 401
    operator = evening.token("operator", "operator-1", areas=[AREA])
    assert evening.get("/v1/queue/places/application-0001/proof", token=operator).status == 403


def test_who_of_the_staff_proves_a_place_has_looked_at_the_child(evening: TestCloud) -> None:
    waiting(6)
    publish("one")
    officer = evening.token("department", "officer", areas=[AREA])

    assert evening.get("/v1/queue/places/application-0002/proof", token=officer).status == 200

    assert list(looking.each_look("child-0002"))


def test_B7_no_file_of_a_queue_names_anybody(evening: TestCloud, folder: Path) -> None:
    waiting(9)
    a_family(evening, "0001")
    jobs.run_checkpoint(fired(EVENING))
    evening.drain()
    evening.fire("run_record")

    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for canary in (b"child-", b"person-", b"application-", b"subject-of-"):
            assert canary not in content, (path, canary)


def test_the_files_are_read_over_http_as_they_lie_and_hold_before_the_verifier(
    evening: TestCloud, folder: Path, tmp_path: Path
) -> None:
    waiting(8)
    jobs.run_checkpoint(fired(EVENING))
    evening.drain()
    evening.fire("run_record")
    at, copy = f"/v1/queue/files/{PROGRAMME}/{AREA}", tmp_path / "copy"
    (copy / "1").mkdir(parents=True)

    for name in ("index.json", "1/note", "1/leaves", "1/order.json", "1/entry"):
        read_so = evening.get(f"{at}/{name}")
        assert (read_so.status, read_so.text) == (200, (folder / name).read_text()), name
        assert read_so.headers["cache-control"].startswith("public, max-age=")
        (copy / name).write_text(read_so.text)

    held = verify("queue", copy, "--keys", folder.parents[2] / "keys")
    assert (held["code"], held["checkpoints"]) == (0, 1), held


@pytest.mark.parametrize(
    "path",
    [
        "preschool/taldykorgan/index.json",
        "preschool/taldykorgan/1/note",
        "preschool/taldykorgan/01/note",
        "preschool/taldykorgan/..%2F/note",
        "preschool/taldykorgan/1/keys",
        "preschool/..%2F..%2Fkeys/index.json",
        "preschool/taldykorgan/runs/none/bundle.json",
        "preschool/taldykorgan/bundles/none/bundle.json",
    ],
)
def test_a_file_that_does_not_lie_there_is_unknown(evening: TestCloud, path: str) -> None:
    answer = evening.get(f"/v1/queue/files/{path}")

    expected = (400, "kezek/bad-field") if "%2F" in path else (404, "kezek/unknown")
    assert (answer.status, answer.code) == expected


def test_a_file_too_long_for_an_answer_says_where_it_lies(
    evening: TestCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(8)
    publish("one")
    jobs.save_files(PROGRAMME, AREA)
    monkeypatch.setattr("chalicelib.queue.routes.published.MOST_BYTES", 10)

    answer = evening.get(f"/v1/queue/files/{PROGRAMME}/{AREA}/1/leaves")

    assert (answer.status, answer.code) == (409, "queue/file-too-long")
    assert answer.json["file"] == f"queue/{PROGRAMME}/{AREA}/1/leaves"


def test_an_operator_signs_no_second_order_under_a_published_number(evening: TestCloud) -> None:
    waiting(8)
    publish("one")
    files.publish(f"queue/{PROGRAMME}/{AREA}/index.json", b'{"checkpoints":[{"number":3}]}')

    answer = evening.put(
        "/v1/queue/checkpoints/checkpoint-2",
        {"programme": PROGRAMME, "area": AREA},
        token=evening.token("operator", "operator-1", areas=[AREA]),
    )

    assert (answer.status, answer.code) == (503, "queue/behind-published")
