"""Patterns of queue-grabbing: noticed as they arrive, judged by people, refused by nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.access.actions import watching
from chalicelib.access.routes.signals import PatternName
from chalicelib.access.rules import watching as rules
from chalicelib.access.rules.watching import Note, Pattern, Watch
from chalicelib.edge.texts import LANGUAGES, catalogue
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.refusals import AnotherContent
from chalicelib.storage.commit import commit
from infra.local import faults
from infra.local.testing import MORNING, Said, TestCloud, TestTables
from tests.access.people import ME, officer, register_child
from tests.children.builders import an_iin

THREE = Pattern(name="p", why="", whose="person", what="child", times=3, minutes=60)
MINUTE = timedelta(minutes=1)
OFFICER = Actor("officer-1", frozenset({Role.DEPARTMENT}))


def parent(cloud: TestCloud, n: int, *, phone: str = "", **claims: Any) -> str:
    token = cloud.token("representative", f"parent-{n}", **claims)
    contact = {"kind": "phone", "value": phone or f"+770100000{n:02d}"}
    body = {**ME, "iin": an_iin(200 + n), "contacts": [contact]}
    said = cloud.put("/v1/children/me", body, token=token)
    assert said.status == 200, said.text
    return token


def apply(cloud: TestCloud, token: str, n: int) -> str:
    return register_child(cloud, token, f"application-{n}", iin=an_iin(300 + n))


def signals(cloud: TestCloud, **query: str) -> list[dict[str, Any]]:
    asked = {"area": "taldykorgan", **query}
    said = cloud.get("/v1/access/signals", query=asked, token=officer(cloud))
    assert said.status == 200, said.text
    return list(said.json["signals"])


def the_signal(cloud: TestCloud) -> dict[str, Any]:
    (only,) = signals(cloud)
    return only


# --- the rules


def seen(watch: Watch | None, what: str, *, at: datetime = MORNING) -> Watch | None:
    return rules.notice(watch, Note("p", "somebody", what), THREE, now=at)


def test_a_thing_counts_once_within_the_window() -> None:
    watch = seen(None, "a")
    assert watch is not None

    assert seen(watch, "a", at=MORNING + 59 * MINUTE) is None
    again = seen(watch, "a", at=MORNING + 60 * MINUTE)
    assert again is not None and len(again.seen) == 1


def test_as_many_as_the_pattern_says_make_a_signal_and_fewer_none() -> None:
    watch: Watch | None = None
    raised = []
    for n, what in enumerate("abcd"):
        watch = seen(watch, what, at=MORNING + n * MINUTE)
        assert watch is not None
        signal = rules.raise_signal(watch, Note("p", "somebody", what), THREE, "here")
        raised.append(signal)
        if signal is not None:
            assert [one.what for one in signal.evidence] == ["a", "b", "c"]
            watch = replace(watch, signal_id=signal.signal_id)

    assert [signal is not None for signal in raised] == [False, False, True, False]


def test_what_was_long_ago_counts_no_more() -> None:
    watch = seen(seen(None, "a"), "b", at=MORNING + 30 * MINUTE)
    watch = seen(watch, "c", at=MORNING + 61 * MINUTE)

    assert watch is not None
    assert [one.what for one in watch.seen] == ["b", "c"]


def test_when_the_window_has_passed_there_may_be_a_new_signal() -> None:
    watch = Watch(seen=(rules.Seen("a", "2026-03-01T00:00:00.000000Z"),), signal_id="old")

    later = seen(watch, "b")

    assert later is not None and later.signal_id is None


def test_a_judgement_stands() -> None:
    watch = Watch(seen=tuple(rules.Seen(w, "2026-03-01T00:00:00.000000Z") for w in "abc"))
    signal = rules.raise_signal(watch, Note("p", "x", "c"), THREE, "here")
    assert signal is not None

    judged = rules.decide(signal, "family", "note-1", by=OFFICER, now=MORNING)
    later = rules.decide(judged, "family", "note-1", by=OFFICER, now=MORNING + MINUTE)

    assert later is judged
    assert rules.join(judged, rules.Seen("d", "x")) is judged
    with pytest.raises(AnotherContent):
        rules.decide(judged, "grabbing", "note-1", by=OFFICER, now=MORNING)


def test_every_pattern_has_its_reason_and_its_words() -> None:
    assert set(watching.patterns()) == set(PatternName.__args__)  # type: ignore[attr-defined]
    for name, pattern in watching.patterns().items():
        assert len(pattern.why.split()) > 8
        assert pattern.times >= 2
        assert set(catalogue()[f"pattern:{name}"]) == set(LANGUAGES)


# --- from the application to the officer


def test_one_person_who_applies_for_many_children_is_seen(cloud: TestCloud) -> None:
    token = parent(cloud, 1)
    children = [apply(cloud, token, n) for n in range(4)]
    assert signals(cloud) == []

    children += [apply(cloud, token, n) for n in (4, 5)]

    signal = the_signal(cloud)
    assert (signal["pattern"], signal["of"]) == ("many-children", "child")
    assert [one["id"] for one in signal["evidence"]] == children, "more of the same joins"
    assert signal["finding"] is None
    # The evidence names children: that an officer saw it is shown to their family.
    looks = cloud.get(f"/v1/rights/children/{children[0]}/looks", token=token).json["items"]
    assert [(look["who"]["roles"], look["purpose"]) for look in looks] == [
        (["department"], "fair-queue")
    ]


def test_the_same_application_again_is_no_other(cloud: TestCloud) -> None:
    token = parent(cloud, 1)
    for _ in range(8):
        apply(cloud, token, 1)

    assert signals(cloud) == []


def test_one_contact_of_many_persons_is_seen(cloud: TestCloud) -> None:
    for n in range(4):
        apply(cloud, parent(cloud, n, phone="+77777777777"), n)

    signal = the_signal(cloud)
    assert (signal["pattern"], len(signal["evidence"])) == ("same-contact", 4)
    assert "7777777" not in str(signal)
    assert "7777777" not in repr(cloud.tables.dump()["kezek-test-facts"])


def test_an_application_sent_and_withdrawn_again_and_again_is_seen(cloud: TestCloud) -> None:
    token = parent(cloud, 1)
    for n in range(3):
        register_child(cloud, token, f"application-{n}")
        said = cloud.put(f"/v1/applications/application-{n}/withdrawal", token=token)
        assert said.status == 200, said.text
        cloud.put(f"/v1/applications/application-{n}/withdrawal", token=token)

    signal = the_signal(cloud)
    assert signal["pattern"] == "in-and-out"
    assert [one["id"] for one in signal["evidence"]] == [f"application-{n}" for n in range(3)]


def test_one_sign_in_for_several_persons_is_seen(cloud: TestCloud) -> None:
    for n in range(2):
        apply(cloud, parent(cloud, n, sid="one-session"), n)
    apply(cloud, parent(cloud, 2, sid="another-session"), 2)

    signal = the_signal(cloud)
    assert (signal["pattern"], len(signal["evidence"])) == ("shared-sign-in", 2)


def note(cloud: TestCloud, *writes: Any) -> None:
    del cloud
    if writes:
        commit(list(writes))


def test_a_clerk_who_serves_more_families_than_a_clerk_can_is_seen(cloud: TestCloud) -> None:
    for n in range(13):
        at = MORNING + n * 4 * MINUTE
        note(cloud, *watching.served("clerk-1", f"family-{n}", area="taldykorgan", now=at))
        note(
            cloud,
            *watching.served("clerk-2", f"family-{n}", area="taldykorgan", now=at + n * MINUTE),
        )

    assert [signal["whose"] for signal in signals(cloud)] == ["clerk-1"]


def test_answers_within_seconds_time_after_time_are_seen(cloud: TestCloud) -> None:
    by = Actor("sign-in", frozenset({Role.REPRESENTATIVE}))
    issued = "2026-03-02T04:00:00.000000Z"
    for n, after_s in enumerate((3, 600, 5, 21, 2)):
        at = MORNING + timedelta(seconds=after_s)
        wrote = watching.confirmed(
            "person-1", f"application-{n}", issued, area="taldykorgan", by=by, now=at
        )
        note(cloud, *wrote)

    signal = the_signal(cloud)
    assert signal["pattern"] == "fast-answers"
    assert [one["id"] for one in signal["evidence"]] == [f"application-{n}" for n in (0, 2, 4)]


def test_a_family_that_took_its_time_costs_nothing(tables: TestTables) -> None:
    by = Actor("sign-in", frozenset({Role.REPRESENTATIVE}))
    issued, later = "2026-03-02T04:00:00.000000Z", MORNING + timedelta(hours=3)

    with faults.watch() as seen_calls:
        wrote = watching.confirmed("person-1", "a-1", issued, area="x", by=by, now=later)

    assert (wrote, seen_calls.calls) == ([], [])


def test_what_is_noticed_costs_one_read(tables: TestTables) -> None:
    by = Actor("sign-in", frozenset({Role.REPRESENTATIVE}), session="s" * 32)
    with faults.watch() as seen_calls:
        wrote = watching.applied("person-1", "child-1", ["m1", "m2"], area="x", by=by, now=MORNING)

    assert (len(wrote), len(seen_calls.calls)) == (4, 1)


# --- the officer


def a_signal(cloud: TestCloud) -> str:
    for n in range(2):
        apply(cloud, parent(cloud, n, sid="one-session"), n)
    return str(the_signal(cloud)["signal_id"])


def decide(cloud: TestCloud, signal_id: str, token: str, **over: Any) -> Said:
    body = {"finding": "family", "note_code": "two-parents", **over}
    return cloud.put(f"/v1/access/signals/{signal_id}/decision", body, token=token)


def test_an_officer_says_what_it_was_and_nothing_follows_by_itself(cloud: TestCloud) -> None:
    signal_id = a_signal(cloud)

    said = decide(cloud, signal_id, officer(cloud), finding="grabbing")
    cloud.clock.freeze(MORNING + MINUTE)

    assert (said.status, said.json["finding"]) == (200, "grabbing")
    assert decide(cloud, signal_id, officer(cloud), finding="grabbing").json == said.json
    assert the_signal(cloud) == said.json
    assert decide(cloud, signal_id, officer(cloud)).code == "kezek/another-content"
    apply(cloud, parent(cloud, 5, sid="one-session"), 5)


def test_another_areas_signal_does_not_exist(cloud: TestCloud) -> None:
    signal_id = a_signal(cloud)
    far = officer(cloud, "officer-2", areas=["astana"])

    assert decide(cloud, signal_id, far).code == "kezek/unknown"
    listed = cloud.get("/v1/access/signals", query={"area": "taldykorgan"}, token=far)
    assert listed.code == "kezek/unknown"
    assert decide(cloud, "nonexistent-9", officer(cloud)).code == "kezek/unknown"


def test_only_the_department_judges_and_auditors_see(cloud: TestCloud) -> None:
    signal_id = a_signal(cloud)

    seen_by = cloud.get(
        "/v1/access/signals", query={"area": "taldykorgan"}, token=cloud.token("auditor")
    )
    assert len(seen_by.json["signals"]) == 1
    for role in ("auditor", "operator", "representative"):
        assert decide(cloud, signal_id, cloud.token(role)).code == "kezek/not-your-role"


def test_signals_come_by_pages(cloud: TestCloud) -> None:
    for n in range(5):
        at = MORNING + n * MINUTE
        for family in range(13):
            wrote = watching.served(f"clerk-{n}", f"f-{family}", area="taldykorgan", now=at)
            note(cloud, *wrote)

    found, cursor = [], None
    while True:
        query = {"area": "taldykorgan", "limit": "2", **({"cursor": cursor} if cursor else {})}
        said = cloud.get("/v1/access/signals", query=query, token=officer(cloud)).json
        found += [signal["whose"] for signal in said["signals"]]
        cursor = said["cursor"]
        if cursor is None:
            break

    assert found == [f"clerk-{n}" for n in (4, 3, 2, 1, 0)]
    bad = {"area": "taldykorgan", "cursor": "x" * 40}
    assert (
        cloud.get("/v1/access/signals", query=bad, token=officer(cloud)).code == "kezek/bad-cursor"
    )
