"""A child is forgotten when its family asks, and only then; what is live has to end first."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta

import pytest

from chalicelib.children import store as people
from chalicelib.journal import actions as journal
from chalicelib.kernel.actors import system
from chalicelib.kernel.periods import stamp
from chalicelib.rights import jobs
from chalicelib.rights.actions import erasing
from chalicelib.rights.rules import Erased
from chalicelib.storage import keys, outbox, vault
from infra.local import faults
from infra.local.testing import MORNING
from tests.children.builders import an_iin
from tests.promises.rewind import Kept
from tests.rights.conftest import CHILD, HERE, ME, ONE, Family

BY = system("test")


def test_what_is_live_stands_in_the_way_and_is_named(family: Family) -> None:
    said = family.ask()

    assert (said.status, said.code) == (409, "rights/still-needed")
    assert said.json["stands"] == ["application"]
    assert "қолданыстағы өтініш" in said.json["detail"]


def test_it_is_carried_out_after_its_delay_and_nothing_opens_any_more(family: Family) -> None:
    family.withdraw()
    asked = family.ask().json
    assert (asked["state"], asked["due_at"]) == ("asked", "2026-03-16T04:00:00.000000Z")

    family.wait(13)
    assert people.child_fields(family.child_id)
    family.wait(14)

    assert people.child_fields(family.child_id) == {}
    assert people.find_alias(people.iin_digests(an_iin(100))) is None
    assert people.load_child(family.child_id).value.erased_at is not None
    gone = family.cloud.get(f"/v1/children/{family.child_id}", token=family.parent)
    assert gone.status == 404


def test_a_representative_without_another_child_is_forgotten_too(family: Family) -> None:
    (relation,) = people.list_relations(family.child_id)
    assert people.load_person(relation.value.person_id).value.contact_marks
    family.withdraw()
    family.ask()
    family.wait(14)

    left = people.load_person(relation.value.person_id).value
    assert (left.subject, left.asked, left.identity, left.contact_marks) == ("", "", "", ())
    assert people.find_alias(people.iin_digests(an_iin(0))) is None
    said = family.cloud.get("/v1/children/me", token=family.parent)
    assert (said.status, said.code) == (409, "children/register-first")
    again = family.cloud.put("/v1/children/me", ME, token=family.parent)
    assert again.status == 200, "whoever was forgotten may come back as anybody"


def test_a_representative_of_another_child_stays(family: Family) -> None:
    asked = {**HERE, "language": "kk", "child": {**CHILD, "iin": an_iin(101)}}
    other = family.cloud.put("/v1/applications/application-2", asked, token=family.parent).json
    family.withdraw()
    family.ask()
    family.wait(14)

    assert family.cloud.get("/v1/children/me", token=family.parent).status == 200
    assert people.child_fields(other["child_id"])
    told = family.cloud.get("/v1/notices", token=family.parent).json["notices"]
    assert "notice:rights/erased" in [notice["template"] for notice in told]


def test_the_same_again_is_the_same_and_another_id_is_told_so(family: Family) -> None:
    family.withdraw()
    once = family.ask()
    assert family.ask().json == once.json
    said = family.ask("erasure-2")
    assert (said.status, said.code) == (409, "rights/asked-already")
    other = family.cloud.put(
        "/v1/rights/erasures/erasure-1", {"child_id": "another-child"}, token=family.parent
    )
    assert (other.status, other.code) == (409, "kezek/another-content")


def test_a_stranger_neither_asks_nor_sees_nor_stops(family: Family) -> None:
    family.withdraw()
    assert family.ask(token=family.stranger).status == 404
    family.ask()
    path = "/v1/rights/erasures/erasure-1"
    for method in ("GET", "DELETE"):
        said = family.cloud.request(method, path, token=family.stranger)
        nobody = family.cloud.request(method, f"{path}99", token=family.stranger)
        assert (said.status, said.text) == (nobody.status, nobody.text)
        assert said.status == 404
    assert family.ask(token=family.stranger).status == 404


def test_two_officers_carry_it_out_before_its_term(family: Family) -> None:
    family.withdraw()
    family.ask()
    path = "/v1/rights/erasures/erasure-1/completion"
    first, second = (
        family.cloud.token("department", name, areas=["taldykorgan"]) for name in ("o-1", "o-2")
    )

    proposed = family.cloud.put(path, token=first)
    assert proposed.status == 202, proposed.text
    assert people.child_fields(family.child_id)
    done = family.cloud.put(path, token=second)

    assert (done.status, done.json["state"]) == (200, "done"), done.text
    family.cloud.drain()
    assert people.child_fields(family.child_id) == {}


def test_it_can_be_taken_back_until_then(family: Family) -> None:
    family.withdraw()
    family.ask()
    path = "/v1/rights/erasures/erasure-1"
    stopped = family.cloud.delete(path, token=family.parent)
    assert (stopped.status, stopped.json["state"]) == (200, "stopped")
    assert family.cloud.delete(path, token=family.parent).json == stopped.json
    family.wait(15)

    assert people.child_fields(family.child_id)
    assert family.ask("erasure-2").status == 200
    family.wait(30)
    over = family.cloud.delete(
        "/v1/rights/erasures/erasure-2",
        token=family.cloud.token("representative", "aigerim"),
    )
    assert over.status == 404, "nobody is left who might"


def test_what_began_meanwhile_stops_it(family: Family) -> None:
    family.withdraw()
    family.ask()
    asked = {**HERE, "language": "kk", "child_id": family.child_id}
    said = family.cloud.put("/v1/applications/application-3", asked, token=family.parent)
    assert said.status == 200, said.text
    family.wait(14)

    shown = family.cloud.get("/v1/rights/erasures/erasure-1", token=family.parent).json
    assert (shown["state"], shown["stands"]) == ("stopped", ["application"])
    assert people.child_fields(family.child_id)


def test_totals_rows_and_the_journal_stay_and_the_rebuild_finds_no_difference(
    family: Family,
) -> None:
    family.withdraw()
    before = family.cloud.get(
        "/v1/queue/figures", query={"programme": "preschool", "area": "taldykorgan"}
    ).json
    family.ask()
    family.wait(14)

    assert list(journal.differences()) == []
    after = family.cloud.get(
        "/v1/queue/figures", query={"programme": "preschool", "area": "taldykorgan"}
    ).json
    assert before == after


def test_carried_out_twice_it_is_carried_out_once(family: Family) -> None:
    family.withdraw()
    family.ask()
    due = MORNING + timedelta(days=14)
    assert erasing.fall_due("erasure-1", by=BY, now=due)
    rows = family.cloud.tables.dump()
    assert not erasing.fall_due("erasure-1", by=BY, now=due)
    assert family.cloud.tables.dump() == rows


def test_a_restored_copy_is_erased_again_from_the_list(family: Family) -> None:
    family.withdraw()
    family.ask()
    copy = Kept(family.cloud.tables)
    family.wait(14)
    listed = [
        Erased(entry["child_id"], tuple(entry["persons"]), entry["at"])
        for file in sorted((family.cloud.files / "erasures").glob("*.json"))
        if (entry := json.loads(file.read_text()))["child_id"] == family.child_id
    ]
    assert len(listed) == 1
    copy.put_back()
    assert people.child_fields(family.child_id), "the copy brought the child back"

    now = MORNING + timedelta(days=20)
    assert erasing.replay(listed, by=BY, now=now) == erasing.Replayed(1, 1)

    subjects = [f"CHILD#{family.child_id}", *(f"PERSON#{p}" for p in listed[0].persons)]
    assert vault.open_many(subjects) == {}
    assert people.find_alias(people.iin_digests(an_iin(100))) is None
    assert list(journal.differences()) == []
    assert erasing.replay(listed, by=BY, now=now) == erasing.Replayed(1, 0)


def test_the_one_application_of_the_erased_child_names_nobody(family: Family) -> None:
    family.withdraw()
    family.ask()
    family.wait(14)

    assert family.cloud.get(ONE, token=family.parent).status == 404


def _texts(family: Family) -> dict[str, dict[str, str]]:
    """Return what is open of the child: its own fields, a complaint's texts, a signed text."""
    subjects = [f"CHILD#{family.child_id}", "COMPLAINT#complaint-1"]
    return {subject: dict(vault.open_fields(subject)) for subject in subjects}


