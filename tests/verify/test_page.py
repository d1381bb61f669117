"""The page that checks, in a real browser, opened from disk without any network (L5)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.verify import cities
from tests.verify.browser import PAGE, Browser, Files, given, running
from tests.verify.sealing import digests, sealed
from tests.verify.worlds import key_line

LANGUAGES = ("kk", "ru", "en")


@pytest.fixture(scope="session")
def tab() -> Iterator[Browser]:
    with running() as browser:
        browser.open()
        yield browser


def checked(tab: Browser, files: Files, keys: str | None = None) -> dict[str, Any]:
    """Return what the page finds of files."""
    options = json.dumps({"keys": key_line() if keys is None else keys})
    answer: dict[str, Any] = tab.run(f"window.kezekVerify({given(files)}, {options})")
    return answer


# --- the file itself ----------------------------------------------------------------------------


def test_the_page_is_one_file_that_may_run_nothing_but_itself() -> None:
    text = PAGE.read_text("utf-8")

    assert sealed(text) == text, "python -m tests.verify.sealing"
    assert len(digests(text, "script")) == 2
    assert not re.search(r"\b(src|href)=", text)
    assert not re.search(r" on[a-z]+=\"| style=\"", text)
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}


# --- what holds ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "said",
    [
        {},
        {"siblings_first": True},
        {"swaps": False},
        {"reading": "reserve", "reserve_per_mille": 250, "siblings_first": True},
    ],
    ids=["line", "siblings", "no-swaps", "reserve"],
)
def test_what_this_code_decides_is_what_the_page_decides(
    tab: Browser, seed: int, said: dict[str, Any]
) -> None:
    files, openings = cities.published(*cities.a_city(seed, **said))

    public = checked(tab, dict(files))
    whole = checked(tab, {**files, "openings.jsonl": openings})

    assert (public["holds"], public["broken"]) == (True, None), public["text"]
    assert (whole["holds"], whole["broken"]) == (True, None), whole["text"]
    assert [one["facts"]["full"] for one in (public["checks"][0], whole["checks"][0])] == [
        False,
        True,
    ]
