"""Rates that apply backwards, and versions of a pack that judged before."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from chalicelib.kernel.money import tenge
from chalicelib.policy import actions, store
from chalicelib.policy.actions import load_pack, load_version
from chalicelib.policy.rules.files import read_pack
from chalicelib.policy.rules.reading import BrokenPack
from infra.command.main import cli

FILE = "preschool-taldykorgan.toml"
TEXT = store.find_text(FILE)
KNOWN = date(2026, 7, 20)


def a_row(
    first: str = "2026-01-01",
    last: str | None = None,
    known: str | None = "2026-07-20",
    rate: int = 7_000_000,
    kind: str = "general",
) -> str:
    lines = [
        "",
        "[[rates]]",
        f'kind = "{kind}"',
        'hours = "10.5"',
        'locality = "urban"',
        f"rate_tiyn = {rate}",
        f"valid_from = {first}",
        'source = "order-372"',
        'kk = "Жаңа мөлшерлеме"',
        'ru = "Новая ставка"',
        'en = "A new rate"',
    ]
    if last:
        lines.append(f"valid_to = {last}")
    if known:
        lines.append(f"known_from = {known}")
    return "\n".join(lines) + "\n"


def read(*rows: str):
    return read_pack(TEXT + "".join(rows), FILE, find_text=store.find_text)


def rate(pack, on: date) -> int:
    return int(pack.at(on).rate_for("general", "10.5", "urban", False).rate_tiyn)


OLD = tenge(65_000)


def test_a_late_row_takes_the_place_of_the_old_one_on_its_days_alone():
    pack = read(a_row(last="2026-03-31"))

    assert [
        rate(pack, on)
        for on in (
            date(2025, 12, 31),
            date(2026, 1, 1),
            date(2026, 3, 31),
            date(2026, 4, 1),
        )
    ] == [
        rate(load_pack("preschool", "taldykorgan"), date(2025, 12, 31)),
        7_000_000,
        7_000_000,
        OLD,
    ]


def test_before_it_was_known_the_old_row_judges_and_from_that_day_on_the_new_one():
    pack = read(a_row())

    assert rate(pack.known_on(KNOWN - timedelta(days=1)), date(2026, 3, 2)) == OLD
    assert rate(pack.known_on(KNOWN), date(2026, 3, 2)) == 7_000_000
    assert pack.known_on(KNOWN) is pack
    earlier = pack.known_on(date(2026, 2, 1))
    assert earlier is pack.known_on(date(2026, 3, 1))
    assert earlier.version == pack.version


def test_a_pack_without_late_rows_is_one_object_whenever_it_is_asked():
    pack = load_pack("preschool", "taldykorgan")

    assert pack.known_on(date(2025, 1, 1)) is pack
    assert pack.entered == {}


def test_of_two_late_rows_the_one_known_later_counts_once_it_is_known():
    pack = read(a_row(), a_row(first="2026-02-01", known="2026-09-01", rate=7_200_000))

    day = date(2026, 3, 2)
    assert rate(pack.known_on(KNOWN), day) == 7_000_000
    assert rate(pack.known_on(date(2026, 9, 1)), day) == 7_200_000
    assert rate(pack, date(2026, 1, 5)) == 7_000_000


def test_another_sort_of_group_is_left_alone():
    pack = read(a_row())
    rows = load_pack("preschool", "taldykorgan").at(date(2026, 3, 2)).rates

    others = [
        r
        for r in pack.at(date(2026, 3, 2)).rates
        if (r.kind, r.hours, r.locality) != ("general", "10.5", "urban")
    ]

    assert others == [
        r for r in rows if (r.kind, r.hours, r.locality) != ("general", "10.5", "urban")
    ]


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        (a_row(first="2024-12-01"), "rates from 2024-12-01, before the programme begins"),
        (a_row(known="2026-01-01"), "known_from = 2026-01-01 is not after 2026-01-01"),
        (a_row(known="2025-06-01"), "known_from = 2025-06-01 is not after 2026-01-01"),
        (a_row(known=None), "overlaps the row at line"),
        (a_row(kind="castle"), "no row of the same sort"),
        (a_row() + a_row(first="2026-02-01"), "two rows of the same sort become known"),
        (a_row(rate=-1), "rate_tiyn"),
        (a_row().replace("7000000", "65000.5"), "rate_tiyn"),
        (a_row(known='"soon"'), "known_from"),
    ],
)
def test_a_row_that_cannot_be_is_refused_with_its_reason(row, wrong):
    with pytest.raises(BrokenPack) as caught:
        read(row)

    assert any(wrong in problem.wrong for problem in caught.value.problems), caught.value


def test_what_families_pay_is_a_row_as_it_is_documented():
    guide = Path(__file__).parents[2].joinpath("docs/policy.md").read_text("utf-8")
    row = guide.partition("```toml\n[[parents_share]]\n")[2].partition("```")[0]
    row = row.replace("resolution-2026-08-20", "order-372")

    pack = read(f"\n[[parents_share]]\n{row}")

    sort = ("general", "10.5", "urban")
    assert pack.at(date(2026, 8, 31)).parents_share_for(*sort) is None
    fee = pack.at(date(2026, 9, 1)).parents_share_for(*sort)
    assert fee is not None
    assert (fee.amount_tiyn, fee.per, fee.counts) == (tenge(22_158), "month", "attended")
    assert pack.at(date(2026, 9, 1)).parents_share_for("general", "10.5", "rural") is None


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        (a_row(first="2024-12-01"), "before the programme begins; let it begin on 2025-01-01"),
        (a_row(rate=-1), "rate_tiyn = -1"),
        (a_row().replace("7000000", "65000.5"), "rate_tiyn = 65000.5"),
    ],
)
def test_the_command_refuses_an_act_that_cannot_be_and_names_its_line(row, wrong, tmp_path, capsys):
    path = tmp_path / FILE
    path.write_text(TEXT + row, "utf-8")

    assert cli(["policy", "check", str(path)], standalone_mode=False) == 1

    said = [line for line in capsys.readouterr().out.splitlines() if wrong in line]
    named = [int(line.removeprefix(f"{path}:").partition(":")[0]) for line in said]
    assert named
    assert min(named) > TEXT.count("\n")


# --- earlier versions -----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KEZEK_PACKS", str(tmp_path))
    actions._was.cache_clear()
    yield tmp_path
    actions._was.cache_clear()


def keep(folder, text: str, name: str | None = None):
    pack = read_pack(text, FILE, find_text=store.find_text)
    was = folder / "was" / (name or pack.version.replace("/", "-"))
    was.mkdir(parents=True)
    (was / FILE).write_text(text, "utf-8")
    return pack


def test_the_version_in_force_is_a_version_too():
    pack = load_pack("preschool", "taldykorgan")

    assert load_version(pack.version) is pack


def test_a_version_that_judged_before_is_read_from_where_it_was_kept(folder):
    was = keep(folder, TEXT + a_row())

    found = load_version(was.version)

    assert found.version == was.version != load_pack("preschool", "taldykorgan").version
    assert rate(found, date(2026, 3, 2)) == 7_000_000


def test_what_lies_under_a_wrong_name_or_nowhere_is_no_version(folder):
    name = "preschool-taldykorgan@0123456789ab"
    keep(folder, TEXT + a_row(), name)

    assert load_version("preschool/taldykorgan@0123456789ab") is None
    assert load_version("preschool/taldykorgan@ba9876543210") is None


@pytest.mark.parametrize(
    "version",
    [
        "",
        "preschool",
        "no/where@0123456789ab",
        "../../etc@0123456789ab",
        "preschool/taldykorgan@../../../x",
        "preschool/taldykorgan",
    ],
)
def test_what_is_no_version_is_none(version):
    assert load_version(version) is None
