"""Clubs: races of votes, what the clock does with papers, and where names of teachers lie."""

from __future__ import annotations

import base64
import json
import threading
import zlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from chalicelib.edge.texts import text
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.kernel.periods import start_of
from chalicelib.kernel.refusals import Refusal
from chalicelib.providers import actions, store
from chalicelib.providers.rules import Reason
from chalicelib.storage import agenda, keys, outbox, vault
from infra.local import faults
from infra.local.testing import MORNING
from tests.providers.clubs import MEMBERS, NO_CAMERAS, ClubTown
from tests.providers.town import GROUP, ORG, SITE, ok

JOB = system("deadlines")
TOPIC = ("providers/documents", SITE)


def a_member(name: str) -> Actor:
    return Actor(
        name,
        frozenset({Role.COMMISSION}),
        areas=frozenset({"karaganda"}),
        directions=frozenset({"sport"}),
    )


def votes(result: str, *names: str) -> list[Callable[[], object]]:
    reasons = [Reason("cameras", "seen" if result == "admit" else "none")]
    return [
        lambda name=name: actions.decide_site(  # type: ignore[misc]
            SITE,
            result,  # type: ignore[arg-type]
            reasons,
            attempt=1,
            by=a_member(name),
            now=MORNING,
        )
        for name in names
    ]


def all_at_once(doings: list[Callable[[], object]]) -> list[str]:
    """Run all behind one barrier; return how each ended."""
    barrier = threading.Barrier(len(doings))
    ends: list[str] = []

    def run(doing: Callable[[], object]) -> None:
        barrier.wait()
        try:
            doing()
            ends.append("counted")
        except Refusal as refusal:
            ends.append(refusal.code)

    threads = [threading.Thread(target=run, args=(doing,)) for doing in doings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ends)


def events() -> list[str]:
    return [entry.event for entry in journal.history(f"site/{SITE}")]


def notices() -> list[tuple[str, Any]]:
    to = f"organisation:{ORG}"
    return [
        (kept.value.template.removeprefix("notice:providers/"), kept.value.facts)
        for kept in outbox.NOTICES.each(keys.notice(to, "")[0])
    ]


def due(upto: datetime) -> list[datetime]:
    """Return when the club's papers are to be looked at."""
    return [
        datetime.fromisoformat(kept.value.at)
        for kept in agenda.list_due(upto, days_back=400)
        if (kept.value.topic, kept.value.subject) == TOPIC
    ]


# --- two who vote at once -----------------------------------------------------------------------


def test_two_votes_at_once_are_both_counted(city: ClubTown) -> None:
    city.in_check()

    ends = all_at_once(votes("admit", "m1", "m2"))

    assert ends == ["counted", "counted"]
    site = store.load_site(SITE).value
    assert ({vote.by for vote in site.votes}, site.decision) == ({"m1", "m2"}, None)


def test_of_five_votes_at_once_three_decide_once_and_two_come_late(city: ClubTown) -> None:
    city.in_check()

    ends = all_at_once([*votes("admit", *MEMBERS[:3]), *votes("refuse", *MEMBERS[3:])])

    site = store.load_site(SITE).value
    assert ends == ["counted"] * 3 + ["providers/wrong-state"] * 2
    assert len(site.votes) == 3
    assert events().count("providers/site-decided") == 1
    assert events().count("providers/site-voted") == 2
    carried = sum(vote.result == "admit" for vote in site.votes) >= 2
    assert site.decision is not None
    assert site.decision.result == ("admit" if carried else "refuse")
    assert [name for name, _ in notices()].count("site-refused") == int(not carried)


def test_one_member_voting_from_two_devices_votes_once(city: ClubTown) -> None:
    city.in_check()

    ends = all_at_once([*votes("admit", "m1"), *votes("admit", "m1")])

    assert ends == ["counted", "counted"]
    assert len(store.load_site(SITE).value.votes) == 1


def test_one_member_saying_two_things_at_once_is_heard_once(city: ClubTown) -> None:
    city.in_check()

    ends = all_at_once([*votes("admit", "m1"), *votes("refuse", "m1")])

    assert ends == ["counted", "kezek/another-content"]
    assert len(store.load_site(SITE).value.votes) == 1


@pytest.mark.usefixtures("one_salt")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_deciding_vote_that_died_anywhere_ends_the_same_when_sent_again_a1(
    city: ClubTown, when: str
) -> None:
    def after_a_crash(number: int | None) -> tuple[bool, object]:
        city.cloud.tables.wipe()
        city.in_check()
        ok(city.vote("m1", "refuse", NO_CAMERAS))
        ok(city.vote("m2", "refuse", NO_CAMERAS))
        crashed = False
        if number is not None:
            try:
                with faults.crash(**{when: number}):
                    city.vote("m3", "refuse", NO_CAMERAS)
            except faults.Crash:
                crashed = True
        ok(city.vote("m3", "refuse", NO_CAMERAS))
        ok(city.vote("m3", "refuse", NO_CAMERAS))
        dump = city.cloud.tables.effects()
        return crashed, {n: r for n, r in dump.items() if "vault" not in n and "-keys" not in n}

    _, clean = after_a_crash(None)
    calls = 0
    while True:
        crashed, ended = after_a_crash(calls + 1)
        assert ended == clean
        if not crashed:
            break
        calls += 1
    assert calls >= 2


