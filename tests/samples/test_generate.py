"""The committed sample is what its generator makes, and adds up by itself."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from chalicelib.kernel.iin import checked_bin, checked_iin
from chalicelib.providers.rules import checked_account, checked_bank
from samples import city, families
from samples.attendance import WORKING_DAYS, mark
from samples.draws import Draws
from samples.generate import taldykorgan
from samples.numbers import Numbers

FOLDER = Path(__file__).parents[2] / "samples" / "taldykorgan"


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    return taldykorgan(2026)


def test_the_committed_files_are_what_the_generator_makes_to_the_byte(made: dict[str, bytes]):
    assert {p.name for p in FOLDER.iterdir()} == made.keys()
    for name, content in made.items():
        assert (FOLDER / name).read_bytes() == content, name


def test_another_seed_makes_another_city_with_the_same_figures(made: dict[str, bytes]):
    other = taldykorgan(7)

    assert other["applications-1.csv"] != made["applications-1.csv"]
    told, first = json.loads(other["expected.json"]), json.loads(made["expected.json"])
    for figure in ("vouchers_first_run", "waiting_at_the_end", "free_private_at_the_end"):
        assert told[figure] == first[figure]


def test_the_headline_follows_from_the_construction(made: dict[str, bytes]):
    told = json.loads(made["expected.json"])

    assert told["organisations_by_form"] == {"public": 16, "private": 48, "mini-centre": 8}
    assert told["waiting_before"] == 2500
    assert told["waiting_at_the_end"] == 434
    assert told["free_private_at_the_end"] == 200


def test_all_numbers_are_right_in_form_and_belong_to_nobody():
    draws = Draws(2026)
    numbers = Numbers(draws.apart("numbers"))
    organisations = city.build(draws.apart("city"), numbers)
    queue = families.build(draws.apart("families"), numbers, organisations)

    for organisation in organisations:
        checked_bin(organisation.bin)
        checked_account(organisation.account)
        checked_bank(organisation.bank)
    iins = [a.iin for a in queue] + [a.parent.iin for a in queue]
    for iin in set(iins):
        assert checked_iin(iin)[:2] == "99" and iin[6] in "56", "born in 2099"


def test_places_to_spare_are_private_ones_and_each_child_fits_one_cell():
    draws = Draws(2026)
    numbers = Numbers(draws.apart("numbers"))
    organisations = city.build(draws.apart("city"), numbers)
    queue = families.build(draws.apart("families"), numbers, organisations)

    for organisation in organisations:
        for group in organisation.groups:
            assert organisation.form == "private" or not group.cell.spare
    assert Counter(a.cell.name for a in queue) == {c.name: c.waiting for c in city.CELLS}
    keys = [
        (age, c.language, c.kind) for c in city.CELLS for age in range(c.ages[0], c.ages[1] + 1)
    ]
    assert len(keys) == len(set(keys))


def test_twins_share_parent_day_and_wishes():
    draws = Draws(2026)
    numbers = Numbers(draws.apart("numbers"))
    queue = families.build(draws.apart("f"), numbers, city.build(draws.apart("c"), numbers))
    pairs: dict[str, list[families.Application]] = {}
    for application in queue:
        if application.twins:
            pairs.setdefault(application.twins, []).append(application)

    assert len(pairs) == families.TWIN_PAIRS
    for first, second in pairs.values():
        assert first.parent == second.parent
        assert (first.birth_date, first.wishes) == (second.birth_date, second.wishes)
        assert first.iin != second.iin


def test_the_plan_of_september_adds_up(made: dict[str, bytes]):
    told = json.loads(made["expected.json"])["attendance"]
    days = sum(told["tablet_child_days"].values())

    assert len(WORKING_DAYS) == 22
    assert days == told["children_on_tablets"] * 22
    assert mark(3, 4) == "S" and mark(7, 9) == "F" and mark(11, 12) == "N"


def test_each_planted_trouble_has_an_id_a_kind_and_a_place(made: dict[str, bytes]):
    planted = json.loads(made["planted.json"])

    assert len({one["id"] for one in planted}) == len(planted)
    assert {
        "same-child-in-two-queues", "child-enrolled-twice", "bad-check-digit", "wrong-capacity",
        "attendance-after-leaving", "copied-key", "full-day-sent-twice", "unknown-status",
        "bad-date", "too-old",
    } <= {one["kind"] for one in planted}  # fmt: skip
    for one in planted:
        assert (one["line"] > 1) == bool(one["file"])
