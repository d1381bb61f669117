"""Bundles of runs over real tables, read by a little code of their own."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import threading
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters import files
from chalicelib.applications import store as applications
from chalicelib.journal import actions as journal
from chalicelib.journal import store as entries
from chalicelib.kernel import merkle
from chalicelib.kernel.refusals import Unknown
from chalicelib.queue import actions, jobs, rules, store
from chalicelib.queue.rules import bundles
from chalicelib.storage.commit import commit
from infra.local import faults
from tests.promises.rewind import Kept
from tests.queue import clubs
from tests.queue.city import (
    AREA,
    EVENING,
    JOB,
    LATER,
    OPERATOR,
    PROGRAMME,
    a_group,
    a_small_city,
    an_application,
    finished,
    released,
    settle_in,
)
from tests.queue.test_transferring import a_holder

pytestmark = pytest.mark.usefixtures("tables", "one_salt")
RUN = "run-of-the-day"
GIVEN = ("issued", "moved", "swapped")
HIDES = {"carry_before", "carry_after", "money", "places", "outcomes"}


@pytest.fixture(autouse=True)
def files_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEZEK_FILES", str(tmp_path / "files"))


# --- a reading of its own: nothing of ours but the bytes ----------------------------------------


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def sha(raw: bytes) -> str:
    return b64(hashlib.sha256(raw).digest())


def root(digests: list[bytes]) -> bytes:
    """The root of RFC 6962, as its text says."""
    if not digests:
        return hashlib.sha256(b"").digest()
    if len(digests) == 1:
        return hashlib.sha256(b"\x00" + digests[0]).digest()
    split = 1
    while split * 2 < len(digests):
        split *= 2
    return hashlib.sha256(b"\x01" + root(digests[:split]) + root(digests[split:])).digest()


@dataclass(frozen=True)
class Seen:
    """A bundle that was read and found in order, with what an auditor has."""

    bundle: dict[str, Any]
    whole: dict[str, Any]
    openings: list[dict[str, Any]]
    previous: str

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        return {row["ticket"]: row for row in self.bundle["outcomes"]}


def saved(run_id: str, name: str, *, programme: str = PROGRAMME, area: str = AREA) -> bytes | None:
    return files.published(f"queue/{programme}/{area}/runs/{run_id}/{name}")


def prove(run_id: str = RUN) -> None:
    jobs.prove_run({"run_id": run_id}, LATER)


def read(run_id: str = RUN, *, programme: str = PROGRAMME, area: str = AREA) -> Seen:
    """Read a run's files and openings as a stranger would, and hold them against each other."""
    text = saved(run_id, "bundle.json", programme=programme, area=area)
    note = saved(run_id, "note", programme=programme, area=area)
    assert text is not None and note is not None
    bundle = json.loads(text)
    assert (
        text
        == json.dumps(bundle, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    ), "canonical"
    lines = note.decode().split("\n")
    leaves = [base64.b64decode(leaf) for leaf in bundle["leaves"]]
    previous = bundle["previous"] or "-"
    assert lines[:7] == [
        f"kezek/test/run/{programme}/{area}",
        str(len(leaves)),
        b64(root(leaves)),
        f"run {run_id}",
        f"bundle {sha(text)}",
        f"previous {previous}",
        "",
    ]
    assert lines[7].startswith("— kezek/test/record ")
    head, *openings = list(actions.every_opening(run_id))
    assert sha(head["whole"].encode()) == bundle["whole"]
    whole = json.loads(head["whole"])
    assert [row["ticket"] for row in bundle["outcomes"]] == sorted(o["ticket"] for o in openings)
    by_ticket = {line["ticket"]: line for line in openings}
    for leaf, row in zip(leaves, whole["outcomes"], strict=True):
        opened = by_ticket[row["ticket"]]
        salt = base64.b64decode(opened["salt"])
        assert hashlib.sha256(b"kezek/run/1\n" + salt + opened["text"].encode()).digest() == leaf
        said = json.loads(opened["text"])
        assert (said["ticket"], said["run"]) == (row["ticket"], run_id)
        assert {
            name: opened["outcome"][name] for name in ("from", "group_id", "settled", "to")
        } == {name: row[name] for name in ("from", "group_id", "settled", "to")}
    for name in whole.keys() - {
        "carry_before",
        "carry_after",
        "money",
        "places",
        "outcomes",
        "salt",
    }:
        assert whole[name] == bundle[name], name
    free = {place["group_id"]: place["free"] for place in bundle["places"]}
    came = Counter(row["to"] for row in bundle["outcomes"] if row["settled"] in GIVEN)
    left = Counter(row["from"] for row in bundle["outcomes"] if row["settled"] in GIVEN)
    for group_id, count in came.items():
        if group_id is not None:
            assert count <= free[group_id] + left[group_id]
    return Seen(bundle, whole, openings, previous)


# --- what is published of a run -----------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_a_run_s_bundle_is_what_its_note_signs_and_its_openings_open(seed: int) -> None:
    a_small_city(40 + 13 * seed, 4 + seed, seed=seed)
    finished(released())
    prove()

    seen = read()

    run = store.load_run(RUN).value
    issued = [row for row in seen.bundle["outcomes"] if row["settled"] == "issued"]
    assert len(issued) == run.issued > 5
    expected = {o.ticket: o.group_id for o in store.each_outcome(run)}
    assert {ticket: row["group_id"] for ticket, row in seen.rows.items()} == expected
    assert seen.bundle["pack_sha256"][:12] == run.pack.rpartition("@")[2]
    assert [line["ticket"] for line in seen.openings] == list(expected)


def test_a_run_by_budget_has_a_bundle_too_and_the_public_one_says_no_sum_of_money() -> None:
    clubs.a_small_city_of_clubs(60)
    clubs.finished(clubs.released())
    prove(clubs.RUN)

    seen = read(clubs.RUN, programme=clubs.PROGRAMME, area=clubs.AREA)

    run = store.load_run(clubs.RUN).value
    assert Counter(row["settled"] for row in seen.rows.values())["issued"] == run.issued > 5
    assert seen.bundle["places"] == []
    assert {pot["free_tiyn"] for pot in seen.bundle["money"]["pots"]} == {None}
    assert run.money is not None
    assert [pot["free_tiyn"] for pot in seen.whole["money"]["pots"]] == [
        pot.free_tiyn for pot in run.money.pots
    ]


def test_a_run_after_a_draw_says_the_seed_and_where_it_came_from() -> None:
    intake = an_intake()
    order = rules.Order(
        lanes=(), tiers=(), categories={}, waiting_lists_max=5, seeds={"intake-1": "ab" * 32}
    )
    read_ = bundles.Read(
        run=a_run(),
        order=order,
        carry={},
        money=None,
        seekers=[],
        places=[],
        outcomes=[],
        settled={},
        intakes=[intake],
        cells=(),
    )
    made = bundles.bundle_of(read_, bundles.Known(pack_sha256="", salt=b""), salt_of)

    (seed,) = json.loads(made.whole)["seeds"]
    assert (seed["intake"], seed["seed"]) == ("intake-1", "ab" * 32)
    assert seed["source"]["round"] == 42
    assert seed["source"]["announced_at"] < seed["source"]["opens_at"] < seed["source"]["closes_at"]
    assert seed["source"]["closes_at"] <= seed["source"]["round_at"]


def test_a_stop_in_the_middle_leaves_the_issued_beginning_and_voids_the_rest() -> None:
    a_small_city()
    run_id = released()
    actions.commit_part(run_id, by=JOB, now=LATER, most=7)
    with faults.crash(after=12), pytest.raises(faults.Crash):
        actions.commit_part(run_id, by=JOB, now=LATER, most=7)
    actions.stop(run_id, reason="wrong-input", by=OPERATOR, now=LATER)
    prove()

    seen = read()

    assert seen.bundle["state"] == "stopped"
    fates = [line["outcome"]["settled"] for line in seen.openings]
    planned = [fate for fate in fates if fate != "none"]
    issued = planned.count("issued")
    assert planned == ["issued"] * issued + ["void"] * (len(planned) - issued)
    assert issued == store.load_run(RUN).value.issued > 7
    assert all(row["to"] is None for row in seen.rows.values() if row["settled"] == "void")


def test_who_was_passed_over_just_before_a_stop_had_the_turn_and_is_not_void() -> None:
    settle_in([a_group("a", 9)], [an_application(f"{n:04d}") for n in range(8)])
    run_id = released()
    kept = applications.load_application("application-0001")
    commit([applications.keep_application(kept, replace(kept.value, state="withdrawn"))])
    for at in range(8, 40):
        with faults.crash(after=at), pytest.raises(faults.Crash):
            actions.commit_part(run_id, by=JOB, now=LATER, most=50)
        if applications.load_application("application-0003").value.state == "offered":
            break
    actions.stop(run_id, reason="other", by=OPERATOR, now=LATER)
    prove()

    seen = read()

    fates = [line["outcome"]["settled"] for line in seen.openings]
    issued = fates.count("issued")
    assert fates == ["issued", "passed"] + ["issued"] * (issued - 1) + ["void"] * (7 - issued)
    assert 3 <= issued < 7
    assert seen.openings[1]["outcome"]["skipped"] == "passed-over"


def test_holders_who_move_and_those_who_get_their_places_stand_in_one_bundle() -> None:
    settle_in(
        [a_group("a", 1), a_group("b", 1), a_group("c", 1)],
        [an_application(f"{n:04d}") for n in range(6)],
    )
    a_holder("9001", "b", "a")
    a_holder("9002", "c", "b")
    finished(released())
    prove()

    seen = read()

    moved = {t: (r["from"], r["to"]) for t, r in seen.rows.items() if r["settled"] == "moved"}
    assert moved == {
        "ticket-9001": ("group-b", "group-a"),
        "ticket-9002": ("group-c", "group-b"),
    }
    issued = {r["to"] for r in seen.rows.values() if r["settled"] == "issued"}
    assert issued == {"group-c"}
    own = {json.loads(line["text"])["ticket"]: json.loads(line["text"]) for line in seen.openings}
    assert own["ticket-9001"]["own"] == "group-b" and own["ticket-9001"]["since"]
    assert own["ticket-0000"]["own"] is None and own["ticket-0000"]["since"] == ""


def test_a_run_that_was_stopped_before_anybody_released_it_voids_everything() -> None:
    a_small_city(20, 3)
    actions.propose(RUN, programme=PROGRAMME, area=AREA, by=JOB, now=EVENING)
    actions.stop(RUN, reason="wrong-rules", by=OPERATOR, now=LATER)
    prove()

    seen = read()

    assert {row["settled"] for row in seen.rows.values()} == {"void", "none"}
    assert seen.bundle["released_at"] is None


def test_who_left_between_plan_and_turn_is_passed_over_and_the_auditor_reads_why() -> None:
    settle_in([a_group("a", 9)], [an_application(f"{n:04d}") for n in range(7)])
    run_id = released()
    kept = applications.load_application("application-0003")
    commit([applications.keep_application(kept, replace(kept.value, state="withdrawn"))])
    finished(run_id)
    prove()

    seen = read()

    assert Counter(row["settled"] for row in seen.rows.values()) == {"issued": 6, "passed": 1}
    row = seen.rows["ticket-0003"]
    assert (row["group_id"], row["to"], row["settled"]) == ("group-a", None, "passed")
    opened = next(line for line in seen.openings if line["ticket"] == "ticket-0003")
    assert opened["outcome"]["skipped"] == "application-changed"
    assert "skipped" not in row


def test_a_run_that_has_not_ended_has_no_bundle() -> None:
    a_small_city(20, 3)
    run_id = released()

    prove()

    assert actions.prove(run_id, by=JOB, now=LATER) == []
    assert saved(RUN, "note") is None
    with pytest.raises(Unknown):
        actions.prove("run-that-is-not", by=JOB, now=LATER)


def test_of_fewer_than_five_nothing_is_public_but_the_auditor_reads_it_all() -> None:
    settle_in([a_group("a", 2)], [an_application(f"{n:04d}") for n in range(4)])
    finished(released())
    prove()

    assert saved(RUN, "bundle.json") is None and saved(RUN, "note") is None
    assert actions.list_proved(PROGRAMME, AREA) == []
    with pytest.raises(Unknown):
        actions.proof_of(RUN)
    head, *openings = list(actions.every_opening(RUN))
    whole = json.loads(head["whole"])
    assert len(openings) == len(whole["leaves"]) == 4
    assert Counter(row["settled"] for row in whole["outcomes"]) == {"issued": 2, "none": 2}


# --- the chain ----------------------------------------------------------------------------------


def another_run(name: str, *, days: int, of: list[Any]) -> None:
    settle_in([], of)
    at = EVENING + timedelta(days=days)
    actions.propose(name, programme=PROGRAMME, area=AREA, by=JOB, now=at)
    actions.release_due(name, by=JOB, now=at + timedelta(minutes=30))
    finished(name, now=at + timedelta(minutes=30))


def test_each_bundle_names_the_one_before_and_one_that_was_left_out_goes_first() -> None:
    settle_in([a_group("a", 6)], [an_application(f"{n:04d}") for n in range(9)])
    finished(released())
    another_run("run-of-day-two", days=1, of=[an_application(f"1{n:03d}") for n in range(4)])
    another_run("run-of-day-three", days=2, of=[])

    prove("run-of-day-three")

    first, second, third = (read(name) for name in (RUN, "run-of-day-two", "run-of-day-three"))
    assert first.bundle["previous"] is None
    assert second.bundle["previous"] == sha(saved(RUN, "bundle.json") or b"")
    assert third.bundle["previous"] == sha(saved("run-of-day-two", "bundle.json") or b"")
    assert [name for name, _ in actions.list_proved(PROGRAMME, AREA)] == [
        RUN,
        "run-of-day-two",
        "run-of-day-three",
    ]


def test_the_chain_of_the_public_bundles_goes_over_a_run_of_fewer_than_five() -> None:
    settle_in([a_group("a", 5)], [an_application(f"{n:04d}") for n in range(6)])
    finished(released())
    another_run("run-of-one-child", days=1, of=[])
    another_run("run-of-day-three", days=2, of=[an_application(f"1{n:03d}") for n in range(6)])

    prove("run-of-day-three")

    assert saved("run-of-one-child", "note") is None
    third = read("run-of-day-three")
    assert third.bundle["previous"] == sha(saved(RUN, "bundle.json") or b"")


def test_a_bundle_names_the_published_order_that_the_run_came_after() -> None:
    a_small_city(30, 3)
    actions.publish("before", programme=PROGRAMME, area=AREA, by=JOB, now=EVENING)
    finished(released())
    actions.publish("after", programme=PROGRAMME, area=AREA, by=JOB, now=LATER)
    prove()

    note = store.find_checkpoint("before").value.head.note  # type: ignore[union-attr]
    text = note.rpartition("\n\n")[0] + "\n"
    assert read().bundle["checkpoint"] == {"note": sha(text.encode()), "number": 1}


# --- killed, repeated, rebuilt ------------------------------------------------------------------


def public_folder() -> Path:
    return Path(os.environ["KEZEK_FILES"]) / "record"


def everything() -> dict[str, bytes]:
    return {
        str(path.relative_to(public_folder())): path.read_bytes()
        for path in sorted(public_folder().rglob("*"))
        if path.is_file() and path.name[:1] != "."
    }


@pytest.mark.parametrize("when", ["before", "after"])
def test_A1_proving_that_dies_at_any_call_ends_the_same_when_it_is_run_again(
    tables: Any, when: str
) -> None:
    settle_in([a_group("a", 6)], [an_application(f"{n:04d}") for n in range(9)])
    finished(released())
    another_run("run-of-day-two", days=1, of=[an_application(f"1{n:03d}") for n in range(4)])
    ended = Kept(tables)
    with faults.watch() as seen:
        prove("run-of-day-two")
    clean, published = tables.dump(), everything()
    writes = [n for n, call in enumerate(seen.calls, 1) if call.writes]
    assert len(writes) > 5

    # Between two writes files are saved; who dies at a read leaves no other tables.
    for at in writes:
        ended.put_back()
        shutil.rmtree(public_folder())
        with faults.crash(**{when: at}), pytest.raises(faults.Crash):
            prove("run-of-day-two")
        prove("run-of-day-two")

        assert tables.dump() == clean, f"died {when} call {at}"
        assert everything() == published


def test_files_that_were_not_saved_are_saved_by_whoever_comes_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settle_in([a_group("a", 6)], [an_application(f"{n:04d}") for n in range(9)])
    finished(released())
    actions.prove(RUN, by=JOB, now=LATER)  # and the runner dies before a file is saved
    another_run("run-of-day-two", days=1, of=[an_application(f"1{n:03d}") for n in range(4)])

    prove("run-of-day-two")

    assert read(RUN).bundle["run_id"] == RUN


def test_another_bundle_of_the_run_is_never_written_over() -> None:
    settle_in([a_group("a", 6)], [an_application(f"{n:04d}") for n in range(9)])
    finished(released())
    files.publish(f"queue/{PROGRAMME}/{AREA}/runs/{RUN}/note", b"what was signed before a restore")

    with pytest.raises(rules.BehindPublished):
        prove()

    assert saved(RUN, "note") == b"what was signed before a restore"
    assert actions.list_proved(PROGRAMME, AREA) == []


def test_two_runners_at_once_fix_one_bundle(tables: Any) -> None:
    settle_in([a_group("a", 6)], [an_application(f"{n:04d}") for n in range(9)])
    finished(released())
    barrier, found = threading.Barrier(2), []

    def run() -> None:
        barrier.wait()
        found.append(actions.prove(RUN, by=JOB, now=LATER))

    runners = [threading.Thread(target=run) for _ in range(2)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()

    assert len(found) == 2 and found[0] == found[1]
    assert len(list(entries.history(f"proof/{RUN}"))) == 1
    assert list(journal.differences()) == []


def test_a_run_made_twice_is_the_same_to_the_byte_whatever_was_published_since() -> None:
    a_small_city(30, 3)
    finished(released())
    prove()
    once = everything()
    actions.publish("late", programme=PROGRAMME, area=AREA, by=JOB, now=EVENING)

    (proof,) = actions.prove(RUN, by=JOB, now=LATER + timedelta(days=9))

    assert dict(actions.files_of(proof)).items() <= once.items()


def test_A16_the_journal_rebuilds_what_was_written_of_a_bundle() -> None:
    a_small_city(20, 3)
    finished(released())
    prove()
    actions.hand_openings(RUN, why="inspection", by=JOB, now=LATER)

    assert list(journal.differences()) == []
    events = [entry.event for entry in entries.history(f"proof/{RUN}")]
    assert events == ["queue/run-proved", "queue/bundle-saved", "queue/openings-handed"]
    facts = next(iter(entries.history(f"proof/{RUN}"))).facts
    assert facts["bundle"] == sha(saved(RUN, "bundle.json") or b"")
    assert facts["size"] == 20


def test_a_run_decided_again_from_what_it_read_decides_the_same() -> None:
    a_small_city(40, 4)
    finished(released())

    found = actions.again(RUN)

    assert (found.same, found.applications, found.first) == (True, 40, None)


# --- one's own leaf -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 16, 23, 24, 40, 63, 64, 65])
def test_a_leaf_s_path_over_parts_is_the_path_over_the_whole_tree(size: int) -> None:
    digests = [hashlib.sha256(bytes([n])).digest() for n in range(size)]
    levels = merkle.whole(digests)
    tops = levels[3] if len(levels) > 3 else []

    for number in range(size):
        asked: list[int] = []

        def load(part: int, asked: list[int] = asked) -> list[bytes]:
            asked.append(part)
            return digests[part * 8 : part * 8 + 8]

        path = bundles.path_in_parts(number, size, level=3, tops=tops, load=load)

        assert climbed(digests[number], number, size, list(path)) == root(digests)
        assert set(asked) <= {number // 8, (size - 1) // 8}


def climbed(digest: bytes, number: int, size: int, path: list[bytes]) -> bytes:
    """The root that a path leads to, by RFC 9162 section 2.1.3.2."""
    at, last, found = number, size - 1, hashlib.sha256(b"\x00" + digest).digest()
    for step in path:
        if at & 1 or at == last:
            found = hashlib.sha256(b"\x01" + step + found).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = hashlib.sha256(b"\x01" + found + step).digest()
        at, last = at >> 1, last >> 1
    assert last == 0
    return found


# --- builders -----------------------------------------------------------------------------------


def salt_of(application_id: str) -> bytes:
    return hashlib.sha256(application_id.encode()).digest()[:16]


def a_run(**said: Any) -> rules.Run:
    told: dict[str, Any] = {
        "run_id": RUN,
        "programme": PROGRAMME,
        "area": AREA,
        "state": "committed",
        "mode": "auto",
        "academic_year": 2025,
        "pack": "preschool/taldykorgan@000000000000",
        "engine": "places-2",
        "asked": "",
        "proposed_by": "somebody",
        "proposed_at": "2025-09-02T13:00:00.000000Z",
        "inputs": "",
        "outcome": "",
        "input_parts": 0,
        "outcome_parts": 0,
        "planned": 0,
        "vouchers": 0,
        "places": 0,
        "carry_before": {},
        "carry_after": {},
        "waiting_before": {},
        "waiting_after": {},
        "released_at": "2025-09-02T13:30:00.000000Z",
        "ended_at": "2025-09-02T13:40:00.000000Z",
    }
    return rules.Run(**{**told, **said})


def an_intake() -> Any:
    from chalicelib.applications.rules import Intake

    return Intake(
        intake_id="intake-1",
        programme=PROGRAMME,
        area=AREA,
        opens_at="2025-08-20T04:00:00.000000Z",
        closes_at="2025-08-27T04:00:00.000000Z",
        beacon_at="2025-08-27T05:00:00.000000Z",
        beacon="beacon",
        beacon_url="https://beacon.example",
        round=42,
        round_at="2025-08-27T05:00:00.000000Z",
        announced_at="2025-08-01T04:00:00.000000Z",
        pack="",
        asked="",
        randomness="ab" * 32,
    )
