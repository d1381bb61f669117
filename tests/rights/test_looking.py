"""Every look of staff at a child's data is recorded before it is shown, and its family sees it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.access.store import looking as store
from chalicelib.kernel.periods import local_day
from infra.local import faults
from infra.local.testing import MORNING
from tests.rights.conftest import ONE, Family


def test_nobody_looked_before_somebody_did(family: Family) -> None:
    assert family.looks() == {"items": [], "next_cursor": None}


def test_a_look_says_who_when_why_and_what_in_the_readers_language(family: Family) -> None:
    assert family.verify().status == 200

    (look,) = family.looks()["items"]
    assert look["at"] == "2026-03-02T04:00:00Z"
    assert look["who"] == {
        "roles": ["department"],
        "text": "басқарма қызметкері",
        "organisations": [],
        "areas": ["taldykorgan"],
    }
    assert (look["purpose"], look["why"]) == ("verification", "Санат құжаттарын тексеру")
    assert look["fields"] == ["application", "statuses"]
    assert not look["exceptional"] and not look["for_you"]
    russian = family.cloud.get(
        f"{family.place}/looks", token=family.parent, headers={"accept-language": "ru"}
    ).json
    assert russian["items"][0]["why"] == "Проверка документов о категории"


def test_no_officer_is_named(family: Family) -> None:
    family.verify()
    subject = next(iter(store.each_look(family.child_id))).value.subject

    assert subject not in family.cloud.get(f"{family.place}/looks", token=family.parent).text


def test_the_same_look_within_a_minute_is_one_row(family: Family) -> None:
    for _ in range(3):
        family.verify()
    family.cloud.set_clock(MORNING + timedelta(minutes=1))
    family.verify()

    assert len(family.looks()["items"]) == 2


def test_a_change_by_an_officer_is_a_look_too(family: Family) -> None:
    path = f"{ONE}/statuses/teacher"
    said = family.cloud.put(path, {"result": "proved"}, token=family.officer)

    assert said.status == 200, said.text
    assert [look["purpose"] for look in family.looks()["items"]] == ["verification"]


def test_the_family_itself_is_not_recorded(family: Family) -> None:
    family.cloud.get(ONE, token=family.parent)
    family.cloud.get(f"/v1/children/{family.child_id}", token=family.parent)

    assert family.looks()["items"] == []


def test_a_purpose_may_be_named_and_must_be_one_there_is(family: Family) -> None:
    assert family.verify(headers={"kezek-purpose": "court"}).status == 200
    said = family.verify(headers={"kezek-purpose": "curiosity"})

    assert (said.status, said.code) == (400, "access/unknown-purpose")
    assert "court" in said.json["purposes"]
    assert [look["purpose"] for look in family.looks()["items"]] == ["court"]


def test_what_cannot_be_recorded_is_not_shown(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.storage.commit import StoreSilent

    def silent(*_: object) -> None:
        raise StoreSilent()

    monkeypatch.setattr(store, "_write", silent)
    said = family.verify()

    assert (said.status, said.code) == (503, "kezek/store-silent")
    assert family.child_id not in said.text


def test_a_crash_before_the_record_shows_nothing_and_the_retry_is_one_look(family: Family) -> None:
    with faults.watch() as seen:
        family.verify()
    assert seen.calls[-1].operation == "BatchWriteItem"
    family.cloud.set_clock(MORNING + timedelta(minutes=5))
    with pytest.raises(faults.Crash), faults.crash(before=len(seen.calls)):
        family.verify()
    assert len(family.looks()["items"]) == 1
    with pytest.raises(faults.Crash), faults.crash(after=len(seen.calls)):
        family.verify()
    family.verify()
    assert len(family.looks()["items"]) == 2


def test_a_view_that_says_nothing_of_whom_it_shows_is_a_bug(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.edge import looks

    monkeypatch.setattr(looks, "names_children", lambda answers: False)
    said = family.verify()

    assert (said.status, said.code) == (500, "kezek/our-fault")
    assert family.child_id not in said.text


def test_looks_come_newest_first_by_pages_and_none_twice(family: Family) -> None:
    for minute in range(7):
        family.cloud.set_clock(MORNING + timedelta(minutes=minute))
        family.verify()
    seen, cursor = [], None
    while True:
        page = family.looks(limit="3", **({"cursor": cursor} if cursor else {}))
        seen += [look["at"] for look in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == sorted(seen, reverse=True)
    assert len(seen) == len(set(seen)) == 7
    other = family.cloud.get(f"/v1/rights/children/{family.child_id}x/looks", token=family.parent)
    assert other.status == 404
    bad = family.cloud.get(f"{family.place}/looks", token=family.parent, query={"cursor": "AAAA"})
    assert (bad.status, bad.code) == (400, "kezek/bad-cursor")


def test_another_family_sees_nothing_alike(family: Family) -> None:
    family.verify()
    foreign = family.cloud.get(f"{family.place}/looks", token=family.stranger)
    nobody = family.cloud.get("/v1/rights/children/nobody-99/looks", token=family.stranger)

    assert (foreign.status, foreign.text) == (nobody.status, nobody.text)
    assert foreign.status == 404
    for role in ("department", "head", "auditor"):
        said = family.cloud.get(f"{family.place}/looks", token=family.cloud.token(role, "x"))
        assert (said.status, said.code) == (403, "kezek/not-your-role")


def test_what_a_caller_saw_stands_by_day_and_by_sign_in(family: Family) -> None:
    family.verify()
    look = next(iter(store.each_look(family.child_id))).value
    today = local_day(MORNING)

    (seen,) = store.each_of(look.subject, today, today)
    assert seen.children == (family.child_id,)
    assert [day.subject for day in store.days_of_session(look.session)] == [look.subject]


def test_a_look_ends_with_its_term_even_where_the_store_has_not_removed_it(family: Family) -> None:
    family.verify()
    family.cloud.set_clock(MORNING + timedelta(days=3 * 365 + 1))
    assert len(family.looks()["items"]) == 1
    family.cloud.set_clock(MORNING + timedelta(days=3 * 365 + 3))
    assert family.looks()["items"] == []
