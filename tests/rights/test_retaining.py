"""What is kept no longer: the day before its term it stays, the day after it goes, totals stay."""

from __future__ import annotations

import inspect
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.access import actions as access
from chalicelib.applications import store as applications
from chalicelib.children import rules as children_rules
from chalicelib.children import store as people
from chalicelib.journal import actions as journal
from chalicelib.kernel.actors import system
from chalicelib.rights.actions import retaining
from chalicelib.storage import keys, vault
from infra.local.testing import MORNING, TestCloud
from tests.rights.conftest import ME, Family

BY = system("rights")
# The last day on which an application that ended on 2 March 2026 is kept.
LAST = MORNING.replace(year=2029)


def a_week(family: Family, upto: Any) -> int:
    """Do the parts of the seven days up to an instant; return how much ended."""
    ended = 0
    for back in range(6, -1, -1):
        now = upto - timedelta(days=back)
        for part in retaining.parts_of(now.date()):
            following: retaining.Part | None = part
            while following is not None:
                found, following = retaining.retain(following, by=BY, now=upto)
                ended += found
    return ended


# --- the classes


def test_every_kind_of_row_has_one_class() -> None:
    named = [row for each in access.retention().values() for row in each.rows]
    templates = {
        name
        for name, function in inspect.getmembers(keys, inspect.isfunction)
        if function.__module__ == keys.__name__
        and function.__annotations__["return"] == "tuple[str, str]"
    }

    assert sorted(templates - set(named)) == [], "no class in access/retention.toml"
    assert sorted(set(named) - templates) == [], "no such template in storage/keys.py"
    assert len(named) == len(set(named))


def test_every_sealed_field_has_one_class() -> None:
    named = [field for each in access.retention().values() for field in each.fields]
    child = children_rules.child_fields(
        children_rules.ChildDetails(
            iin=None,
            no_iin_reason="",
            surname="",
            given_name="",
            patronymic=None,
            birth_date=date(2020, 1, 1),
            sex="male",
            address=None,
        )
    )
    person = children_rules.person_fields(
        children_rules.Registration(
            iin="", surname="", given_name="", patronymic=None, language="kk", contacts=()
        )
    )

    # The salt of a subject's commitments in the public record lies with its fields.
    for kind, fields in (("CHILD", child), ("PERSON", person)):
        of_kind = {name for name in named if name.startswith(f"{kind}.")}
        assert {f"{kind}.{name}" for name in (*fields, "_salt")} == of_kind
    assert len(named) == len(set(named))


def test_every_class_says_its_term_and_whence() -> None:
    for name, each in access.retention().items():
        assert each.text and each.since and each.then and each.source, name
        assert each.rows or each.fields or name == "unfinished", name
        assert (each.years or each.days) or each.ends in ("never", "work", "erasure"), name


@pytest.mark.parametrize(
    ("name", "since", "last"),
    [
        ("applications", date(2026, 3, 2), date(2029, 3, 2)),
        ("applications", date(2024, 2, 29), date(2027, 2, 28)),
        ("payment-evidence", date(2024, 2, 29), date(2029, 2, 28)),
        ("signed-records", date(2026, 10, 10), date(2027, 10, 10)),
        ("codes", date(2026, 1, 1), date(2026, 2, 10)),
        ("money", date(2026, 1, 1), date.max),
    ],
)
def test_terms_are_calendar_terms(name: str, since: date, last: date) -> None:
    assert access.kept_until(name, since) == last


def test_what_ends_by_itself_carries_an_end_no_sooner_than_its_class_says(family: Family) -> None:
    from chalicelib.kernel.periods import end_of

    family.verify()
    family.withdraw()
    family.cloud.drain()
    dump = family.cloud.tables.dump()
    today = MORNING.date()
    for table, name in (("looks", "looks"), ("outbox", "notices")):
        rows = [r for r in dump[f"kezek-test-{table}"] if not r["pk"]["S"].startswith("WORK#")]
        ends = end_of(access.kept_until(name, today)).timestamp()
        assert rows and all(int(row["expires_at"]["N"]) >= ends for row in rows)
        assert all(int(row["expires_at"]["N"]) < ends + 5 * 86400 for row in rows)


# --- the job


def test_seven_days_make_the_whole() -> None:
    parts = [p.segment for n in range(7) for p in retaining.parts_of(date(2026, 3, 2 + n))]

    assert sorted(parts) == list(range(retaining.SEGMENTS))


