"""The chain of published orders over HTTP: for everybody, and a family's proof of its place."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from chalicelib.access.store import looking
from chalicelib.adapters import files
from chalicelib.kernel.notes import verifier_key
from chalicelib.queue import actions, jobs, rules
from chalicelib.storage import signing
from infra.local.testing import TestCloud
from tests.queue.city import (
    AREA,
    EVENING,
    JOB,
    LATER,
    PROGRAMME,
    a_family,
    an_application,
    fired,
    settle_in,
)
from tests.queue.reading import said

SCRIPT = Path(__file__).parents[2] / "verify" / "kezek_verify.py"
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


def waiting(many: int, **said: Any) -> None:
    settle_in([], [an_application(f"{n:04d}", **said) for n in range(many)])


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


@pytest.mark.parametrize("silent", [False, True])
def test_an_operator_signs_none_where_a_note_lies_or_none_can_be_seen(
    silent: bool, evening: TestCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(8)
    publish("one")
    jobs.save_files(PROGRAMME, AREA)
    files.publish(f"queue/{PROGRAMME}/{AREA}/2/note", b"of a time that the tables forgot")
    if silent:
        monkeypatch.setattr(files, "published", Mock(side_effect=files.FilesSilent))

    answer = evening.put(
        "/v1/queue/checkpoints/checkpoint-2",
        {"programme": PROGRAMME, "area": AREA},
        token=evening.token("operator", "operator-1", areas=[AREA]),
    )

    code = "kezek/files-silent" if silent else "queue/behind-published"
    assert (answer.status, answer.code) == (503, code)
    assert evening.get(f"/v1/queue/checkpoint?{HERE}").json["number"] == 1
