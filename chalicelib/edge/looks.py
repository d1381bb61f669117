"""Whose data an answer shows: taken from the answer itself, so that no view can forget it.

Where an answer, or a part of it, has `child_id`, the fields beside it are what is seen of that
child. An answer about one child of the path needs not to repeat its id.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from chalicelib.access import actions as access
from chalicelib.access.actions.doing import Doing


def take_from(answer: object, shown: Doing, path: Mapping[str, str], answers: Any) -> None:
    """Note for an action that is looked at whose data its answer shows.

    answers: the answer's type. Nothing is noted where the view said it itself, and where neither
    type nor path names a child: then the view has to say it.
    """
    if shown.looked is not None:
        return
    if names_children(answers):
        found = {child_id: access.words_of(fields) for child_id, fields in _children(answer)}
    elif "child_id" in path:
        found = {path["child_id"]: access.words_of(_fields(answer))}
    else:
        return
    shown.looked = found


@functools.cache
def names_children(answers: Any) -> bool:
    """Return whether an answer's type has `child_id` somewhere."""
    return answers is not None and "child_id" in fields_of(answers)


def fields_of(answers: Any) -> frozenset[str]:
    """Return the names of all fields of a type and of what it is made of."""
    found: set[str] = set()
    waiting, known = [answers], set()
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and (dataclasses.is_dataclass(kind) or _is_struct(kind)):
            if kind in known:
                continue
            known.add(kind)
            described = _hints(kind)
            found |= described.keys()
            waiting += described.values()
        else:
            waiting += getattr(kind, "__args__", ())
    return frozenset(found)


def _children(part: object) -> Iterator[tuple[str, Mapping[str, object]]]:
    if isinstance(part, list | tuple):
        for one in part:
            yield from _children(one)
        return
    fields = part if isinstance(part, dict) else _fields(part)
    if "child_id" in fields:
        if fields["child_id"] is not None:  # a complaint may be about no child at all
            yield str(fields["child_id"]), fields
        return
    for one in fields.values():
        if not isinstance(one, str | int | None):
            yield from _children(one)


def _fields(part: object) -> Mapping[str, object]:
    if isinstance(part, msgspec.Struct):
        return {name: getattr(part, name) for name in part.__struct_fields__}
    if dataclasses.is_dataclass(part):
        return {f.name: getattr(part, f.name) for f in dataclasses.fields(part)}
    return {}


def _is_struct(kind: type) -> bool:
    return issubclass(kind, msgspec.Struct)


def _hints(kind: type) -> dict[str, Any]:
    from typing import get_type_hints

    return get_type_hints(kind, include_extras=False)


def beside_children(answers: Any) -> frozenset[str]:
    """Return the names of the fields that stand directly beside a `child_id` in a type."""
    found: set[str] = set()
    waiting, known = [answers], set()
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and (dataclasses.is_dataclass(kind) or _is_struct(kind)):
            if kind in known:
                continue
            known.add(kind)
            described = _hints(kind)
            if "child_id" in described:
                found |= described.keys()
            else:
                waiting += described.values()
        else:
            waiting += getattr(kind, "__args__", ())
    return frozenset(found)