def _complained(family: Family) -> None:
    """Leave a complaint about the child's application that is over."""
    about = {"kind": "application", "id": "application-1"}
    asked = {"about": about, "topic": "queue", "text": "Неге?", "contact": "+77019990011"}
    place = "/v1/complaints/complaint-1"
    answer = {"text": "Өйткені."}
    for token, path, body in (
        (family.parent, place, asked),
        (family.officer, f"{place}/answer", answer),
        (family.parent, f"{place}/closing", {"satisfied": True}),
    ):
        said = family.cloud.put(path, body, token=token)
        assert said.status == 200, said.text


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_call_an_erasure_is_not_half(family: Family, when: str) -> None:
    """Until the commit everything opens; from it on the child does not, and the rest follows."""
    _complained(family)
    family.withdraw()
    family.ask()
    family.cloud.drain()
    due = MORNING + timedelta(days=14)
    family.cloud.set_clock(due)
    kept = Kept(family.cloud.tables)
    whole = _texts(family)
    assert all(whole.values())
    number, halves = 0, set()
    while True:
        number += 1
        kept.put_back()
        with faults.crash(**{when: number}) as struck, suppress(faults.Crash):
            erasing.fall_due("erasure-1", by=BY, now=due)
        erased = people.load_child(family.child_id).value.erased_at is not None
        halves.add(erased)
        left = _texts(family)
        assert left[f"CHILD#{family.child_id}"] == (
            {} if erased else whole[f"CHILD#{family.child_id}"]
        )
        if not erased:
            assert left == whole, f"call {number}: something is gone, and nothing was decided"
        erasing.fall_due("erasure-1", by=BY, now=due)
        version = people.load_child(family.child_id).version - 1
        handed = outbox.WORK.load(keys.work(f"erased#{family.child_id}#{version}")).value
        assert handed.topic == erasing.FINISH
        jobs.finish_erasure(handed.facts, due)
        assert not any(_texts(family).values()), f"call {number}: something is left for good"
        if not struck:
            break
    assert number > 5 and halves == {False, True}


def test_what_follows_an_erasure_is_finished_however_often_it_is_killed(family: Family) -> None:
    _complained(family)
    family.withdraw()
    family.ask()
    family.cloud.drain()
    due = MORNING + timedelta(days=14)
    (relation,) = people.list_relations(family.child_id)
    person = relation.value.person_id
    erasing.fall_due("erasure-1", by=BY, now=due)
    facts = {"child_id": family.child_id, "persons": [person], "at": stamp(due)}
    kept = Kept(family.cloud.tables)
    number = 0
    while True:
        number += 1
        kept.put_back()
        with faults.crash(before=number) as struck, suppress(faults.Crash):
            jobs.finish_erasure(facts, due)
        jobs.finish_erasure(facts, due)
        assert not any(_texts(family).values())
        assert people.person_fields(person) == {}
        if not struck:
            break
    assert number > 5
    assert list(journal.differences()) == []
