"""`make cost` reckons with what was measured, rightly, and says nothing where it was not."""

from __future__ import annotations

import copy
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bench import cost
from infra.template import FUNCTIONS

ABOUT = {"measured_on": "2026-11-23", "code": "-"}
PRICES = tomllib.loads(cost.PRICES.read_text("utf-8"))
COUNTRY = tomllib.loads(cost.COUNTRY.read_text("utf-8"))


def use(**figures: float) -> dict[str, float]:
    return {**dict.fromkeys(cost.FIGURES, 0.0), **figures}


def measured() -> dict[str, Any]:
    """Return files in which all grows as simply as can be."""
    months = [
        {
            "children": n,
            "working_days": 20,
            "steps": {
                step: {"app": use(invocations=1, calls=10 + n, read=n, written=2 * n, cpu_s=0.01)}
                for step in cost.MONTH_STEPS
            },
        }
        for n in (10, 50, 200)
    ]
    queues = [
        {
            "waiting": n,
            "vouchers": n // 4,
            "steps": {
                "iteration 1": {"run_iteration": use(invocations=1, read=n, written=n)},
                "iteration 2": {"run_iteration": use(invocations=1, read=n)},
                "commit 1": {"on_work": use(invocations=1, written=30 * (n // 4))},
                "checkpoint 1": {"run_checkpoint": use(invocations=1, written=n)},
                "checkpoint 2": {"run_checkpoint": use(invocations=1, written=n)},
            },
        }
        for n in (100, 400)
    ]
    areas = [
        {
            "sites": n,
            "steps": {name: {name: use(invocations=1, read=n)} for name in cost.LISTING},
        }
        for n in (1, 100)
    ]
    single = {
        "children": 25,
        "steps": {"single uploads": {"app": use(invocations=50, written=150)}},
    }
    return {
        "months": {"about": ABOUT, "sizes": months},
        "queues": {"about": ABOUT, "queues": queues},
        "schedules": {"about": ABOUT, "areas": areas},
        "single": {"about": ABOUT, **single},
        "rosters": {
            "about": ABOUT,
            "sizes": [
                {
                    "children": n,
                    "steps": {"rosters": {"app": use(invocations=1, read=n * n / 100)}},
                }
                for n in (10, 50, 400)
            ],
        },
        "checks": {
            "about": ABOUT,
            "areas": [
                {"sites": n, "steps": {"checks": {"on_work": use(read=43 + 7 * n)}}} for n in (1, 5)
            ],
        },
    }


def written(folder: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content), "utf-8")
    return folder


# --- nothing without measurements ---------------------------------------------------------------


@pytest.mark.parametrize("missing", cost.FILES)
def test_without_a_measured_file_nothing_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    written(tmp_path, measured())
    (tmp_path / f"{missing}.json").unlink()

    assert cost.main([], tmp_path) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert f"{missing}.json is missing" in said.err


def _no_step(files: dict[str, Any]) -> None:
    del files["months"]["sizes"][1]["steps"]["approval"]


def _empty_step(files: dict[str, Any]) -> None:
    files["months"]["sizes"][0]["steps"]["billing"] = {}


def _no_figure(files: dict[str, Any]) -> None:
    del files["months"]["sizes"][0]["steps"]["uploads"]["app"]["written"]


def _no_evening(files: dict[str, Any]) -> None:
    del files["queues"]["queues"][0]["steps"]["checkpoint 2"]


def _one_size(files: dict[str, Any]) -> None:
    del files["months"]["sizes"][1:]


def _no_date(files: dict[str, Any]) -> None:
    del files["single"]["about"]


def _no_list(files: dict[str, Any]) -> None:
    files["schedules"]["areas"] = None


@pytest.mark.parametrize(
    "torn", [_no_step, _empty_step, _no_figure, _no_evening, _one_size, _no_date, _no_list]
)
def test_with_half_of_it_nothing_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], torn: Any
) -> None:
    files = measured()
    torn(files)
    written(tmp_path, files)

    assert cost.main([], tmp_path) == 2
    assert capsys.readouterr().out == ""


