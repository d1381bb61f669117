"""What `make fuzz` keeps between runs."""

from __future__ import annotations

from pathlib import Path

from tests.promises.fuzzbook import Book, Page


def test_a_page_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    book = Book(tmp_path)
    page = book.page("clubs", "PUT /v1/things/{thing_id}")
    page.cases["positive"] = 100
    book.keep(page)

    assert Book(tmp_path).page("clubs", "PUT /v1/things/{thing_id}") == page
    assert Book(tmp_path).page("preschool", "PUT /v1/things/{thing_id}").total == 0
    assert Book(tmp_path).pages() == [page]


def test_both_modes_get_their_half_and_one_alone_gets_all() -> None:
    page = Page("GET /v1/things", "clubs", cases={"positive": 50, "negative": 20})
    assert [page.wants(mode, 100) for mode in ("positive", "negative")] == [False, True]

    page.over = ["negative"]

    assert page.wants("positive", 100)
    assert not page.done(100)
    page.over = ["negative", "positive"]
    assert page.done(100)
