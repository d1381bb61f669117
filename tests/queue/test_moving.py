"""Why a place moved, kept with the ranks of real checkpoints: told, summed, never guessed."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.access.store import looking
from chalicelib.applications import store as applications
from chalicelib.applications.rules import Application, entry_of
from chalicelib.kernel.periods import stamp
from chalicelib.queue import actions, jobs, store
from chalicelib.queue.routes.sentences import causes_said
from chalicelib.storage import outbox
from chalicelib.storage.commit import commit
from infra.local.testing import Said, TestCloud
from tests.queue.city import (
    AREA,
    EVENING,
    JOB,
    PROGRAMME,
    a_family,
    a_group,
    an_application,
    finished,
    released,
    settle_in,
)

DAY = timedelta(days=1)


def publish(at: datetime = EVENING, name: str | None = None) -> Any:
    return actions.publish(
        name or f"at-{at:%Y%m%d%H%M}", programme=PROGRAMME, area=AREA, by=JOB, now=at
    )


def rank_of(name: str) -> Any:
    head = store.find_head(PROGRAMME, AREA)
    assert head is not None
    return store.find_rank(head.value, f"application-{name}")


def leaves(name: str, state: Any, **said: Any) -> None:
    """Take an application out of the queue, as what happened to it did."""
    kept = applications.load_application(f"application-{name}")
    entry = applications.load_entry(kept.value)
    gone = replace(kept.value, state=state, **said)
    commit([applications.keep_application(kept, gone), applications.leave_queue(entry)])


def comes_back(name: str, **said: Any) -> None:
    """Put an application that left into the queue again."""
    kept = applications.load_application(f"application-{name}")
    back = replace(kept.value, state="queued", **said)
    commit(
        [applications.keep_application(kept, back), applications.enter_queue(back, entry_of(back))]
    )


def changes(name: str, **said: Any) -> None:
    """Change an application that waits, with its place in the queue."""
    kept = applications.load_application(f"application-{name}")
    entry = applications.load_entry(kept.value)
    other = replace(kept.value, **said)
    commit(
        [
            applications.keep_application(kept, other),
            applications.keep_entry(entry, entry_of(other)),
        ]
    )


def a_queue(count: int = 8, *, apart: bool = True, **said: Any) -> list[Application]:
    """Let so many wait in one category; apart: and enough beside it that it is shown alone."""
    waiting = [an_application(f"{n:04d}", **said) for n in range(1, count + 1)]
    settle_in([], [*waiting, *(neighbours() if apart else [])])
    return waiting


def neighbours() -> list[Application]:
    """Return five of the category before and five of the one behind, who want other groups."""
    return [
        an_application(f"{year}{n}", birth_year=year, language="ru")
        for year in (2020, 2022)
        for n in range(5)
    ]


def moves_of(cloud: TestCloud, token: str, name: str, **query: str) -> Said:
    return cloud.get(
        f"/v1/queue/places/application-{name}/moves",
        token=token,
        query=query,
        headers={"accept-language": "en"},
    )


def test_each_cause_between_two_checkpoints_is_told_to_the_family(evening: TestCloud) -> None:
    a_queue(9)
    leaves("0006", "inactive", ended_at=stamp(EVENING))
    settle_in([], [an_application("9001", tier="first-priority", ordered_at="2025-09-01T04:00Z")])
    token = a_family(evening, "0007")
    publish()
    leaves("0001", "offered", voucher_id="voucher-1")
    leaves("0002", "withdrawn", ended_at=stamp(EVENING))
    leaves("0003", "inactive", ended_at=stamp(EVENING))
    leaves("0004", "annulled", ended_at=stamp(EVENING))
    comes_back("0006", restores=1)
    changes("9001", tier="general", category=15)
    publish(EVENING + DAY)

    said = moves_of(evening, token, "0007")

    assert said.status == 200, said.text
    newest, first = said.json["moves"]
    assert (newest["number"], newest["before"], newest["now"]) == (2, 6, 4)
    assert {c["cause"]: c["count"] for c in newest["causes"]} == {
        "voucher": -1,
        "withdrawn": -1,
        "inactive": -1,
        "ended": -1,
        "restored": 1,
        "right": 1,
    }
    assert newest["text"].startswith("Your place went from 6 to 4, 2 places nearer. Causes: ")
    assert (first["number"], first["before"], first["now"]) == (1, None, 6)
    assert said.json["cursor"] is None
    place = evening.get("/v1/queue/places/application-0007", token=token)
    assert place.json["last_move"].startswith("Орныңыз 6-орыннан 4-орынға жылжыды, 2 орынға алға.")


def test_moves_page_backwards_from_the_newest(evening: TestCloud) -> None:
    a_queue()
    token = a_family(evening, "0008")
    for day in range(4):
        publish(EVENING + day * DAY)
        if day < 3:
            leaves(f"000{day + 1}", "withdrawn", ended_at=stamp(EVENING))

    first = moves_of(evening, token, "0008", limit="3")
    rest = moves_of(evening, token, "0008", limit="3", cursor=first.json["cursor"])

    numbers = [move["number"] for move in [*first.json["moves"], *rest.json["moves"]]]
    assert numbers == [4, 3, 2, 1]
    assert rest.json["cursor"] is None
    changed = moves_of(evening, token, "0008", cursor=first.json["cursor"][:-3] + "abc")
    assert (changed.status, changed.code) == (400, "kezek/bad-cursor")


def test_since_an_earlier_checkpoint_the_sums_add_up_over_all_between(evening: TestCloud) -> None:
    a_queue()
    token = a_family(evening, "0008")
    publish(name="first")
    leaves("0001", "withdrawn", ended_at=stamp(EVENING))
    publish(EVENING + DAY)
    leaves("0002", "offered", voucher_id="voucher-2")
    publish(EVENING + 2 * DAY)
    leaves("0003", "withdrawn", ended_at=stamp(EVENING))
    comes_back("0001", restores=1)
    publish(EVENING + 3 * DAY)

    whole = moves_of(evening, token, "0008", since="first").json["since"]

    assert (whole["before"], whole["now"], whole["number"]) == (8, 6, 4)
    assert {c["cause"]: c["count"] for c in whole["causes"]} == {
        "withdrawn": -2,
        "voucher": -1,
        "restored": 1,
    }
    same = moves_of(evening, token, "0008", since="at-202509051300").json["since"]
    assert (same["before"], same["now"], same["causes"]) == (6, 6, [])
    for nowhere in ("never-published", "x" * 64):
        assert moves_of(evening, token, "0008", since=nowhere).status == 404
    assert moves_of(evening, token, "0008", since="no such").status == 400


def test_who_was_away_between_is_told_so_and_the_sum_is_exact(evening: TestCloud) -> None:
    a_queue()
    token = a_family(evening, "0008")
    publish(name="first")
    leaves("0008", "inactive", ended_at=stamp(EVENING))
    leaves("0001", "withdrawn", ended_at=stamp(EVENING))
    publish(EVENING + DAY, "without")
    comes_back("0008", restores=1)
    publish(EVENING + 2 * DAY)
    leaves("0002", "withdrawn", ended_at=stamp(EVENING))
    publish(EVENING + 3 * DAY)

    said = moves_of(evening, token, "0008", since="first").json

    assert {c["cause"]: c["count"] for c in said["since"]["causes"]} == {
        "own-away": -1,
        "withdrawn": -1,
    }
    assert [move["number"] for move in said["moves"]] == [4, 3, 1]
    assert moves_of(evening, token, "0008", since="without").json["since"] is None


def test_a_place_without_a_known_cause_is_counted_and_wakes_somebody(
    evening: TestCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_queue()
    token = a_family(evening, "0008")
    publish()
    kept = applications.load_application("application-0001")
    commit([applications.leave_queue(applications.load_entry(kept.value))])  # a row that is lost
    rung: list[str] = []
    monkeypatch.setattr(jobs.log, "loud", lambda message, **said: rung.append(said["metric"]))

    jobs.checkpoint({"checkpoint_id": "after", "programme": PROGRAMME, "area": AREA}, EVENING + DAY)

    newest = moves_of(evening, token, "0008").json["moves"][0]
    assert [(c["cause"], c["count"]) for c in newest["causes"]] == [("unexplained", -1)]
    assert newest["causes"][0]["text"] == "no cause is known, this is being looked into: 1"
    assert rung == ["QueueMoveUnexplained"]


def test_a_checkpoint_that_comes_twice_or_late_changes_no_move(evening: TestCloud) -> None:
    a_queue()
    publish(name="first")
    leaves("0001", "withdrawn", ended_at=stamp(EVENING))
    publish(EVENING + DAY, "second")
    before = rank_of("0008")

    publish(EVENING + DAY, "second")
    publish(EVENING + timedelta(hours=1), "late")
    assert rank_of("0008") == before

    publish(EVENING + DAY, "the-same-instant")
    assert (rank_of("0008").step.before, rank_of("0008").step.causes) == (7, ())
    assert rank_of("0008").sums == (("withdrawn", -1),)


def test_a_new_academic_year_moves_who_changed_the_cohort_and_renames_the_rest(
    evening: TestCloud,
) -> None:
    june, july = datetime(2026, 6, 30, 13, tzinfo=EVENING.tzinfo), None
    july = june + DAY
    settle_in(
        [],
        [
            # Born in autumn, six only after 1 September: stays with the oldest when the year turns.
            an_application("0001", birth_year=2019, age=5),
            *(an_application(f"1{n:03d}", birth_year=2020) for n in range(6)),
            an_application("2001", birth_year=2019, age=6),
        ],
    )
    publish(june)
    assert rank_of("1005").category == 14
    publish(july)

    moved, stays = rank_of("0001"), rank_of("1005")
    assert (stays.category, stays.step.was) == (13, 0)
    assert stays.step.causes == (("entered", 1),)  # its category is shown with others
    assert moved.step.causes == () and moved.step.was == 13  # first there, first here
    assert rank_of("2001") is None
    head = store.find_head(PROGRAMME, AREA)
    assert head is not None and head.value.unexplained == 0


def test_after_a_run_those_behind_learn_who_got_a_voucher_and_why_not_there(
    evening: TestCloud,
) -> None:
    waiting = [
        an_application(f"{n:04d}", preferences=("group-a", "group-b", "group-c"))
        for n in range(1, 9)
    ]
    waiting += [an_application(f"1{n:03d}", birth_year=2020, language="ru") for n in range(6)]
    settle_in([a_group("a", 5), a_group("b", 1, language="ru")], waiting)
    token = a_family(evening, "0008")
    publish()
    finished(released())
    publish(EVENING + timedelta(hours=1))

    said = evening.get(
        "/v1/queue/places/application-0008", token=token, headers={"accept-language": "en"}
    ).json

    assert said["last_move"].endswith("Causes: those ahead who got a voucher: 5.")
    assert [one["why"] for one in said["preferred"]] == ["full", "language", "closed"]
    first = said["preferred"][0]
    assert [one["number"] for one in first["last_categories"]] == [15, 16, 17, 18]
    assert first["last_applied_at"] is None
    assert first["text"] == (
        "All places are given. The last to get in was of one of the categories 15–18, which are "
        "shown together."
    )
    # An evening without a run keeps what the last one said, also of a choice that is new.
    changes("0008", preferences=("group-d", "group-a"))
    publish(EVENING + DAY)
    again = evening.get("/v1/queue/places/application-0008", token=token).json["preferred"]
    assert [(one["group_id"], one["why"]) for one in again] == [
        ("group-d", "no-run"),
        ("group-a", "full"),
    ]


def test_who_got_a_second_wish_reads_why_not_the_first(evening: TestCloud) -> None:
    waiting = [
        an_application(f"{n:04d}", preferences=("group-a", "group-b", "group-c"))
        for n in range(1, 9)
    ]
    settle_in([a_group("a", 5), a_group("b", 3)], [*waiting, *neighbours()])
    token = a_family(evening, "0006")
    first = a_family(evening, "0001", "first")
    publish()
    finished(released())
    place = "/v1/queue/places/application-0006"
    assert evening.get(place, token=token).json["preferred"] == []  # the evening tells
    publish(EVENING + timedelta(hours=1))
    publish(EVENING + DAY)

    said = evening.get(place, token=token, headers={"accept-language": "en"}).json

    assert (said["state"], said["place"]) == ("offered", None)
    assert [(one["group_id"], one["why"]) for one in said["preferred"]] == [("group-a", "full")]
    assert [one["number"] for one in said["preferred"][0]["last_categories"]] == [15]
    assert said["preferred"][0]["text"].startswith("All places are given. The last to get in was")
    nothing = evening.get("/v1/queue/places/application-0001", token=first)
    assert nothing.json["preferred"] == []


def test_a_threshold_that_would_tell_of_somebody_is_told_as_what_is_shown_together(
    evening: TestCloud,
) -> None:
    few = [
        an_application("0001", tier="extraordinary", preferences=("group-a",)),
        *(an_application(f"1{n:03d}", tier="general") for n in range(6)),
        an_application("2001", preferences=("group-a",)),
    ]
    settle_in([a_group("a", 1)], few)
    publish()
    finished(released())
    publish(EVENING + timedelta(hours=1))

    one = rank_of("2001").preferred[0]

    assert (one.why, one.last, one.categories) == ("full", "line", tuple(range(1, 19)))


def test_a_family_is_told_once_when_its_place_became_worse(evening: TestCloud) -> None:
    a_queue(8)
    leaves("0002", "inactive", ended_at=stamp(EVENING))
    publish()
    leaves("0001", "withdrawn", ended_at=stamp(EVENING))
    publish(EVENING + DAY, "better")
    comes_back("0002", restores=1)
    publish(EVENING + 2 * DAY, "worse")

    for _ in range(2):
        evening.drain()
        jobs.tell_moved({"checkpoint_id": "worse", "page": 0}, EVENING + 2 * DAY)
    jobs.tell_moved({"checkpoint_id": "better", "page": 0}, EVENING + 2 * DAY)

    told = outbox.find_notice("person:person-0008", "place-moved#worse#application-0008")
    assert told is not None
    assert (told.facts["before"], told.facts["place"]) == (6, 7)
    assert told.facts["reasons"] == causes_said((("restored", 1),))
    assert outbox.find_notice("person:person-0008", "place-moved#better#application-0008") is None
    assert not actions.tell_page("never", 0, said=causes_said, now=EVENING)


def test_B1_anothers_moves_are_as_if_they_did_not_exist(evening: TestCloud) -> None:
    a_queue()
    token = a_family(evening, "0008")
    publish()

    foreign = moves_of(evening, token, "0001")
    nowhere = moves_of(evening, token, "nobody")
    far = evening.token("department", "officer-far", areas=["astana"])

    assert (foreign.status, nowhere.status) == (404, 404)
    assert foreign.json["type"] == nowhere.json["type"]
    assert moves_of(evening, far, "0001").status == 404
    assert moves_of(evening, evening.token("head"), "0001").status == 403


def test_an_officer_of_the_area_sees_moves_and_the_family_sees_the_look(
    evening: TestCloud,
) -> None:
    a_queue()
    publish()
    officer = evening.token("department", "officer-one", areas=[AREA])

    said = moves_of(evening, officer, "0001")

    assert said.status == 200, said.text
    looks = [kept.value for kept in looking.each_look("child-0001")]
    assert [look.action for look in looks] == ["queue/see-moves"]


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_happens_every_place_is_its_first_one_and_the_sum_of_its_moves(
    evening: TestCloud, seed: int
) -> None:
    """A random autumn: leavers, returners, rights, corrections, skipped and doubled checkpoints."""
    chance = random.Random(seed)
    a_queue(14, tier="general")
    more = [an_application(f"5{n:03d}", tier="first-priority") for n in range(8)]
    settle_in([], more)
    names = [f"{n:04d}" for n in range(1, 15)] + [f"5{n:03d}" for n in range(8)]
    first: dict[str, tuple[int, int]] = {}
    told: dict[int, dict[str, int]] = {}
    at, number = EVENING, 0
    for step in range(14):
        for name in chance.sample(names, 4):
            application = applications.load_application(f"application-{name}").value
            if application.state != "queued":
                if application.state == "inactive":
                    comes_back(name, restores=application.restores + 1)
                continue
            what = chance.choice(("withdrawn", "inactive", "right", "later", "nothing"))
            if what in ("withdrawn", "inactive"):
                leaves(name, what, ended_at=stamp(at))
            elif what == "right":
                other = {"general": "first-priority"}.get(application.tier, "general")
                changes(name, tier=other)
            elif what == "later":
                changes(name, ordered_at=f"2025-09-01T06:00:00.{step:06d}Z")
        if chance.random() < 0.3:
            continue  # the evening went by without a checkpoint
        at += DAY
        number += 1
        publish(at, f"step-{number}")
        publish(at, f"step-{number}")  # a schedule that fires twice
        head = store.find_head(PROGRAMME, AREA)
        assert head is not None
        assert (head.value.number, head.value.unexplained) == (number, 0)
        ranks = {one.application_id: one for one in store.find_ranks(head.value)}
        told[number] = {key: one.place for key, one in ranks.items()}
        for key, one in ranks.items():
            if one.entered == number:
                first[key] = number, one.place
            entered, place = first[key]
            assert one.entered == entered
            assert place + sum(count for _, count in one.sums) == one.place
            if one.step is not None:
                assert one.step.before == told[number - 1][key]
                assert one.step.before + sum(n for _, n in one.step.causes) == one.place

    token = evening.token("auditor", "auditor-one")
    for name in chance.sample(names, 4):
        for since in range(1, number):
            whole = moves_of(evening, token, name, since=f"step-{since}").json["since"]
            places = [told[n].get(f"application-{name}") for n in (since, number)]
            assert (whole is None) == (None in places)
            if whole is not None:
                assert [whole["before"], whole["now"]] == places
                assert sum(c["count"] for c in whole["causes"]) == whole["now"] - whole["before"]


def test_in_a_small_category_nobody_is_told_why_another_came_or_left(evening: TestCloud) -> None:
    a_queue(4, apart=False)
    leaves("0003", "inactive", ended_at=stamp(EVENING))
    token = a_family(evening, "0004")
    publish()
    leaves("0001", "withdrawn", ended_at=stamp(EVENING))
    leaves("0002", "offered", voucher_id="voucher-2")
    comes_back("0003", restores=1)
    publish(EVENING + DAY)

    newest = moves_of(evening, token, "0004", since="at-202509021300").json

    told = {"left": -1, "voucher": -1, "entered": 1}
    assert {c["cause"]: c["count"] for c in newest["moves"][0]["causes"]} == told
    assert {c["cause"]: c["count"] for c in newest["since"]["causes"]} == told
    place = evening.get(
        "/v1/queue/places/application-0004", token=token, headers={"accept-language": "en"}
    ).json
    assert (
        "restor" in place["last_move"] and "took their application back" not in place["last_move"]
    )


def test_what_is_shown_together_tells_nobody_why_however_many_wait(evening: TestCloud) -> None:
    """Eight in the category, and it stands in one cell with the empty ones beside it."""
    a_queue(8, apart=False)
    leaves("0003", "inactive", ended_at=stamp(EVENING))
    token = a_family(evening, "0008")
    publish()
    leaves("0001", "withdrawn", ended_at=stamp(EVENING))
    comes_back("0003", restores=1)
    publish(EVENING + DAY, "worse")

    newest = moves_of(evening, token, "0008").json["moves"][0]
    assert {c["cause"]: c["count"] for c in newest["causes"]} == {"left": -1, "entered": 1}
    leaves("0002", "inactive", ended_at=stamp(EVENING))
    publish(EVENING + 2 * DAY)
    comes_back("0001")
    comes_back("0002", restores=1)
    publish(EVENING + 3 * DAY, "back")
    jobs.tell_moved({"checkpoint_id": "back", "page": 0}, EVENING + 3 * DAY)
    told = outbox.find_notice("person:person-0008", "place-moved#back#application-0008")
    assert told is not None
    assert "right" in told.facts["reasons"]["en"] and "did not" not in told.facts["reasons"]["en"]
    assert set(dict(rank_of("0008").step.causes)) <= {"left", "entered", "unexplained"}


def test_a_category_shown_apart_at_last_tells_nothing_of_the_weeks_before(
    evening: TestCloud,
) -> None:
    a_queue(8, apart=False)
    token = a_family(evening, "0008")
    june, july = (datetime(2026, *day, 13, tzinfo=EVENING.tzinfo) for day in ((6, 29), (7, 2)))
    publish(june, "together")
    leaves("0001", "withdrawn", ended_at=stamp(june))
    publish(june + DAY)
    # In another academic year cells begin anew: with enough beside it the category stands alone.
    settle_in([], neighbours())
    publish(july)
    leaves("0002", "withdrawn", ended_at=stamp(july))
    publish(july + DAY)

    said = moves_of(evening, token, "0008", since="together").json

    own = rank_of("0008")
    head = store.find_head(PROGRAMME, AREA)
    assert head is not None and (own.category,) in [cell.categories for cell in head.value.cells]
    assert {c["cause"]: c["count"] for c in said["moves"][0]["causes"]} == {"withdrawn": -1}
    assert {c["cause"]: c["count"] for c in said["since"]["causes"]} == {
        "left": -1,
        "withdrawn": -1,
    }
    assert (said["since"]["before"], said["since"]["now"]) == (8, 6)