def test_an_ended_application_goes_after_its_term_and_the_child_with_it(family: Family) -> None:
    family.withdraw()
    before = family.cloud.get(
        "/v1/queue/figures", query={"programme": "preschool", "area": "taldykorgan"}
    ).json

    a_week(family, LAST)
    assert people.child_fields(family.child_id)
    assert applications.find_application("application-1") is not None

    assert a_week(family, LAST + timedelta(days=1)) >= 1
    a_week(family, LAST + timedelta(days=2))
    assert applications.find_application("application-1") is None
    assert people.child_fields(family.child_id) == {}
    assert list(journal.differences()) == []
    after = family.cloud.get(
        "/v1/queue/figures", query={"programme": "preschool", "area": "taldykorgan"}
    ).json
    assert before == after


def test_a_live_application_is_kept_however_old(family: Family) -> None:
    a_week(family, MORNING.replace(year=2035))

    assert applications.find_application("application-1") is not None
    assert people.child_fields(family.child_id)


def test_whoever_registered_and_never_came_back_is_forgotten_after_a_year(family: Family) -> None:
    said = family.cloud.get("/v1/children/me", token=family.stranger)
    assert said.status == 200
    a_week(family, MORNING.replace(year=2027))
    assert family.cloud.get("/v1/children/me", token=family.stranger).status == 200

    a_week(family, MORNING.replace(year=2027) + timedelta(days=1))

    assert family.cloud.get("/v1/children/me", token=family.stranger).status == 409
    assert family.cloud.get("/v1/children/me", token=family.parent).status == 200


def test_the_schedule_hands_out_its_parts_and_may_fire_twice(family: Family) -> None:
    family.withdraw()
    night = LAST + timedelta(days=8)
    # A week for the application, and one for the child, whose day may come before it.
    for n in range(14):
        at = night + timedelta(days=n)
        family.cloud.set_clock(at)
        family.cloud.fire("run_retention", at)
        family.cloud.fire("run_retention", at)

    assert applications.find_application("application-1") is None
    assert people.child_fields(family.child_id) == {}


def test_a_killed_part_goes_on_where_it_was(cloud: TestCloud, family: Family) -> None:
    from infra.local import faults

    family.withdraw()
    now = LAST + timedelta(days=1)
    for number in range(1, 12):
        with faults.crash(before=number):
            try:
                a_week(family, now)
            except faults.Crash:
                continue
            break
    a_week(family, now)
    a_week(family, now)

    assert applications.find_application("application-1") is None
    assert people.child_fields(family.child_id) == {}
    assert list(journal.differences()) == []


def test_whoever_comes_back_registers_as_anybody(family: Family) -> None:
    family.withdraw()
    for n in (1, 2):
        a_week(family, LAST + timedelta(days=n))
    family.cloud.drain()

    said = family.cloud.put("/v1/children/me", ME, token=family.parent)
    assert said.status == 200, said.text


def test_what_was_written_in_a_complaint_ends_three_years_after_it_was_closed(
    family: Family,
) -> None:
    place = "/v1/complaints/complaint-1"
    asked = {"about": {"kind": "application", "id": "application-1"}, "topic": "queue"}
    for token, path, body in (
        (family.parent, place, {**asked, "text": "Неге?", "contact": "+77019990011"}),
        (family.officer, f"{place}/answer", {"text": "Өйткені."}),
        (family.parent, f"{place}/closing", {"satisfied": True}),
    ):
        said = family.cloud.put(path, body, token=token)
        assert said.status == 200, said.text

    a_week(family, LAST)
    assert vault.open_fields("COMPLAINT#complaint-1")
    assert a_week(family, LAST + timedelta(days=1)) == 1
    assert a_week(family, LAST + timedelta(days=2)) == 0

    assert vault.open_fields("COMPLAINT#complaint-1") == {}
    assert list(journal.differences()) == []
    seen = family.cloud.get(place, token=family.parent)
    assert seen.status == 200 and "Неге" not in seen.text, seen.text


def test_every_table_and_every_kind_of_sealed_subject_has_a_class() -> None:
    """By the code alone: a subject that is sealed anywhere is one whose fields have classes."""
    source = Path(keys.__file__).parents[1]
    sealed = {
        kind
        for file in source.rglob("*.py")
        for kind in re.findall(r'f"([A-Z]+)#\{', file.read_text("utf-8"))
        if file.name != "keys.py" and "seal(" in file.read_text("utf-8")
    }
    fields = {field for each in access.retention().values() for field in each.fields}
    kinds = {field.partition(".")[0] for field in fields}

    assert {"CHILD", "PERSON", "ORG", "COMPLAINT", "PAYMENT"} <= sealed <= kinds, sealed ^ kinds
    # Why a glass was broken stands with the exception it explains, which is never forgotten.
    for field in fields - {"OPENING.reason"}:
        ends = [c for c in access.retention().values() if field in c.fields]
        assert len(ends) == 1 and ends[0].ends != "never", field
