"""Ratings over HTTP: families with attended days rate, nobody sees who."""

from __future__ import annotations

import threading
from datetime import date, datetime
from typing import Any

import pytest

from chalicelib.attendance import store as attendance
from chalicelib.children import actions as children
from chalicelib.children.rules import ChildDetails
from chalicelib.edge import auth
from chalicelib.kernel.iin import check_digit
from chalicelib.kernel.periods import Month
from chalicelib.ratings import store
from chalicelib.storage.commit import commit
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.rules import Member, Roster
from infra.local import testing
from infra.local.testing import MORNING, Said
from tests.providers.town import GROUP, SITE, Town, ok
from tests.ratings.test_rules import CODES, scores

BASE = f"/v1/ratings/sites/{SITE}"
QUARTER = "2026-Q1"
FEBRUARY = [date(2026, 2, day) for day in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 16, 17)]
IN = 1 << 53


@pytest.fixture
def town(cloud: testing.TestCloud) -> Town:
    """Return a town with one listed site."""
    town = Town(cloud)
    town.listed()
    ok(town.group())
    return town


def _iin(n: int) -> str:
    numbers = (f"9912315{serial:04d}" for serial in range(n * 3, n * 3 + 3))
    eleven = next(number for number in numbers if check_digit(number) is not None)
    return f"{eleven}{check_digit(eleven)}"


def a_family(town: Town, n: int, *, days: int = 12) -> str:
    """Return the token of a registered representative whose child attended on so many days."""
    token = town.cloud.token("representative", f"parent-{n}")
    me = {"iin": _iin(n), "surname": "Әбенова", "given_name": "Айгерім", "language": "kk"}
    ok(town.cloud.put("/v1/children/me", me, token=token))
    details = ChildDetails(
        iin=_iin(n + 500),
        no_iin_reason=None,
        surname="Әбенов",
        given_name="Ерасыл",
        patronymic=None,
        birth_date=date(2022, 5, 4),
        sex="male",
        address=None,
    )
    actor = auth.caller(f"Bearer {token}", now=MORNING)
    child = children.child_for(
        details, area="taldykorgan", named=f"application-{n}", by=actor, now=MORNING
    )
    kept = vouchers.find_roster(SITE, GROUP)
    member = Member(f"enrolment-{n}", child.child_id, date(2026, 1, 12))
    commit([vouchers.keep_roster(kept, Roster(SITE, GROUP, (*kept.value.members, member)))])
    marks = [on.day << 57 | IN | 480 << 40 | number for number, on in enumerate(FEBRUARY[:days])]
    if marks:
        attendance.add_marks(
            SITE, Month(2026, 2), child.child_id, marks, enrolment_id=member.enrolment_id
        )
    return token


def rate(town: Town, token: str | None, quarter: str = QUARTER, **said: int) -> Said:
    """Rate the site."""
    return town.cloud.put(f"{BASE}/quarters/{quarter}", {"scores": scores(**said)}, token=token)


def answer(town: Town, who: str, text: str = "Рақмет!", quarter: str = QUARTER) -> Said:
    """Answer as the site's head."""
    body = {"quarter": quarter, "text": text}
    return town.cloud.put(f"{BASE}/answer", body, token=town.token(who))


def seen(town: Town) -> dict[str, Any]:
    """Return the quarter as the public sees it."""
    quarters = ok(town.cloud.get(BASE))["quarters"]
    return dict(next(q for q in quarters if q["quarter"] == QUARTER))


def no(said: Said, status: int, code: str) -> Any:
    assert (said.status, said.code) == (status, code), said.text
    return said.json


def test_a_representative_rates_once_a_quarter_and_the_same_again_is_the_same_a1_a2(
    town: Town,
) -> None:
    token = a_family(town, 1)

    first = ok(rate(town, token))
    before = town.cloud.tables.effects()

    assert first["scores"] == scores()
    assert ok(rate(town, token)) == first
    no(rate(town, token, care=1), 409, "kezek/another-content")
    assert town.cloud.tables.effects() == before


@pytest.mark.parametrize(("days", "allowed"), [(10, True), (9, False), (0, False)])
def test_only_who_attended_ten_days_rates(town: Town, days: int, allowed: bool) -> None:
    said = rate(town, a_family(town, 1, days=days))

    if allowed:
        ok(said)
    else:
        problem = no(said, 409, "ratings/not-enough-days")
        assert (problem["days"], problem["needed"]) == (days, 10)


def test_days_of_another_quarter_do_not_count(town: Town) -> None:
    token = a_family(town, 1)
    town.at(datetime.fromisoformat("2026-05-04T04:00:00+00:00"))
    token = town.cloud.token("representative", "parent-1")

    no(rate(town, token, "2026-Q2"), 409, "ratings/not-enough-days")
    ok(rate(town, token, "2026-Q1"))


