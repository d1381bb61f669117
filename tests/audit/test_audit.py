"""`kezek audit` outside Kezek: equal to the tiyn, and each planted difference is named (P12)."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path

import pytest

from chalicelib.attendance import actions as attendance
from chalicelib.attendance.rules.marks import IN
from chalicelib.billing import actions as billing
from chalicelib.budgets import actions as budgets
from chalicelib.kernel.money import tenge
from infra.audit import exports
from infra.audit.exports import NotWhole
from infra.command import main
from tests.attendance.builders import HEAD, MARCH, SITE, at, child, open_site
from tests.billing import months
from tests.billing import test_gather_lessons as clubs
from tests.billing.test_gather import DAYS, FINANCE, JOB, NOW, approve, attend, bill, close

from .exported import (
    SEPTEMBER,
    a_month,
    audited,
    body_of,
    change,
    items,
    once,
    with_body,
)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    a_month(folder)
    return folder


@pytest.fixture
def export(drawn: Path, tmp_path: Path) -> Path:
    """The drawn month, to be changed."""
    import shutil

    return Path(shutil.copytree(drawn, tmp_path / "export"))


def _is(kind: str, *, sk: str | None = None):
    return lambda item: item["pk"]["S"].startswith(kind) and (sk is None or item["sk"]["S"] == sk)


def test_p12_a_drawn_month_is_equal_to_the_tiyn(drawn):
    found = audited(drawn)

    assert found.good
    assert found.due_tiyn == found.stated_tiyn == found.booked_tiyn > 0
    # What the rows of the export say, counted without the audit.
    rows = items(drawn, "attendance")
    marks = [row for row in rows if "marks" in row or "late" in row]
    said = [body_of(row) for row in rows if row["sk"]["S"].endswith("#SAID")]
    assert found.marks == sum(
        len(row.get(name, {}).get("NS", ())) for row in marks for name in ("marks", "late")
    )
    heads = [body_of(row) for row in items(drawn, "money") if row["sk"]["S"] == "HEAD"]
    assert found.due_tiyn == sum(head["posted_tiyn"] for head in heads)
    assert found.children == sum(head["children"] for head in heads)
    # Every sort of case the law has is in it, and some children went each way.
    assert found.plain > found.by_law > 0
    assert any(sheet["disputes"] for sheet in said)
    assert any(sheet["decisions"] for sheet in said)
    assert any(sheet["codes"] is None for sheet in said)
    assert any("late" in row for row in marks)
    assert any(head["shared"] for head in heads)
    assert any(head["statements"] == 2 for head in heads)


def test_the_same_number_draws_the_same_month(drawn, tmp_path):
    a_month(tmp_path / "again")

    for table in ("facts", "attendance", "money"):
        assert items(tmp_path / "again", table) == items(drawn, table)


def test_plain_children_are_worth_the_same_by_the_law(drawn, monkeypatch):
    plainly = audited(drawn)
    monkeypatch.setattr("infra.audit.law.plain_rules", lambda *_: None)

    by_law = audited(drawn)

    assert by_law.plain == 0
    assert by_law.good
    assert by_law.due_tiyn == plainly.due_tiyn


# --- each planted difference is named -------------------------------------------------------------


def test_a_line_that_was_raised_by_one_tenge_is_named(export):
    def raised(item):
        lines = json.loads(zlib.decompress(base64.b64decode(body_of(item)["lines"])))
        lines[3]["line"]["accrual_tiyn"] += 100
        packed = base64.b64encode(zlib.compress(json.dumps(lines).encode())).decode()
        return with_body(item, lines=packed)

    change(export, "money", once(_is("STATEMENT#", sk="0001"), raised))

    found = audited(export)

    assert not found.good
    assert found.differing == 1
    assert found.differences[0]["stated_tiyn"] - found.differences[0]["due_tiyn"] == 100
    assert [off["what"] for off in found.off_balance] == ["lines"]


def test_a_posting_that_moved_something_else_is_named(export):
    def moved(item):
        movements = body_of(item)["movements"]
        movements[0]["amount_tiyn"] -= 100
        movements[1]["amount_tiyn"] += 100
        return with_body(item, movements=movements)

    change(export, "money", once(_is("POSTING#statement#"), moved))

    found = audited(export)

    assert found.differing == 0
    assert [off["what"] for off in found.off_balance] == ["posting"]
    assert found.booked_tiyn - found.stated_tiyn == 100


def test_a_posting_that_does_not_balance_is_named(export):
    def moved(item):
        movements = body_of(item)["movements"]
        movements[0]["amount_tiyn"] -= 1
        return with_body(item, movements=movements)

    change(export, "money", once(_is("POSTING#statement#"), moved))

    assert [off["what"] for off in audited(export).off_balance] == ["balance"]


def test_a_statement_that_vanished_is_named(export):
    change(export, "money", once(_is("STATEMENT#", sk="0001"), lambda item: None))

    found = audited(export)

    assert found.differing > 0
    assert all(one["stated_tiyn"] == 0 for one in found.differences)
    assert [off["what"] for off in found.off_balance] == ["posting"]


def test_a_paid_day_whose_mark_vanished_is_named(export):
    def unmarked(item):
        number = next(n for n in item["marks"]["NS"] if int(n) >> 53 & 15 == IN)
        day = int(number) >> 57 & 31
        left = [n for n in item["marks"]["NS"] if int(n) >> 57 & 31 != day]
        return {**item, "marks": {"NS": left}}

    plain = {
        row["sk"]["S"].removesuffix("#SAID")
        for row in items(export, "attendance")
        if row["sk"]["S"].endswith("#SAID")
        and body_of(row)["codes"]
        and not body_of(row)["disputes"]
        and not body_of(row)["decisions"]
    }
    assert change(
        export,
        "attendance",
        once(lambda i: "marks" in i and "late" not in i and i["sk"]["S"] in plain, unmarked),
    )

    found = audited(export)

    assert (found.differing, found.unsigned_days) == (0, 1)
    assert not found.good


def test_an_approved_day_that_was_changed_afterwards_is_named(export):
    def changed(item):
        return with_body(item, codes=body_of(item)["codes"].replace("N", "P", 1))

    def wanted(item):
        if not item["sk"]["S"].endswith("#SAID"):
            return False
        said = body_of(item)
        return bool(said["codes"] and "N" in said["codes"] and not said["disputes"])

    assert change(export, "attendance", once(wanted, changed)) == 1

    found = audited(export)

    assert found.differing + found.unsigned_days > 0


def test_a_site_that_was_never_billed_is_named(export):
    gone = "site-01000002#2026-09"
    change(
        export,
        "money",
        lambda item: None if gone in item["pk"]["S"] else item,
    )

    found = audited(export)

    assert {one["site_id"] for one in found.differences} == {"site-01000002"}


# --- exports that are not whole -------------------------------------------------------------------


def test_a_file_that_was_cut_is_refused(export):
    (file,) = (export / "money").rglob("*.json.gz")
    file.write_bytes(file.read_bytes()[:-40])

    with pytest.raises(NotWhole, match="not the file that was exported"):
        audited(export)


def test_a_file_that_is_missing_is_refused(export):
    next((export / "attendance").rglob("*.json.gz")).unlink()

    with pytest.raises(NotWhole, match="missing"):
        audited(export)


@pytest.mark.parametrize("table", ["facts", "attendance", "money"])
def test_a_table_that_is_missing_is_refused(export, table):
    (manifest,) = (export / table).rglob("manifest-files.json")
    manifest.unlink()

    with pytest.raises(NotWhole, match=table):
        audited(export)


# --- what Kezek itself wrote ----------------------------------------------------------------------


@pytest.fixture
def _budget(tables):
    budgets.allot(
        programme="preschool",
        area="taldykorgan",
        year=2026,
        amount_tiyn=tenge(100_000_000),
        act="act-1",
        by=FINANCE,
        now=NOW,
    )


def test_what_kezek_billed_is_equal_when_its_own_tables_are_exported(_budget, tmp_path):
    open_site(children_count=4)
    attend(1)
    attend(2, DAYS[:-1], absent={DAYS[0]: "S", DAYS[1]: "N"})
    attend(3)
    attend(4, DAYS[:9])
    close()
    for n in (1, 2, 4):
        approve(n)
    billed = bill().statement
    told = exports.dump(tmp_path / "export")

    found = audited(tmp_path / "export", MARCH, NOW.date())

    assert told["attendance"] and told["money"] and told["facts"]
    assert found.good, found
    assert found.due_tiyn == found.booked_tiyn == billed.movement_tiyn
    assert (found.plain, found.by_law) == (3, 1)


def test_what_came_after_the_statement_is_a_difference_until_it_is_billed(_budget, tmp_path):
    open_site(children_count=2)
    for n in (1, 2):
        attend(n)
    close()
    approve(1)
    bill()
    approve(2)
    exports.dump(tmp_path / "before")
    billing.bill(SITE, MARCH, by=JOB, now=at("2026-04-14 09:00"))
    exports.dump(tmp_path / "after")

    before = audited(tmp_path / "before", MARCH, NOW.date())
    after = audited(tmp_path / "after", MARCH, NOW.date())

    assert before.differences == [
        {"site_id": SITE, "child_id": child(2), "due_tiyn": tenge(65_000), "stated_tiyn": 0}
    ]
    assert after.good


def test_what_only_a_tablet_in_foreign_hands_proves_is_held_here_too(_budget, tmp_path):
    garden = months.Kindergarten(children=2)
    garden.attend(1, 2)
    garden.close()
    garden.approve(1)
    garden.approve(2)
    garden.bill()
    attendance.revoke(
        garden.tablet.device_id,
        site_id=SITE,
        by=HEAD,
        now=at("2026-04-14 09:00"),
        foreign_on=DAYS[9],
    )
    exports.dump(tmp_path / "before")
    garden.bill(at("2026-04-14 12:00"))
    exports.dump(tmp_path / "after")

    before = audited(tmp_path / "before", MARCH, at("2026-04-14 12:00").date())
    after = audited(tmp_path / "after", MARCH, at("2026-04-14 12:00").date())

    assert [one["due_tiyn"] for one in before.differences] == [tenge(32_500)] * 2
    assert (before.plain, before.by_law) == (0, 2)
    assert after.good
    assert after.due_tiyn == after.booked_tiyn == 2 * tenge(32_500)


def test_an_officers_decision_and_a_signal_held_are_judged_by_the_law(_budget, tmp_path):
    garden = months.Kindergarten(children=2)
    garden.attend(1, 2)
    garden.close()
    garden.approve(1)
    garden.decide(2, DAYS[0], counts=True, reason="provider-statement")
    garden.bill()
    exports.dump(tmp_path / "export")

    found = audited(tmp_path / "export", MARCH, months.CHECK.date())

    assert found.good
    assert (found.plain, found.by_law) == (1, 1)
    assert found.due_tiyn > tenge(65_000)


def test_lessons_of_a_club_are_judged_by_the_law(tables, tmp_path):
    budgets.allot(
        **clubs.KARAGANDA,
        year=2026,
        direction="sport",
        amount_tiyn=tenge(10_000_000),
        act="act-1",
        by=clubs.FINANCE,
        now=NOW,
    )
    clubs.open_club(1, 2)
    lessons = clubs.given()
    clubs.visit(1, lessons)
    clubs.visit(2, lessons[:5])
    clubs.confirm(1, lessons[:7])
    clubs.confirm(2, lessons[:5])
    billed = billing.bill(clubs.CLUB, MARCH, by=JOB, now=NOW).statement
    exports.dump(tmp_path / "export")

    found = audited(tmp_path / "export", MARCH, NOW.date())

    assert found.good
    assert (found.plain, found.by_law) == (0, 2)
    assert found.due_tiyn == billed.movement_tiyn > 0


# --- the command ----------------------------------------------------------------------------------


def _run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main.run(["audit", *arguments])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_c6_the_command_says_equal_and_ends_with_zero(drawn, capsys):
    code, out, err = _run(capsys, str(drawn), "--month", str(SEPTEMBER))

    assert code == 0
    assert out.rstrip().endswith("equal to the tiyn")
    assert "reading attendance" in err


def test_c6_the_command_answers_programs_with_json_alone(drawn, capsys):
    code, out, err = _run(capsys, str(drawn), "--month", str(SEPTEMBER), "--json")

    assert (code, err) == (0, "")
    assert json.loads(out)["good"] is True


def test_c6_the_command_names_a_difference_and_ends_with_one(export, capsys):
    change(export, "money", once(_is("STATEMENT#", sk="0001"), lambda item: None))

    code, out, _ = _run(capsys, str(export), "--month", str(SEPTEMBER))

    assert code == 1
    assert "child-months differ:" in out
    assert out.rstrip().endswith("NOT equal")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--month", "2026-13"], "months are YYYY-MM"),
        (["--month", "2026-09", "--as-of", "yesterday"], "months are YYYY-MM"),
        (["--month", "2026-09"], "manifests of a table"),
    ],
)
def test_c6_what_cannot_be_read_ends_with_two(tmp_path, capsys, arguments, said):
    code, _, err = _run(capsys, str(tmp_path), *arguments)

    assert code == 2
    assert said in err
