"""What is written about the code is made from it, or is held to it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import chalicelib
from bench import costs
from chalicelib.storage import keys
from infra import apidoc

PACKAGE = Path(chalicelib.__file__).parent
DATA_MODEL = PACKAGE.parent / "docs" / "data-model.md"


def test_the_api_reference_is_what_the_routes_offer() -> None:
    page = apidoc.PAGE.read_text("utf-8")

    assert apidoc.page(page) == page, "out of date: python -m infra.apidoc"


def test_the_reference_has_every_operation_once() -> None:
    routes, _ = costs.wanted()
    told = re.findall(r"^\*\*`([A-Z]+ \S+)`\*\*", apidoc.PAGE.read_text("utf-8"), re.MULTILINE)

    assert sorted(told) == sorted(routes)


@pytest.fixture(scope="module")
def costed() -> set[str]:
    _, _, rest = costs.PAGE.read_text("utf-8").partition(costs.BEGIN)
    table, ended, _ = rest.partition(costs.END)
    assert ended, "the table has lost its markers"
    return set(re.findall(r"^\| `([^`]+)`", table, re.MULTILINE))


def test_every_route_and_every_job_has_a_row_of_costs(costed: set[str]) -> None:
    routes, triggers = costs.wanted()

    assert sorted({*routes, *triggers} - costed) == [], "python -m bench costs"
    assert sorted(costed - {*routes, *triggers}) == [], (
        "rows of what is gone: python -m bench costs"
    )


def test_every_key_template_has_its_question_in_the_data_model() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", DATA_MODEL.read_text("utf-8"), re.MULTILINE))
    pairs = {
        name
        for name, function in inspect.getmembers(keys, inspect.isfunction)
        if function.__module__ == keys.__name__
        and function.__annotations__["return"] == "tuple[str, str]"
    }

    assert sorted(pairs - told) == []
    assert sorted(told - pairs) == []


def test_every_slice_with_rows_has_its_page() -> None:
    with_rows = {store.parent.name for store in PACKAGE.glob("*/store.py")}
    with_rows |= {store.parent.name for store in PACKAGE.glob("*/store/")}
    # Their rows are shared, or they have none.
    with_rows -= {"journal", "notices", "policy"}

    assert sorted(with_rows - {page.stem for page in DATA_MODEL.with_suffix("").glob("*.md")}) == []