def test_what_cannot_be_rated_is_refused(town: Town) -> None:
    token = a_family(town, 1)
    stranger = town.cloud.token("representative", "unregistered")

    no(rate(town, token, "2026-Q9"), 400, "ratings/bad-quarter")
    no(rate(town, token, "2025-Q3"), 409, "ratings/quarter-closed")
    no(rate(town, token, "2026-Q2"), 409, "ratings/quarter-closed")
    no(rate(town, token, care=6), 400, "ratings/bad-scores")
    no(rate(town, token, mood=6), 400, "ratings/bad-scores")
    no(rate(town, stranger), 409, "children/register-first")
    no(rate(town, None), 401, "kezek/sign-in")
    no(rate(town, town.token("head")), 403, "kezek/not-your-role")
    path = "/v1/ratings/sites/site-nobody"
    no(
        town.cloud.put(f"{path}/quarters/{QUARTER}", {"scores": scores()}, token=token),
        404,
        "kezek/unknown",
    )
    no(
        town.cloud.put(
            f"{BASE}/quarters/{QUARTER}", {"scores": scores(), "note": "x"}, token=token
        ),
        400,
        "kezek/bad-field",
    )
    no(town.cloud.get(path), 404, "kezek/unknown")


def test_ratings_are_shown_from_five_answers_up_and_never_with_an_author(town: Town) -> None:
    tokens = [a_family(town, n) for n in range(6)]
    for token in tokens[:4]:
        ok(rate(town, token, care=5))

    few = seen(town)
    ok(rate(town, tokens[4], care=1))
    shown = seen(town)
    ok(rate(town, tokens[5], care=1))

    assert (few["answers"], few["means"], few["overall_hundredths"]) == (0, [], None)
    assert shown["answers"] == 5
    means = {mean["criterion"]: mean["mean_hundredths"] for mean in shown["means"]}
    assert means == {**dict.fromkeys(CODES, 400), "care": 420}
    assert seen(town) == shown  # the sixth answer alone would be readable from the difference
    for who in ("head", "department", "auditor"):
        said = town.cloud.get(BASE, token=town.token(who))
        for token in tokens:
            subject = auth.caller(f"Bearer {token}", now=MORNING).subject
            person = children.person_of(auth.caller(f"Bearer {token}", now=MORNING))
            assert subject not in said.text
            assert person.person_id not in said.text


def test_the_provider_answers_once_and_publicly(town: Town) -> None:
    tokens = [a_family(town, n) for n in range(5)]
    for token in tokens[:4]:
        ok(rate(town, token))
    no(answer(town, "head"), 409, "ratings/not-shown")
    ok(rate(town, tokens[4]))

    first = ok(answer(town, "head"))

    assert ok(answer(town, "head")) == first
    assert seen(town)["site_answer"] == "Рақмет!"
    no(answer(town, "head", "Басқа жауап"), 409, "kezek/another-content")
    no(answer(town, "stranger"), 404, "kezek/unknown")
    no(answer(town, "department"), 403, "kezek/not-your-role")
    no(answer(town, "head", quarter="2026-X1"), 400, "ratings/bad-quarter")
    no(answer(town, "head", text="<b>"), 400, "kezek/bad-field")


def test_two_ratings_of_one_person_at_once_leave_one(town: Town) -> None:
    token = a_family(town, 1)
    barrier = threading.Barrier(2)
    ends: list[int] = []
    actor = auth.caller(f"Bearer {token}", now=MORNING)

    def run(score: int) -> None:
        from chalicelib.kernel.refusals import AnotherContent
        from chalicelib.ratings import actions

        barrier.wait()
        try:
            actions.rate(SITE, QUARTER, scores(care=score), by=actor, now=MORNING)
            ends.append(200)
        except AnotherContent:
            ends.append(409)

    threads = [threading.Thread(target=run, args=(score,)) for score in (1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(ends) == [200, 409]
    assert len(store.list_ratings(SITE, [QUARTER])[QUARTER]) == 1


def test_criteria_are_named_in_the_callers_language(town: Town) -> None:
    said = town.cloud.get(BASE, headers={"accept-language": "ru"})

    assert {"code": "food", "name": "Питание"} in ok(said)["criteria"]
    assert ok(said)["shown_from"] == 5
    assert [q["quarter"] for q in ok(said)["quarters"]] == [
        "2026-Q1",
        "2025-Q4",
        "2025-Q3",
        "2025-Q2",
    ]


def test_every_refusal_has_texts_in_three_languages_c5() -> None:
    from chalicelib.edge.texts import catalogue
    from tests.offered import OPERATIONS

    texts = catalogue()
    codes = {r.code for op in OPERATIONS if op.slice_name == "ratings" for r in op.refuses}

    for code in codes:
        assert set(texts.get(code, {})) == {"kk", "ru", "en"}, code