def test_a_file_cut_in_the_middle_is_no_measurement(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, measured())
    whole = (tmp_path / "months.json").read_text("utf-8")
    (tmp_path / "months.json").write_text(whole[: len(whole) // 2], "utf-8")

    assert cost.main([], tmp_path) == 2
    assert capsys.readouterr().out == ""


def test_with_all_of_it_the_table_says_when_and_of_which_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cost.main([], written(tmp_path, measured())) in (0, 1)

    said = capsys.readouterr().out
    assert "measured on 2026-11-23, the code has changed since" in said
    assert f"prices of {PRICES['as_of']}, {PRICES['region']}" in said
    assert "beside: single uploads" in said


def test_the_same_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cost.main(["--json"], written(tmp_path, measured()))

    told = json.loads(capsys.readouterr().out)
    assert told["country"]["children"] == COUNTRY["country"]["children"]
    assert told["code_changed"] is True
    assert cost.main(["--yaml"], tmp_path) == 2


def test_above_the_target_it_ends_with_one(tmp_path: Path) -> None:
    files = measured()
    assert cost.main([], written(tmp_path, files)) == 0
    for month in files["months"]["sizes"]:
        month["steps"]["uploads"]["app"]["written"] = 10_000 * month["children"]

    assert cost.main([], written(tmp_path, files)) == 1


# --- the arithmetic -----------------------------------------------------------------------------


def test_between_sizes_that_were_played_it_is_a_straight_line(tmp_path: Path) -> None:
    inputs = cost.load(written(tmp_path, measured()))

    for children in (10, 30, 50, 120, 200, 350):
        month = cost.month_at(inputs, children)
        assert month["billing"]["app"]["read"] == pytest.approx(children)
        assert month["billing"]["app"]["calls"] == pytest.approx(10 + children)
        assert month["billing"]["app"]["invocations"] == pytest.approx(1)


def test_a_group_that_is_begun_has_a_tablet_that_asks_too(tmp_path: Path) -> None:
    files = measured()
    files["rosters"]["sizes"] = [
        {
            "children": n,
            "steps": {"rosters": {"app": use(invocations=n / 25, read=n * n / 25)}},
        }
        for n in (25, 50, 100)
    ]
    inputs = cost.load(written(tmp_path, files))

    for children, tablets in ((25, 1), (26, 2), (50, 2), (70, 3), (100, 4), (101, 5)):
        asked = cost.month_at(inputs, children)["rosters"]["app"]
        # Each is told of the whole kindergarten, on each of 20 days.
        assert asked["invocations"] == pytest.approx(20 * tablets)
        assert asked["read"] == pytest.approx(20 * tablets * children)


def test_a_place_is_the_sum_of_its_kindergartens_days_and_evenings(tmp_path: Path) -> None:
    inputs = cost.load(written(tmp_path, measured()))
    place = cost.Place("two", (10, 50), 1)

    rows = cost.steps_of(inputs, place, COUNTRY)

    year, queue = COUNTRY["year"], COUNTRY["queue"]
    assert rows["approval"]["app"]["written"] == pytest.approx(2 * 60)
    assert rows["uploads"]["app"]["written"] == pytest.approx(2 * 60 * year["working_days"] / 20)
    assert rows["daily looks"]["app"]["written"] == pytest.approx(2 * 60 * year["days"])
    # One schedule lists both: a read for each, daily.
    assert rows["billing"]["run_billing"]["read"] == pytest.approx(2 * year["days"])
    # Each tablet is told of the whole kindergarten, each working day.
    assert rows["rosters"]["app"]["read"] == pytest.approx((1 + 25) * year["working_days"])
    # An area has its checks, and each provider beyond the first adds to them.
    assert rows["checks"]["on_work"]["read"] == pytest.approx((50 + 7) * year["days"])
    waiting = 60 * queue["waiting_share"]
    evenings = rows["allocation"]["run_iteration"]["read"]
    assert evenings == pytest.approx((waiting + 100) * queue["nights"])
    assert rows["allocation"]["on_work"]["written"] == pytest.approx(
        30 * 60 * queue["vouchers_share"]
    )


def test_dollars_of_one_function_by_hand() -> None:
    one = {
        "on_work": use(invocations=1e6, cpu_s=1e4, calls=1e6, other_calls=0, read=1e6, written=1e6)
    }

    paid = cost.dollars(one, PRICES, {"on_work": 1024})

    seconds = 1e4 * 1769 / 1024 + 1e6 * 0.005 + 1e6 * 0.02 * 1.5
    assert paid.lambda_s == pytest.approx(seconds)
    assert paid.writes == pytest.approx(0.625)
    assert paid.reads == pytest.approx(0.125)
    assert paid.functions == pytest.approx(seconds * 0.0000166667 + 0.20)
    assert paid.api == 0
    assert paid.other == pytest.approx(2 * 0.40 + 700 * 1e6 / 1e9 * 0.50)
    assert cost.dollars({"app": use(invocations=1e6)}, PRICES, {"app": 2048}).api == 3.5


@pytest.mark.parametrize("place", cost.places(COUNTRY), ids=lambda place: place.name)
def test_the_sizes_of_kindergartens_sum_to_the_child(place: cost.Place) -> None:
    told = COUNTRY[place.name]
    assert place.children == told["children"]
    assert len(place.sizes) == told["kindergartens"]
    spread = COUNTRY["country"]
    assert min(place.sizes) >= spread["smallest"]
    assert max(place.sizes) <= spread["largest"]
    assert len(set(place.sizes)) > 50


def test_every_function_that_was_measured_has_a_memory() -> None:
    inputs = cost.load()
    rows = (*inputs.months, *inputs.queues, *inputs.schedules, *inputs.checks, *inputs.rosters)
    measured_ones = {
        name for row in (*rows, inputs.single) for uses in row["steps"].values() for name in uses
    }

    assert {"app", "on_work", "on_outbox", "on_journal"} <= measured_ones
    assert measured_ones <= set(FUNCTIONS)


def test_what_was_measured_lies_in_the_repository_and_holds_the_target() -> None:
    inputs = cost.load()

    told = cost.reckoned(inputs, PRICES, COUNTRY)

    assert set(cost.ATTENDANCE) | {"billing", "allocation"} == set(cost.TARGET_ROWS)
    for name in ("city", "country"):
        assert 0 < told[name]["target_rows_cents"] < cost.TARGET_CENTS
        assert told[name]["single_uploads"]["cents"] > told[name]["rows"]["uploads"]["cents"]


def test_nothing_measured_changes_what_is_reckoned_of_it(tmp_path: Path) -> None:
    files = measured()
    inputs = cost.load(written(tmp_path, files))
    before = copy.deepcopy(inputs.months)

    first = cost.reckoned(inputs, PRICES, COUNTRY)

    assert cost.reckoned(inputs, PRICES, COUNTRY) == first
    assert inputs.months == before
