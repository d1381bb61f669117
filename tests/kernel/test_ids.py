"""Ids are random and checked at the door; tickets can be read aloud."""

from __future__ import annotations

import re

import pytest

from chalicelib.kernel.ids import BadId, checked_id, new_id, new_ticket


def test_new_ids_are_ids_and_differ() -> None:
    drawn = {new_id() for _ in range(1000)}

    assert len(drawn) == 1000
    assert all(checked_id(i) == i and len(i) == 26 for i in drawn)


def test_a_ticket_has_no_letters_that_look_alike() -> None:
    drawn = {new_ticket() for _ in range(1000)}

    assert len(drawn) == 1000
    assert all(re.fullmatch(r"([a-hjkmnp-z2-9]{4}-){2}[a-hjkmnp-z2-9]{4}", t) for t in drawn)


@pytest.mark.parametrize("text", ["a-1_B234", "x" * 64, "0" * 8])
def test_a_caller_names_things_with_letters_digits_hyphens_and_underscores(text: str) -> None:
    assert checked_id(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "short12",
        "x" * 65,
        "-leading1",
        "_leading1",
        "with space",
        "with/slash",
        "with#hash",
        "кириллица",
        "trailing1\n",
        "../../etc",
    ],
)
def test_anything_else_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(BadId) as refused:
        checked_id(text, field="child_id")

    assert refused.value.facts == {"field": "child_id"}
