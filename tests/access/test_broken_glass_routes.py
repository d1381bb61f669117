"""Breaking the glass: one more area in reach, to read, aloud, told, counted and reviewed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.journal import store as journal
from infra.local import faults
from infra.local.testing import MORNING, Said, TestCloud
from tests.access.people import officer, parent, register_child

OPENING = "/v1/access/break-glass/opening-1"
REASON = "Прокуратура запросила дела Ерасыла Әбенова до полудня"
ASKED: dict[str, Any] = {
    "area": "taldykorgan",
    "reason": REASON,
    "reason_code": "court-request",
    "minutes": 60,
}
LIST = "/v1/applications/to-verify"
HERE = {"area": "taldykorgan", "programme": "preschool"}


@pytest.fixture
def child_id(cloud: TestCloud) -> str:
    return register_child(cloud, parent(cloud))


def far(cloud: TestCloud, subject: str = "far-officer") -> str:
    return officer(cloud, subject, areas=["astana"])


def look(cloud: TestCloud, token: str, opening: str | None = "opening-1", **query: str) -> Said:
    headers = {"kezek-opening": opening} if opening else {}
    return cloud.get(LIST, token=token, headers=headers, query={**HERE, **query})


def figures(cloud: TestCloud) -> dict[str, Any]:
    said = cloud.get("/v1/access/figures", query={"month": "2026-03"})
    assert said.status == 200
    assert said.headers["cache-control"].startswith("public")
    return dict(next(a for a in said.json["areas"] if a["area"] == "taldykorgan"))


def test_an_officer_reaches_an_opened_area_for_a_while(cloud: TestCloud) -> None:
    token = far(cloud)
    assert look(cloud, token, None).code == "kezek/unknown"

    opened = cloud.put(OPENING, ASKED, token=token)

    assert (opened.status, opened.json["area"]) == (200, "taldykorgan")
    assert opened.json["until"] == "2026-03-02T05:00:00.000000Z"
    assert look(cloud, token).status == 200
    # Without the header nothing more is reached; with it the opened area alone.
    assert look(cloud, token, None).code == "kezek/unknown"
    assert look(cloud, token, area="astana").code == "kezek/unknown"
    cloud.set_clock(MORNING + timedelta(minutes=60))
    over = look(cloud, far(cloud))
    assert (over.status, over.code) == (403, "access/opening-over")


def test_under_a_broken_glass_nothing_is_changed(cloud: TestCloud, child_id: str) -> None:
    token = far(cloud)
    cloud.put(OPENING, ASKED, token=token)

    said = cloud.put(
        f"/v1/children/{child_id}/identity",
        {"given_name": "Нұрлан"},
        token=token,
        headers={"kezek-opening": "opening-1"},
    )

    assert (said.status, said.code) == (403, "access/reading-only")


def test_an_opening_serves_its_opener_alone(cloud: TestCloud) -> None:
    token = far(cloud)
    cloud.put(OPENING, ASKED, token=token)
    other = far(cloud, "other-officer")

    assert look(cloud, other).code == "access/opening-over"
    assert look(cloud, token, "opening-9").code == "access/opening-over"
    assert look(cloud, token, "x").code == "kernel/bad-id"
    assert cloud.put(OPENING, ASKED, token=other).code == "kezek/unknown"
    assert cloud.put(f"{OPENING}/end", token=other).code == "kezek/unknown"
    assert cloud.get(OPENING, token=other).code == "kezek/unknown"
    # Somebody of a role that opens nothing gains nothing either.
    finance = cloud.token("finance", "fin", areas=["astana"])
    assert look(cloud, finance).code == "kezek/not-your-role"


def test_the_same_opening_again_opens_nothing_more(cloud: TestCloud) -> None:
    token = far(cloud)
    first = cloud.put(OPENING, ASKED, token=token)
    cloud.set_clock(MORNING + timedelta(minutes=30))

    again = cloud.put(OPENING, ASKED, token=far(cloud))

    assert again.json == first.json
    other = cloud.put(OPENING, {**ASKED, "minutes": 59}, token=far(cloud))
    assert (other.status, other.code) == (409, "kezek/another-content")
    assert figures(cloud)["openings"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"minutes": 61},
        {"minutes": 0},
        {"reason": "так надо"},
        {"reason": "х" * 501},
        {"reason_code": "curiosity"},
        {"area": "Тараз"},
        {"unknown": 1},
    ],
)
def test_what_is_asked_has_limits(cloud: TestCloud, wrong: dict[str, Any]) -> None:
    said = cloud.put(OPENING, {**ASKED, **wrong}, token=far(cloud))

    assert (said.status, said.code) == (400, "kezek/bad-field")


def test_it_needs_a_strong_and_fresh_sign_in(cloud: TestCloud) -> None:
    weak = officer(cloud, "far-officer", areas=["astana"], acr="urn:kezek:weak")

    said = cloud.put(OPENING, ASKED, token=weak)

    assert said.status == 401, said.text


def test_it_is_ended_before_its_time(cloud: TestCloud) -> None:
    token = far(cloud)
    cloud.put(OPENING, ASKED, token=token)

    ended = cloud.put(f"{OPENING}/end", token=token)

    assert (ended.status, ended.json["ended_at"]) == (200, "2026-03-02T04:00:00.000000Z")
    assert look(cloud, token).code == "access/opening-over"
    cloud.set_clock(MORNING + timedelta(minutes=5))
    assert cloud.put(f"{OPENING}/end", token=far(cloud)).json == ended.json


def test_the_reason_is_sealed_and_shown_to_opener_and_reviewers(cloud: TestCloud) -> None:
    token = far(cloud)
    cloud.put(OPENING, ASKED, token=token)

    assert cloud.get(OPENING, token=token).json["reason"] == REASON
    assert cloud.get(OPENING, token=officer(cloud)).json["reason"] == REASON
    assert cloud.get(OPENING, token=cloud.token("auditor", "auditor")).json["reason"] == REASON
    rows = str(cloud.tables.dump())
    assert "Ерасыл" not in rows
    listed = cloud.get(
        "/v1/access/break-glass", token=officer(cloud), query={"area": "taldykorgan"}
    )
    assert [(o["opening_id"], o["reason"]) for o in listed.json["items"]] == [("opening-1", None)]
    elsewhere = cloud.get("/v1/access/break-glass", token=officer(cloud), query={"area": "astana"})
    assert elsewhere.code == "kezek/unknown"


def test_it_is_loud(
    cloud: TestCloud, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.edge import log

    said: list[tuple[str, dict[str, str]]] = []
    real = log.loud
    monkeypatch.setattr(
        log,
        "loud",
        lambda message, *, metric, **ids: (
            said.append((message, ids)),
            real(message, metric=metric, **ids),
        ),
    )

    cloud.put(OPENING, ASKED, token=far(cloud))

    assert [message for message, _ in said] == ["break-glass"]
    assert set(said[0][1]) == {"opening_id", "subject", "area", "reason_code"}
    printed = capfd.readouterr()
    assert "BreakGlass" in printed.out + printed.err
    assert "Әбенов" not in printed.out + printed.err
    events = [entry.event for entry in journal.history("opening/opening-1")]
    assert events == ["access/glass-broken"]


def test_the_family_is_told_once_of_each_opening(cloud: TestCloud) -> None:
    family = parent(cloud)
    child_id = register_child(cloud, family, statuses=["teacher"])
    token = far(cloud)
    cloud.put(OPENING, ASKED, token=token)

    for _ in range(2):
        shown = look(cloud, token)
        assert [one["child_id"] for one in shown.json["items"]] == [child_id]
        cloud.drain()

    notices = cloud.get("/v1/notices", token=family).json["notices"]
    assert [n["template"] for n in notices].count("notice:children/looked-at") == 1
    cloud.put("/v1/access/break-glass/opening-2", ASKED, token=token)
    look(cloud, token, "opening-2")
    cloud.drain()
    notices = cloud.get("/v1/notices", token=family).json["notices"]
    assert [n["template"] for n in notices].count("notice:children/looked-at") == 2


def test_looks_in_ones_own_area_tell_nobody(cloud: TestCloud) -> None:
    family = parent(cloud)
    register_child(cloud, family, statuses=["teacher"])

    assert look(cloud, officer(cloud), None).status == 200
    cloud.drain()

    notices = cloud.get("/v1/notices", token=family).json["notices"]
    assert "notice:children/looked-at" not in [n["template"] for n in notices]


def test_another_person_reviews_it(cloud: TestCloud) -> None:
    opener = officer(cloud, "officer-1", role="department", areas=["astana", "taldykorgan"])
    cloud.put(OPENING, ASKED, token=opener)
    review = f"{OPENING}/review"

    own = cloud.put(review, {"finding": "justified"}, token=opener)
    assert (own.status, own.code) == (403, "access/own-review")
    assert cloud.put(review, {"finding": "justified"}, token=far(cloud)).code == "kezek/unknown"
    reviewed = cloud.put(review, {"finding": "not-justified"}, token=officer(cloud, "officer-2"))

    assert (reviewed.status, reviewed.json["finding"]) == (200, "not-justified")
    assert look(cloud, opener).code == "access/opening-over"
    again = cloud.put(review, {"finding": "not-justified"}, token=officer(cloud, "officer-2"))
    assert again.json == reviewed.json
    auditor = cloud.token("auditor", "auditor")
    other = cloud.put(review, {"finding": "justified"}, token=auditor)
    assert (other.status, other.code) == (409, "access/reviewed-already")
    bad = cloud.put(review, {"finding": "fine"}, token=auditor)
    assert bad.code == "kezek/bad-field"
    none = cloud.put(
        "/v1/access/break-glass/opening-9/review", {"finding": "justified"}, token=auditor
    )
    assert none.code == "kezek/unknown"


def test_the_public_counts_openings_and_reviews(cloud: TestCloud) -> None:
    auditor = cloud.token("auditor", "auditor")
    for n, finding in enumerate(["justified", "not-justified", None], start=1):
        path = f"/v1/access/break-glass/opening-{n}"
        assert cloud.put(path, ASKED, token=far(cloud)).status == 200
        if finding:
            assert cloud.put(f"{path}/review", {"finding": finding}, token=auditor).status == 200

    cloud.advance(MORNING + timedelta(days=1, hours=1), only=["run_deadlines"])

    counted = figures(cloud)
    assert {k: v for k, v in counted.items() if isinstance(v, int)} == {
        "openings": 3,
        "reviewed": 2,
        "justified": 1,
        "not_justified": 1,
        "unreviewed": 1,
        "overdue": 1,
        "overrides": 0,
        "consents": 0,
    }
    # Late is better than never: a review still counts, and that it was late stays.
    late = "/v1/access/break-glass/opening-3/review"
    auditor = cloud.token("auditor", "auditor")
    assert cloud.put(late, {"finding": "justified"}, token=auditor).status == 200
    assert (figures(cloud)["unreviewed"], figures(cloud)["overdue"]) == (0, 1)


def test_on_friday_the_review_is_due_on_monday(cloud: TestCloud) -> None:
    cloud.set_clock(MORNING + timedelta(days=4))

    opened = cloud.put(OPENING, ASKED, token=far(cloud))

    assert opened.json["review_by"] == "2026-03-09T04:00:00.000000Z"


def test_a_crash_anywhere_leaves_one_opening(cloud: TestCloud) -> None:
    from tests.promises.rewind import Kept

    token = far(cloud)
    base = Kept(cloud.tables)
    with faults.watch() as seen:
        cloud.put(OPENING, ASKED, token=token)
    for number in range(1, len(seen.calls) + 1):
        base.put_back()
        try:
            with faults.crash(after=number):
                cloud.put(OPENING, ASKED, token=token)
        except faults.Crash:
            pass
        assert cloud.put(OPENING, ASKED, token=token).status == 200
        assert figures(cloud)["openings"] == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", OPENING),
        ("PUT", f"{OPENING}/end"),
        ("PUT", f"{OPENING}/review"),
        ("GET", OPENING),
        ("GET", "/v1/access/break-glass"),
    ],
)
def test_nobody_else_comes_in(cloud: TestCloud, method: str, path: str) -> None:
    assert cloud.request(method, path).code == "kezek/sign-in"
    family = cloud.token("representative", "x")
    assert cloud.request(method, path, token=family).code == "kezek/not-your-role"


def test_the_figures_are_of_a_month(cloud: TestCloud) -> None:
    assert cloud.get("/v1/access/figures").json == {"month": "2026-03", "areas": []}
    bad = cloud.get("/v1/access/figures", query={"month": "2026-13"})
    assert (bad.status, bad.code) == (400, "kernel/bad-month")


@pytest.mark.parametrize("area", ["nowhere", "taldykorgan2", "taldy", "*"])
def test_an_area_that_does_not_exist_is_not_opened(cloud: TestCloud, area: str) -> None:
    said = cloud.put(OPENING, {**ASKED, "area": area}, token=far(cloud))

    assert said.status == 400
    assert said.code in ("access/no-such-area", "kezek/bad-field")
    assert cloud.get(OPENING, token=far(cloud)).code == "kezek/unknown"
    counted = cloud.get("/v1/access/figures", query={"month": "2026-03"}).json["areas"]
    assert area not in {one["area"] for one in counted}


def test_every_area_with_rules_of_some_programme_can_be_opened(cloud: TestCloud) -> None:
    token = far(cloud)
    for n, area in enumerate(("astana", "karaganda", "taldykorgan")):
        said = cloud.put(
            f"/v1/access/break-glass/opening-{n}", {**ASKED, "area": area}, token=token
        )
        assert said.status == 200, said.text