# --- papers and the clock -----------------------------------------------------------------------


def listed_with(city: ClubTown, **papers: Any) -> None:
    """Bring the club on the List with some papers of their own end."""
    ok(city.organisation())
    ok(city.site())
    ok(city.group())
    city.hand_in(**papers)
    ok(city.put("department", f"sites/{SITE}/check", {"result": "complete"}))
    for member in MEMBERS[:3]:
        ok(city.vote(member))
    ok(city.put("department", f"sites/{SITE}/listing", {"act": "1-Ө"}))


def test_a_papers_end_is_told_once_and_then_closes_choices_but_strands_nobody(
    city: ClubTown,
) -> None:
    listed_with(city, first_aid={"valid_to": "2026-04-10"})
    warn, over = start_of(date(2026, 3, 11)), start_of(date(2026, 4, 11))
    assert due(over) == [warn]

    early = actions.watch_documents(SITE, by=JOB, now=warn - timedelta(seconds=1))
    told = [actions.watch_documents(SITE, by=JOB, now=warn) for _ in range(2)]
    assert due(over) == [warn, over]
    last_day = actions.watch_documents(SITE, by=JOB, now=over - timedelta(seconds=1))
    ended = [actions.watch_documents(SITE, by=JOB, now=over) for _ in range(2)]

    assert (early, told, last_day, ended) == (False, [True, False], False, [True, False])
    ends = [facts for name, facts in notices() if name == "document-ends"]
    assert [(f["item"]["en"], f["valid_to"]) for f in ends] == [
        ("Coaches' first-aid certificates", "10.04.2026")
    ]
    site = store.load_site(SITE).value
    assert site.state == "suspended"
    assert site.transition_until == date(2026, 5, 11)
    assert [(r.rule, r.evidence) for r in site.measures[-1].reasons] == [
        ("first-aid", "valid to 10.04.2026")
    ]
    assert [group.open for group in actions.groups_of_site(SITE)] == [False]
    assert "site-suspended" in [name for name, _ in notices()]


def test_a_paper_is_called_by_its_name_in_each_language_c5(city: ClubTown) -> None:
    listed_with(city, fire_safety={"valid_to": "2026-03-10"})
    assert actions.watch_documents(SITE, by=JOB, now=MORNING)
    (facts,) = [facts for name, facts in notices() if name == "document-ends"]

    said = {
        language: text("notice:providers/document-ends", language, facts)
        for language in ("kk", "ru", "en")
    }

    assert "«Өрт қауіпсіздігі»" in said["kk"]
    assert "«Пожарная безопасность»" in said["ru"]
    assert "“Fire safety”" in said["en"]
    assert all("10.03.2026" in text and "…" not in text for text in said.values())


def test_a_renewed_paper_is_not_held_against_the_club(city: ClubTown) -> None:
    listed_with(city, first_aid={"valid_to": "2026-04-10"})
    warn, over = start_of(date(2026, 3, 11)), start_of(date(2026, 4, 11))
    assert actions.watch_documents(SITE, by=JOB, now=warn)
    city.at(warn)
    ok(
        city.put(
            "head",
            f"sites/{SITE}/documents/first-aid",
            {"document": "KZ-8", "valid_to": "2026-09-01", "replaces": 1},
        )
    )

    assert not actions.watch_documents(SITE, by=JOB, now=over)
    # The next to end is now the tax certificate, which lasts ninety days.
    assert due(start_of(date(2026, 6, 1)))[-1] == start_of(date(2026, 5, 1))
    assert store.load_site(SITE).value.listed


def test_each_paper_is_told_by_itself(city: ClubTown) -> None:
    listed_with(
        city,
        first_aid={"valid_to": "2026-05-12"},
        fire_safety={"valid_to": "2026-05-12"},
        medical_book={"valid_to": "2026-04-25"},
        cameras={"state": "in-progress", "valid_to": None},
    )

    for day in (date(2026, 3, 26), date(2026, 4, 12)):
        assert actions.watch_documents(SITE, by=JOB, now=start_of(day))

    items = [facts["item"]["en"] for name, facts in notices() if name == "document-ends"]
    assert sorted(items) == ["Coaches' first-aid certificates", "Fire safety", "Medical books"]


def test_a_paper_that_ends_soon_when_the_club_is_listed_is_told_at_once(city: ClubTown) -> None:
    listed_with(city, first_aid={"valid_to": "2026-03-10"})

    assert due(MORNING) == [MORNING]
    assert actions.watch_documents(SITE, by=JOB, now=MORNING)
    assert [name for name, _ in notices()].count("document-ends") == 1


