"""Read what a caller sent, strictly: size, type, charset, depth, doubled keys, unknown fields.

The checks run in this order, so the same bad request always gets the same first refusal.
"""

from __future__ import annotations

import json
import math
import re
from datetime import date
from typing import Any, TypeVar

import msgspec

from chalicelib.kernel.refusals import Malformed

T = TypeVar("T")

MOST_BYTES = 1_000_000
DEEPEST = 32
# Words that somebody types: no control character, nothing that a page would run, not only blanks.
TEXT = r"^[^\x00-\x1f\x7f<>]*[^\x00-\x20\x7f<>][^\x00-\x1f\x7f<>]*$(?!\n)"
_YEARS = range(1900, 3000)
_QUOTED = re.compile(r"'[^']*'")
_WHERE = re.compile(r" - at `([^`]*)`")


class NotJson(Malformed):
    """The body is not JSON in UTF-8; `problem` says what is wrong."""

    code = "kezek/not-json"


class WrongType(Malformed):
    """The Content-Type is not one this operation reads."""

    code = "kezek/wrong-content-type"


class Encoded(Malformed):
    """The body is compressed; what it would grow to cannot be known before."""

    code = "kezek/content-encoding"


class TooLarge(Malformed):
    """The body is larger than this operation reads."""

    code = "kezek/too-large"


class BadField(Malformed):
    """A field is missing, unknown, or not of its form; `field` says which, `problem` how."""

    code = "kezek/bad-field"


def read(kind: type[T], raw: bytes, content_type: str | None, *, most: int = MOST_BYTES) -> T:
    """Return the body as `kind`, or raise WrongType, TooLarge, NotJson or BadField."""
    check_type(content_type, "application/json")
    if len(raw) > most:
        raise TooLarge(most=most)
    return convert(kind, parsed(raw))


def check_type(content_type: str | None, *expected: str) -> str:
    """Return the media type; WrongType unless it is expected, with no parameter but UTF-8."""
    media, *parameters = (part.strip() for part in (content_type or "").lower().split(";"))
    halves = [parameter.partition("=") for parameter in parameters if parameter]
    named = {(name.strip(), value.strip(' "')) for name, _, value in halves}
    if media not in expected or not named <= {("charset", "utf-8")}:
        raise WrongType(expected=" or ".join(expected))
    return media


def check_encoding(content_encoding: str | None) -> None:
    """Raise Encoded unless the body comes as it is."""
    if (content_encoding or "identity").strip().lower() != "identity":
        raise Encoded()


def _halves(parameter: str) -> tuple[str, str, str]:
    return parameter.partition("=")


def parsed(raw: bytes) -> Any:
    """Return strictly read JSON: UTF-8, no doubled keys, no NaN, at most 32 levels deep."""
    if raw.startswith(b"\xef\xbb\xbf"):
        raise NotJson(problem="byte-order-mark")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJson(problem="charset") from error
    if _depth(text) > DEEPEST:
        raise NotJson(problem="depth")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_no_doubles,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_whole,
        )
        if "\\u" in text:
            # Half a pair of surrogates can be escaped in JSON, but never written in UTF-8.
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeEncodeError as error:
        raise NotJson(problem="charset") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, _Doubled):
            raise NotJson(problem="doubled-key") from error
        raise NotJson(problem="syntax") from error


def convert(kind: type[T], value: Any, *, strict: bool = True) -> T:
    """Return built-in values as `kind`; BadField names the first field that does not fit."""
    try:
        read = msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise bad_field(error) from error
    for name in getattr(read, "__struct_fields__", ()):
        when = getattr(read, name)
        # Near the ends of the calendar a day or an instant has no UTC, or sorts as no text.
        if isinstance(when, date) and when.year not in _YEARS:
            raise BadField(field=name, problem="Expected a year from 1900 to 2999")
    return read


def bad_field(error: msgspec.ValidationError) -> BadField:
    """Return the refusal for a failed conversion, without the value that failed."""
    message = str(error)
    where = _WHERE.search(message)
    field = where.group(1).removeprefix("$").lstrip(".") if where else ""
    problem = _QUOTED.sub("…", _WHERE.sub("", message))
    return BadField(field=field or "body", problem=problem)


class _Doubled(ValueError):
    pass


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read_object = dict(pairs)
    if len(read_object) != len(pairs):
        raise _Doubled
    return read_object


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    """Return a number; 1e999 is none that anybody could mean."""
    read_number = float(text)
    if not math.isfinite(read_number):
        raise ValueError("not finite")
    return read_number


def _whole(text: str) -> int:
    """Return an integer of 64 bits; nothing is counted in longer ones."""
    if len(text) > 20:
        raise ValueError("too long")
    return int(text)


def _depth(text: str) -> int:
    """Return how deep brackets nest, strings skipped; cheap, so it comes before parsing."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return 0
    deepest = depth = 0
    inside = escaped = False
    for sign in text:
        if inside:
            if escaped:
                escaped = False
            elif sign == "\\":
                escaped = True
            elif sign == '"':
                inside = False
        elif sign == '"':
            inside = True
        elif sign in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in "]}":
            depth -= 1
    return deepest
