"""The queue over HTTP: one yes of each route, and each no down to its code."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.access.store import looking
from chalicelib.applications import store as applications
from chalicelib.queue import actions, rules, store
from infra.local import faults
from infra.local.testing import Said, TestCloud
from tests.queue.city import (
    AREA,
    EVENING,
    JOB,
    LATER,
    PROGRAMME,
    a_family,
    a_group,
    a_small_city,
    an_application,
    finished,
    released,
    settle_in,
)

HERE = {"programme": PROGRAMME, "area": AREA}


@pytest.fixture
def operator(evening: TestCloud) -> str:
    return evening.token("operator", "operator-one", areas=[AREA])


@pytest.fixture
def second(evening: TestCloud) -> str:
    return evening.token("operator", "operator-two", areas=[AREA])


@pytest.fixture
def stranger(evening: TestCloud) -> str:
    return evening.token("operator", "operator-far", areas=["astana"])


def publish(at: Any = EVENING, name: str = "checkpoint-1") -> None:
    actions.publish(name, programme=PROGRAMME, area=AREA, by=JOB, now=at)


# --- one's own place ----------------------------------------------------------------------------


def test_a_family_sees_its_place_its_category_and_who_is_ahead_and_why(
    evening: TestCloud,
) -> None:
    queue = [an_application("0001", tier="extraordinary")]
    queue += [an_application(f"1{n:03d}", tier="first-priority") for n in range(2)]
    queue += [an_application(f"2{n:03d}") for n in range(5)]
    queue += [an_application("0009", birth_year=2019)]
    settle_in([a_group("a", 1)], queue)
    token = a_family(evening, "2004")
    publish()

    said = evening.get(
        "/v1/queue/places/application-2004", token=token, headers={"accept-language": "en"}
    )

    assert said.status == 200, said.text
    assert said.json == {
        "application_id": "application-2004",
        "ticket": "ticket-2004",
        "state": "queued",
        "as_of": "2025-09-02T13:00:00.000000Z",
        "next_checkpoint_at": "2025-09-02T14:00:00.000000Z",
        "category": {"number": 15, "text": "General queue, children born in 2021"},
        "place": 5,
        "waiting": 5,
        "ahead": {
            "total": 7,
            "own_category": 4,
            "better_right": 1,
            "alternation": 2,
            "other_ages": 0,
        },
        "older_cohorts": 1,
        "money": None,
        "draw": None,
        "moved": None,
        "last_move": "Your place was counted for the first time: 5.",
        "preferred": [],
        "forecast": {
            "month": None,
            "early": None,
            "late": None,
            "unknown": "too-little-history",
            "months": 0,
            "text": "No forecast: too little history, full months of this queue seen: 0, "
            "at least 3 are needed.",
        },
    }


def test_before_the_first_checkpoint_a_family_is_told_when_it_will_know(
    evening: TestCloud,
) -> None:
    settle_in([], [an_application("0001")])
    token = a_family(evening, "0001")

    said = evening.get("/v1/queue/places/application-0001", token=token)

    assert (said.json["as_of"], said.json["place"]) == (None, None)
    assert said.json["next_checkpoint_at"] == "2025-09-02T14:00:00.000000Z"


def test_who_applied_after_the_checkpoint_waits_for_the_next(evening: TestCloud) -> None:
    settle_in([], [an_application("0001")])
    publish()
    settle_in([], [an_application("0002")])
    token = a_family(evening, "0002")

    said = evening.get("/v1/queue/places/application-0002", token=token)

    assert said.json["as_of"] is not None and said.json["place"] is None


def test_B1_anothers_place_is_as_if_it_did_not_exist(evening: TestCloud) -> None:
    settle_in([], [an_application("0001"), an_application("0002")])
    token = a_family(evening, "0001")
    publish()

    foreign = evening.get("/v1/queue/places/application-0002", token=token)
    nobody = evening.get("/v1/queue/places/application-none", token=token)

    assert (foreign.status, foreign.code) == (404, "kezek/unknown")
    assert foreign.json == nobody.json


def test_a_rank_is_read_and_never_counted_live(evening: TestCloud) -> None:
    a_small_city(40, 3)
    token = a_family(evening, "0020")
    publish()
    evening.get("/v1/queue/places/application-0020", token=token)  # also reads what was revoked
    with faults.watch() as seen:
        said = evening.get("/v1/queue/places/application-0020", token=token)

    assert said.json["place"] >= 1
    assert seen.operations["Query"] == 0 and len(seen.calls) <= 6


# --- the public order and figures ---------------------------------------------------------------


def test_C3_the_whole_order_is_read_page_by_page_though_a_new_one_is_published(
    evening: TestCloud,
) -> None:
    settle_in([], [an_application(f"{n:04d}") for n in range(23)])
    publish()
    seen: list[str] = []
    query: dict[str, str] = {**HERE, "limit": "5"}
    while True:
        said = evening.get("/v1/queue/order", query=query)
        assert said.status == 200, said.text
        seen += [line["ticket"] for line in said.json["lines"]]
        if said.json["cursor"] is None:
            break
        if len(seen) == 10:
            settle_in([], [an_application("0000x", ordered_at="2025-01-01T00:00:00.000000Z")])
            publish(LATER, "checkpoint-2")
        query["cursor"] = said.json["cursor"]

    assert seen == [f"ticket-{n:04d}" for n in range(23)]


def test_a_past_order_is_read_by_its_checkpoint_page_by_page(evening: TestCloud) -> None:
    settle_in([], [an_application(f"{n:04d}") for n in range(12)])
    publish()
    settle_in([], [an_application("0000x", ordered_at="2025-01-01T00:00:00.000000Z")])
    publish(LATER, "checkpoint-2")
    asked = {**HERE, "limit": "10", "checkpoint": "checkpoint-1"}

    newest = evening.get("/v1/queue/order", query=HERE).json
    first = evening.get("/v1/queue/order", query=asked).json
    rest = evening.get("/v1/queue/order", query={**asked, "cursor": first["cursor"]}).json
    strange = evening.get("/v1/queue/order", query={**HERE, "cursor": first["cursor"]})

    assert (newest["checkpoint_id"], len(newest["lines"])) == ("checkpoint-2", 13)
    assert {page["checkpoint_id"] for page in (first, rest)} == {"checkpoint-1"}
    assert [line["ticket"] for line in first["lines"] + rest["lines"]] == [
        f"ticket-{n:04d}" for n in range(12)
    ]
    assert (strange.status, strange.code) == (400, "kezek/bad-cursor")


@pytest.mark.parametrize(
    ("area", "checkpoint"), [(AREA, "never-published"), ("astana", "checkpoint-1")]
)
def test_a_checkpoint_that_an_area_does_not_have_is_unknown(
    evening: TestCloud, area: str, checkpoint: str
) -> None:
    settle_in([], [an_application(f"{n:04d}") for n in range(6)])
    publish()

    said = evening.get("/v1/queue/order", query={**HERE, "area": area, "checkpoint": checkpoint})

    assert (said.status, said.code) == (404, "kezek/unknown")


def test_a_small_category_is_not_shown_apart(evening: TestCloud) -> None:
    queue = [an_application(f"1{n:03d}", tier="first-priority") for n in range(2)]
    queue += [an_application(f"2{n:03d}") for n in range(6)]
    settle_in([], queue)
    publish()

    order = evening.get("/v1/queue/order", query=HERE).json
    figures = evening.get("/v1/queue/figures", query=HERE).json

    assert {tuple(line["categories"]) for line in order["lines"]} == {tuple(range(1, 19))}
    assert [line["place"] for line in order["lines"]] == [None] * 8
    (cell,) = figures["queue"]
    assert ([c["number"] for c in cell["categories"]], cell["waiting"]) == (
        list(range(1, 19)),
        8,
    )


def exact(cloud: TestCloud, token: str, name: str = "checkpoint-1", **query: str) -> Said:
    return cloud.get(f"/v1/queue/checkpoints/{name}/order", token=token, query=query)


def test_officers_read_the_exact_order_where_the_public_reads_no_places(
    evening: TestCloud, operator: str
) -> None:
    queue = [an_application(f"1{n:03d}", tier="first-priority") for n in range(2)]
    queue += [an_application(f"0{n:03d}") for n in range(6)]
    settle_in([], reversed(queue))
    publish()

    said = exact(evening, operator)

    assert said.status == 200, said.text
    assert {**said.json, "lines": len(said.json["lines"])} == {
        **HERE,
        "checkpoint_id": "checkpoint-1",
        "as_of": "2025-09-02T13:00:00.000000Z",
        "lines": 8,
        "cursor": None,
    }
    assert [(line["ticket"], line["category"], line["place"]) for line in said.json["lines"]] == [
        *[(f"ticket-1{n:03d}", 9, n + 1) for n in range(2)],
        *[(f"ticket-0{n:03d}", 15, n + 1) for n in range(6)],
    ]


def test_the_exact_order_is_read_page_by_page_though_a_new_one_is_published(
    evening: TestCloud, operator: str
) -> None:
    settle_in([], [an_application(f"{n:04d}") for n in range(12)])
    publish()

    first = exact(evening, operator, limit="7").json
    settle_in([], [an_application("0000x", ordered_at="2025-01-01T00:00:00.000000Z")])
    publish(LATER, "checkpoint-2")
    rest = exact(evening, operator, limit="100", cursor=first["cursor"]).json
    strange = exact(evening, operator, "checkpoint-2", cursor=first["cursor"])

    assert [line["ticket"] for line in first["lines"] + rest["lines"]] == [
        f"ticket-{n:04d}" for n in range(12)
    ]
    assert rest["cursor"] is None
    assert (strange.status, strange.code) == (400, "kezek/bad-cursor")
    assert exact(evening, operator, limit="101").status == 400


def test_of_few_officers_read_the_order_too(evening: TestCloud, operator: str) -> None:
    settle_in([], [an_application(f"{n:04d}") for n in range(3)])
    publish()

    assert [line["place"] for line in exact(evening, operator).json["lines"]] == [1, 2, 3]
    assert evening.get("/v1/queue/order", query=HERE).json["lines"] == []


@pytest.mark.parametrize("role", ["operator", "department", "auditor"])
def test_whoever_reads_the_exact_order_has_looked_at_each_child_of_its_lines(
    evening: TestCloud, role: str
) -> None:
    settle_in([], [an_application(f"{n:04d}") for n in range(6)])
    publish()

    said = exact(evening, evening.token(role, "officer-one", areas=[AREA]), limit="4")

    looks = [[kept.value for kept in looking.each_look(f"child-{n:04d}")] for n in range(6)]
    assert said.status == 200, said.text
    assert [len(of_child) for of_child in looks] == [1, 1, 1, 1, 0, 0]
    assert {(k.action, k.roles, k.fields) for of_child in looks for k in of_child} == {
        ("queue/see-order", (role,), ("application",))
    }


@pytest.mark.parametrize("role", ["representative", "head", "finance", "commission", "analyst"])
def test_B1_no_other_role_reads_the_exact_order(evening: TestCloud, role: str) -> None:
    settle_in([], [an_application(f"{n:04d}") for n in range(6)])
    publish()

    said = exact(evening, evening.token(role, "somebody", areas=[AREA]))

    assert (said.status, said.code) == (403, "kezek/not-your-role")


@pytest.mark.parametrize("role", ["operator", "department"])
def test_B1_the_exact_order_of_another_area_is_as_if_it_did_not_exist(
    evening: TestCloud, role: str
) -> None:
    settle_in([], [an_application(f"{n:04d}") for n in range(6)])
    publish()
    token = evening.token(role, "officer-far", areas=["astana"])

    foreign, nobodys = exact(evening, token), exact(evening, token, "never-published")

    assert (foreign.status, foreign.code) == (404, "kezek/unknown")
    assert foreign.json == nobodys.json
    assert exact(evening, "").status == 401
    assert not list(looking.each_look("child-0001"))


def test_fewer_than_five_in_all_are_not_shown(evening: TestCloud) -> None:
    settle_in([], [an_application(f"{n:04d}") for n in range(4)])
    publish()

    assert evening.get("/v1/queue/order", query=HERE).json["lines"] == []
    assert evening.get("/v1/queue/figures", query=HERE).json["queue"] == []


def test_figures_show_the_queue_before_and_after_each_run(evening: TestCloud) -> None:
    settle_in([a_group("a", 9)], [an_application(f"{n:04d}") for n in range(20)])
    finished(released())
    publish(LATER)

    as_json = evening.get("/v1/queue/figures", query=HERE).json
    as_csv = evening.get("/v1/queue/figures", query={**HERE, "format": "csv"})

    (run,) = as_json["runs"]
    assert (run["before"], run["issued"], run["after"]) == (20, 9, 11)
    assert as_csv.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(as_csv.content.decode("utf-8-sig"))))
    assert rows[0][0] == "what" and [row[0] for row in rows[1:]] == ["queue", "run"]
    assert rows[2][4:] == ["20", "9", "11"]


def test_before_the_first_checkpoint_the_order_is_empty_and_says_so(evening: TestCloud) -> None:
    said = evening.get("/v1/queue/order", query=HERE)

    assert (said.status, said.json["as_of"], said.json["lines"]) == (200, None, [])


@pytest.mark.parametrize("path", ["order", "figures", "runs"])
def test_an_area_without_rules_is_unknown(evening: TestCloud, path: str) -> None:
    said = evening.get(f"/v1/queue/{path}", query={"programme": "preschool", "area": "nowhere"})

    assert (said.status, said.code) == (404, "policy/no-pack")


@pytest.mark.parametrize("path", ["order", "runs"])
def test_a_changed_cursor_is_refused(evening: TestCloud, path: str) -> None:
    said = evening.get(f"/v1/queue/{path}", query={**HERE, "cursor": "AAAA"})

    assert (said.status, said.code) == (400, "kezek/bad-cursor")


def test_runs_are_listed_newest_first_and_page_by_page(evening: TestCloud) -> None:
    settle_in([a_group("a", 1)], [an_application("0001")])
    for n in range(3):
        run_id = f"run-number-{n}"
        at = EVENING + timedelta(days=n)
        actions.propose(run_id, programme=PROGRAMME, area=AREA, by=JOB, now=at)
        actions.stop(run_id, reason="other", by=JOB, now=at)

    first = evening.get("/v1/queue/runs", query={**HERE, "limit": "2"}).json
    rest = evening.get("/v1/queue/runs", query={**HERE, "cursor": first["cursor"]}).json

    assert [run["run_id"] for run in first["runs"]] == ["run-number-2", "run-number-1"]
    assert [run["run_id"] for run in rest["runs"]] == ["run-number-0"]
    assert rest["cursor"] is None


# --- runs ---------------------------------------------------------------------------------------


def propose(cloud: TestCloud, token: str, run_id: str = "run-on-demand", **said: str) -> Said:
    return cloud.put(f"/v1/queue/runs/{run_id}", {**HERE, **said}, token=token)


def test_an_operator_proposes_another_releases_and_everybody_gets_theirs(
    evening: TestCloud, operator: str, second: str
) -> None:
    a_small_city(20, 3)

    drafted = propose(evening, operator)
    refused = evening.put("/v1/queue/runs/run-on-demand/release", token=operator)
    let_go = evening.put("/v1/queue/runs/run-on-demand/release", token=second)
    evening.drain()
    seen = evening.get("/v1/queue/runs/run-on-demand", token=operator)

    assert (drafted.status, drafted.json["state"]) == (200, "draft")
    assert (refused.status, refused.code) == (403, "queue/needs-another")
    assert let_go.json["state"] == "released"
    assert seen.json["state"] == "committed"
    assert seen.json["issued"] == drafted.json["vouchers"] > 0
    assert drafted.json["applications"] == 20


def test_a_runs_outcomes_tell_a_reason_for_every_ticket(evening: TestCloud, operator: str) -> None:
    a_small_city(20, 3)
    finished(released())
    seen: list[dict[str, Any]] = []
    query: dict[str, str] = {"limit": "7"}
    while True:
        said = evening.get(
            "/v1/queue/runs/run-of-the-day/outcomes", token=operator, query=query
        ).json
        seen += said["outcomes"]
        if said["cursor"] is None:
            break
        query["cursor"] = said["cursor"]

    assert len({one["ticket"] for one in seen}) == len(seen) == 20
    assert all(one["reason"] for one in seen)
    assert {one["settled"] for one in seen if one["group_id"]} == {"issued"}
    assert "child-" not in str(seen) and "person-" not in str(seen)


def test_whoever_reads_a_runs_outcomes_has_looked_at_each_child_of_its_tickets(
    evening: TestCloud, operator: str
) -> None:
    a_small_city(20, 3)
    finished(released())
    path = "/v1/queue/runs/run-of-the-day/outcomes"
    said = evening.get(path, token=operator, query={"limit": "7"}).json["outcomes"]
    tickets = {one["ticket"] for one in said}
    tickets |= {p["last_ticket"] for one in said for p in one["passed"] if p["last_ticket"]}
    ids = applications.find_tickets(sorted(tickets)).values()
    found = applications.find_applications(sorted(ids)).values()

    looks = [
        kept.value
        for child_id in {kept.value.child_id for kept in found}
        for kept in looking.each_look(child_id)
    ]

    assert len(looks) == len(tickets) >= 7
    assert {(k.action, k.roles, k.fields) for k in looks} == {
        ("queue/see-outcomes", ("operator",), ("application",))
    }


def test_an_auditor_reads_every_run_and_changes_none(evening: TestCloud, operator: str) -> None:
    a_small_city(6, 2)
    propose(evening, operator)
    auditor = evening.token("auditor", "auditor-one")

    seen = evening.get("/v1/queue/runs/run-on-demand", token=auditor)
    stopped = evening.put("/v1/queue/runs/run-on-demand/stop", {"reason": "other"}, token=auditor)

    assert seen.status == 200
    assert (stopped.status, stopped.code) == (403, "kezek/not-your-role")


def test_a_run_is_stopped(evening: TestCloud, operator: str, second: str) -> None:
    a_small_city(6, 2)
    propose(evening, operator)

    stopped = evening.put(
        "/v1/queue/runs/run-on-demand/stop", {"reason": "wrong-input"}, token=operator
    )
    again = evening.put("/v1/queue/runs/run-on-demand/stop", {"reason": "other"}, token=operator)
    released_late = evening.put("/v1/queue/runs/run-on-demand/release", token=second)

    assert (stopped.json["state"], stopped.json["stop_reason"]) == ("stopped", "wrong-input")
    assert again.json == stopped.json
    assert (released_late.status, released_late.code) == (409, "queue/run-stopped")


def test_a_finished_run_is_not_stopped(evening: TestCloud, operator: str) -> None:
    a_small_city(6, 2)
    finished(released())

    said = evening.put("/v1/queue/runs/run-of-the-day/stop", {"reason": "other"}, token=operator)

    assert (said.status, said.code) == (409, "queue/run-committed")


def test_a_run_is_named_once_and_alone_in_its_area(evening: TestCloud, operator: str) -> None:
    a_small_city(6, 2)
    first = propose(evening, operator)

    assert propose(evening, operator).json == first.json
    other = propose(evening, operator, "run-on-demand-2")
    assert (other.status, other.code) == (409, "queue/run-under-way")
    everywhere = evening.token("operator", "operator-one", areas=["*"])
    changed = propose(evening, everywhere, area="astana")
    assert (changed.status, changed.code) == (409, "kezek/another-content")


def test_a_run_of_an_area_without_rules_is_unknown(evening: TestCloud) -> None:
    everywhere = evening.token("operator", "operator-one", areas=["*"])

    said = propose(evening, everywhere, area="nowhere")

    assert (said.status, said.code) == (404, "policy/no-pack")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/v1/queue/runs/run-on-demand", HERE),
        ("GET", "/v1/queue/runs/run-on-demand", None),
        ("GET", "/v1/queue/runs/run-on-demand/outcomes", None),
        ("PUT", "/v1/queue/runs/run-on-demand/release", None),
        ("PUT", "/v1/queue/runs/run-on-demand/stop", {"reason": "other"}),
        ("PUT", "/v1/queue/checkpoints/checkpoint-1", HERE),
    ],
)
def test_B1_an_officer_of_another_area_finds_nothing(
    evening: TestCloud, operator: str, stranger: str, method: str, path: str, body: object
) -> None:
    a_small_city(6, 2)
    propose(evening, operator)

    foreign = evening.request(method, path, body, token=stranger)
    family = evening.request(method, path, body, token=evening.token("representative"))
    nobody = evening.request(method, path, body)

    assert (foreign.status, foreign.code) == (404, "kezek/unknown")
    assert (family.status, family.code) == (403, "kezek/not-your-role")
    assert (nobody.status, nobody.code) == (401, "kezek/sign-in")


@pytest.mark.parametrize("path", ["runs/run-x-y-z", "runs/run-x-y-z/outcomes"])
def test_a_run_that_does_not_exist_is_unknown(evening: TestCloud, operator: str, path: str) -> None:
    said = evening.get(f"/v1/queue/{path}", token=operator)

    assert (said.status, said.code) == (404, "kezek/unknown")


# --- checkpoints --------------------------------------------------------------------------------


def test_an_operator_publishes_a_checkpoint_once(evening: TestCloud, operator: str) -> None:
    a_small_city(12, 2)

    first = evening.put("/v1/queue/checkpoints/checkpoint-1", HERE, token=operator)
    evening.set_clock(LATER)
    again = evening.put("/v1/queue/checkpoints/checkpoint-1", HERE, token=operator)
    everywhere = evening.token("operator", "operator-one", areas=["*"])
    other = evening.put(
        "/v1/queue/checkpoints/checkpoint-1", {**HERE, "area": "astana"}, token=everywhere
    )

    assert (first.status, first.json["waiting"]) == (200, 12)
    assert again.json == first.json
    assert (other.status, other.code) == (409, "kezek/another-content")


def test_a_checkpoint_that_comes_late_does_not_hide_a_newer_one(evening: TestCloud) -> None:
    a_small_city(12, 2)
    publish(LATER, "checkpoint-new")

    publish(EVENING, "checkpoint-old")

    head = store.find_head(PROGRAMME, AREA)
    assert head is not None and head.value.checkpoint_id == "checkpoint-new"
    assert isinstance(head.value, rules.Head)
