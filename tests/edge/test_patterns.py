"""A pattern that a caller's text must fit ends where the text ends: "$" alone lets a newline by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

from app import app
from chalicelib.edge.routes import Operation, operations
from infra.local.testing import TestCloud

# All slices are mounted only once the application is there.
assert app.routes
OPEN_END = re.compile(r"(?<!\\)\$\Z")


def _patterns(kind: Any) -> Iterator[str]:
    if isinstance(kind, inspect.StrType) and kind.pattern is not None:
        yield kind.pattern
    if isinstance(kind, msgspec.Struct):
        for name in kind.__struct_fields__:
            yield from _patterns(getattr(kind, name))
    elif isinstance(kind, list | tuple):
        for one in kind:
            yield from _patterns(one)


def _asked(operation: Operation) -> Iterator[Any]:
    for kind in (operation.asks, operation.query):
        if kind is not None and kind is not bytes:
            yield inspect.type_info(kind)


def test_no_pattern_of_a_request_lets_a_newline_by_at_its_end() -> None:
    found = {
        (operation.action, pattern)
        for operation in operations()
        for kind in _asked(operation)
        for pattern in _patterns(kind)
    }

    assert len(found) > 50
    assert sorted(one for one in found if OPEN_END.search(one[1])) == []


def test_a_revocation_of_a_name_with_a_newline_is_refused_not_without_effect(
    cloud: TestCloud,
) -> None:
    said = cloud.put(
        "/v1/access/revocations/revocation-1",
        {"reason_code": "misuse", "subject": "a" * 32 + "\n"},
        token=cloud.token("operator", areas=["taldykorgan"]),
    )

    assert (said.status, said.code) == (400, "kezek/bad-field")
