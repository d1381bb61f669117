"""What a caller sends is read strictly, and refused without repeating what it said."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.edge import body
from chalicelib.edge.texts import language_of

JSON = "application/json"


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(max_length=5)]
    n: int = 0
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    on: date | None = None


@pytest.mark.parametrize(
    ("raw", "content_type", "refusal", "facts"),
    [
        (b"{}", None, body.WrongType, {"expected": JSON}),
        (b"{}", "text/plain", body.WrongType, {"expected": JSON}),
        (b"x" * 101, JSON, body.TooLarge, {"most": 100}),
        (b'{"name": "\xff"}', JSON, body.NotJson, {"problem": "charset"}),
        (b"[" * 60, JSON, body.NotJson, {"problem": "depth"}),
        (b'{"name": "a", "name": "b"}', JSON, body.NotJson, {"problem": "doubled-key"}),
        (b'{"name": NaN}', JSON, body.NotJson, {"problem": "syntax"}),
        (b'{"n": 1e999}', JSON, body.NotJson, {"problem": "syntax"}),
        (b'{"n": -Infinity}', JSON, body.NotJson, {"problem": "syntax"}),
        (b'{"n": ' + b"9" * 90 + b"}", JSON, body.NotJson, {"problem": "syntax"}),
        (b'\xef\xbb\xbf{"name": "a"}', JSON, body.NotJson, {"problem": "byte-order-mark"}),
        ('{"name": "a"}'.encode("utf-16"), JSON, body.NotJson, {"problem": "charset"}),
        (b'{"name": "a"}', "application/json; charset=utf-16", body.WrongType, {"expected": JSON}),
        (b'{"name": "a"}', "application/json; boundary=x", body.WrongType, {"expected": JSON}),
        (b'{"name": "a"}', "application/json, text/plain", body.WrongType, {"expected": JSON}),
        (b'{"name": "a"}', "application/jsonp", body.WrongType, {"expected": JSON}),
        (b'{"name": ', JSON, body.NotJson, {"problem": "syntax"}),
        (b"", JSON, body.NotJson, {"problem": "syntax"}),
    ],
)
def test_a_body_is_refused_by_the_first_check_it_fails(
    raw: bytes, content_type: str | None, refusal: type[Exception], facts: dict[str, object]
) -> None:
    with pytest.raises(refusal) as refused:
        body.read(Asked, raw, content_type, most=100)

    assert refused.value.facts == facts  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b'{"name": "a", "more": 1}', "body"),
        (b'{"n": 1}', "body"),
        (b'{"name": 7}', "name"),
        (b'{"name": "toolong"}', "name"),
        (b'{"name": "a", "n": 1.5}', "n"),
        (b'{"name": "a", "at": "2026-09-01T08:00:00"}', "at"),
        (b'{"name": "a", "at": "yesterday"}', "at"),
        (b'{"name": "a", "at": "0001-01-01T00:00:00+14:00"}', "at"),
        (b'{"name": "a", "on": "0001-01-01"}', "on"),
        (b'{"name": "a", "on": "9999-12-31"}', "on"),
        (b'{"name": "a", "at": "9999-12-31T23:59:59-14:00"}', "at"),
    ],
)
def test_a_wrong_field_is_named_and_its_value_is_not_repeated(raw: bytes, field: str) -> None:
    with pytest.raises(body.BadField) as refused:
        body.read(Asked, raw, JSON)

    assert refused.value.facts["field"] == field
    assert "toolong" not in str(refused.value.facts)


def test_an_upper_case_content_type_with_a_charset_is_the_same_type() -> None:
    assert body.read(Asked, b'{"name": "a"}', "Application/JSON; charset=utf-8") == Asked("a")


@given(st.binary(max_size=300))
def test_no_bytes_whatever_break_the_reader(raw: bytes) -> None:
    try:
        body.read(Asked, raw, JSON)
    except (body.NotJson, body.BadField) as refusal:
        assert refusal.facts


def test_depth_counts_brackets_outside_strings_only() -> None:
    text = '{"name": "' + "[" * 40 + '"}'
    with pytest.raises(body.BadField):
        body.read(Asked, text.encode(), JSON)


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        (None, "kk"),
        ("ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("en", "en"),
        ("de", "kk"),
        ("en;q=0.2, kk;q=0.9", "kk"),
        ("ru;q=oops", "kk"),
        ("*", "kk"),
    ],
)
def test_the_language_is_the_best_of_ours(accept: str | None, language: str) -> None:
    assert language_of(accept) == language