def test_the_deadlines_job_knows_papers(city: ClubTown) -> None:
    listed_with(city, first_aid={"valid_to": "2026-03-10"})

    city.cloud.fire("run_deadlines", MORNING + timedelta(minutes=15))

    assert [name for name, _ in notices()].count("document-ends") == 1


def test_the_clock_leaves_clubs_alone_that_are_not_listed(city: ClubTown) -> None:
    city.submitted()

    late = start_of(date(2028, 6, 2))
    assert not actions.watch_documents(SITE, by=JOB, now=late)
    assert not actions.watch_documents("site-nobody", by=JOB, now=late)


def test_a_listing_with_forty_groups_fits_one_transaction_a13(city: ClubTown) -> None:
    ok(city.organisation())
    ok(city.site())
    for n in range(40):
        ok(city.group(f"group-{n:04d}"))
    city.hand_in()
    ok(city.put("department", f"sites/{SITE}/check", {"result": "complete"}))
    for member in MEMBERS[:3]:
        ok(city.vote(member))

    ok(city.put("department", f"sites/{SITE}/listing", {"act": "1-Ө"}))

    assert all(group.open for group in actions.groups_of_site(SITE))


# --- teachers -----------------------------------------------------------------------------------

CANARY = "Айгүл Канарейқызы"


def test_a_teachers_name_lies_sealed_and_goes_with_its_key_b7_b13(city: ClubTown) -> None:
    ok(city.organisation())
    ok(city.site())
    teacher = {"name": CANARY, "education": "КарГУ", "experience_years": 3}
    ok(city.put("head", f"sites/{SITE}/teachers", {"teachers": [teacher]}))

    rows = everything(city)

    assert CANARY not in rows
    assert base64.b64encode(CANARY.encode()).decode().rstrip("=") not in rows
    assert vault.open_fields(f"SITE#{SITE}").keys() == {"teachers", "_salt"}
    assert [t.name for t in actions.see_site(SITE, by=a_member("m1")).teachers] == [CANARY]


def test_of_two_first_lists_of_teachers_one_is_published(city: ClubTown) -> None:
    ok(city.organisation())
    ok(city.site())
    head = Actor("head", frozenset({Role.HEAD}), organisations=frozenset({ORG}))

    def publish(name: str) -> Callable[[], object]:
        teacher = actions.Teacher(name, "КарГУ", 3)
        return lambda: actions.put_teachers(SITE, [teacher], replaces=None, by=head, now=MORNING)

    ends = all_at_once([publish("Сәуле Бектас"), publish("Дина Омар")])

    assert ends == ["counted", "kezek/another-content"]
    assert store.load_site(SITE).value.teachers_revision == 1


def everything(city: ClubTown) -> str:
    """Return all rows as text, the journal's compressed images opened."""

    def opened(value: object) -> str:
        if not isinstance(value, bytes):
            return str(value)
        try:
            return zlib.decompress(value).decode()
        except zlib.error:
            return value.hex()

    return json.dumps(city.cloud.tables.dump(), ensure_ascii=False, default=opened)


# --- journal ------------------------------------------------------------------------------------


def test_every_vote_has_its_entry_with_the_pack_that_judged_it(city: ClubTown) -> None:
    city.refused()
    ok(city.put("head", f"sites/{SITE}/objection", {"reasons": [NO_CAMERAS]}))
    for member in MEMBERS[:3]:
        ok(city.vote(member, step="objection-answer"))

    assert events()[3:] == [
        "providers/site-voted",
        "providers/site-voted",
        "providers/site-decided",
        "providers/site-objected",
        "providers/objection-voted",
        "providers/objection-voted",
        "providers/objection-answered",
    ]
    entries = list(journal.history(f"site/{SITE}"))[3:]
    assert {entry.pack for entry in entries} == {entries[0].pack}
    assert entries[0].pack is not None
    assert [name for name, _ in notices()] == ["objection-upheld", "site-refused"]
    assert store.find_group(GROUP) is None


# --- the largest there may be -------------------------------------------------------------------


def test_a_site_with_the_longest_votes_of_two_rounds_stays_one_row_a13(city: ClubTown) -> None:
    def at_length(n: int, reasons: int) -> list[dict[str, str]]:
        return [
            {"rule": f"{n}-{r}".ljust(120, "ө"), "evidence": f"{n}-{r}".ljust(500, "ұ")}
            for r in range(reasons)
        ]

    city.in_check()
    for step in ("decision", "objection-answer"):
        for n, member in enumerate(MEMBERS[:3]):
            ok(city.vote(member, "refuse", *at_length(n, 10), step=step))
        if step == "decision":
            ok(city.put("head", f"sites/{SITE}/objection", {"reasons": at_length(9, 20)}))

    kept = store.load_site(SITE)
    assert kept.value.decision is not None
    assert len(kept.value.decision.reasons) == 20
    # Three of five voted; two more votes a round would add a tenth of what an item may hold.
    assert len(kept.body.encode()) < 200_000
    assert city.vote("m4", "refuse", *at_length(4, 11)).code == "kezek/bad-field"
