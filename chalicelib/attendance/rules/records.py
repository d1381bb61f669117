"""The record a tablet signs, format v1, and its canonical text. See docs/check-in-format.md.

A record is read from plain JSON values; whatever is wrong with one is a code beside it, so one bad
record hides no other. The canonical text is RFC 8785 over the values the format knows: no number
with a fraction ever enters, so nothing depends on how a machine prints one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from chalicelib.kernel.periods import DateRange, local_day
from chalicelib.kernel.refusals import Malformed
from chalicelib.policy.rules import AttendanceRule

VERSION = 1
ALGORITHM = "Ed25519"
FIRST_PREV = "A" * 43
COUNTER_MAX = 2**24 - 1
RECORDS_MAX = 500
RECORD_BYTES_MAX = 2_000
# Counters of one upload lie at most this far apart, so that a fork is looked for in few items.
SPAN_MAX = 1_000
INTEGER_MAX = 2**53 - 1

Kind = Literal["in", "out", "absence"]
Way = Literal["educator", "pin", "qr"]
KINDS = ("in", "out", "absence")
WAYS = ("educator", "pin", "qr")
ABSENCES = ("S", "Q", "W", "V", "R", "F", "N")

Code = Literal[
    "malformed",
    "another-device",
    "bad-signature",
    "fork",
    "bad-way",
    "bad-reason",
    "in-the-future",
    "too-old",
    "unknown-enrolment",
    "not-enrolled-that-day",
    "no-rules",
    "outside-timetable",
    "lesson-cancelled",
]
CODES: tuple[Code, ...] = Code.__args__  # type: ignore[attr-defined]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}\Z")
_DEVICE = re.compile(r"[a-z2-7]{26}\Z")
_HASH = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_SIGNATURE = re.compile(r"[A-Za-z0-9_-]{86}\Z")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})\Z"
)
_NEEDED = frozenset({"v", "alg", "kid", "counter", "prev", "enrolment", "kind", "at", "way", "sig"})
_ALLOWED = _NEEDED | {"reason", "adult", "guessed", "ext"}


class NotCanonical(ValueError):
    """A value has no canonical text here: a fraction, a huge integer, a broken string."""


class UploadTooLarge(Malformed):
    """The records do not fit in one item of evidence, or lie too far apart; send fewer at once."""

    code = "attendance/upload-too-large"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One signed record. `line` is its canonical text with the signature, `signed` without.

    happened_at is aware; on is its day in Kazakhstan; hash names the record in the chain; ext is
    the maker's own.
    """

    kid: str
    counter: int
    prev: str
    enrolment: str
    kind: Kind
    reason: str | None
    happened_at: datetime
    on: date
    way: Way
    adult: str | None
    guessed: bool
    signature: bytes
    signed: bytes = field(repr=False)
    line: bytes = field(repr=False)
    hash: str
    ext: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Unread:
    """A record that cannot be judged further; counter where one could be read."""

    counter: int | None
    code: Code


def canonical(value: object) -> bytes:
    """Return the RFC 8785 text of a value in UTF-8. Raises NotCanonical.

    Known values: null, booleans, integers up to 2^53 - 1 either way, strings, arrays, objects.
    """
    try:
        text = json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":"))
        return text.encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise NotCanonical("no canonical text") from error


def record_hash(line: bytes) -> str:
    """Return the name of a record: base64url of the SHA-256 of its canonical text, 43 signs."""
    return base64.urlsafe_b64encode(hashlib.sha256(line).digest()).decode().rstrip("=")


def upload_digest(records: Iterable[Record]) -> str:
    """Return the name of a set of records, whatever their order: 32 hex digits."""
    lines = sorted({record.hash for record in records})
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def check_span(records: Iterable[Record]) -> None:
    """Raise UploadTooLarge when the counters of an upload lie too far apart."""
    counters = [record.counter for record in records]
    if counters and max(counters) - min(counters) > SPAN_MAX:
        raise UploadTooLarge(counters_apart_max=SPAN_MAX)


def read_record(raw: object) -> Record | Unread:
    """Return a record of the right form, its signature not yet checked; or why it has none."""
    if not isinstance(raw, Mapping):
        return Unread(None, "malformed")
    counter = raw.get("counter")
    if not isinstance(counter, int) or isinstance(counter, bool):
        return Unread(None, "malformed")
    counter = counter if 1 <= counter <= COUNTER_MAX else None
    if counter is None or not _well_formed(raw):
        return Unread(counter, "malformed")
    try:
        happened_at = datetime.fromisoformat(raw["at"])
        on = local_day(happened_at)
        line = canonical(raw)
        signed = canonical({key: raw[key] for key in raw if key != "sig"})
    except (ValueError, OverflowError):
        return Unread(counter, "malformed")
    if len(line) > RECORD_BYTES_MAX:
        return Unread(counter, "malformed")
    return Record(
        kid=raw["kid"],
        counter=counter,
        prev=raw["prev"],
        enrolment=raw["enrolment"],
        kind=raw["kind"],
        reason=raw.get("reason"),
        happened_at=happened_at,
        on=on,
        way=raw["way"],
        adult=raw.get("adult"),
        guessed=raw.get("guessed", False),
        signature=base64.urlsafe_b64decode(raw["sig"] + "=="),
        signed=signed,
        line=line,
        hash=record_hash(line),
        ext=raw.get("ext", {}),
    )


def judge_record(
    record: Record,
    *,
    enrolled: DateRange | None,
    rule: AttendanceRule | None,
    now: datetime,
) -> Code | None:
    """Return why an authentic record makes no mark, None when it does; the first reason counts.

    enrolled: the days of its enrolment at the tablet's site, None where there is no such
    enrolment. rule: what is in force on its day, None where nothing is.
    """
    if rule is None:
        return "no-rules"
    if record.way not in rule.ways:
        return "bad-way"
    if record.happened_at > now + timedelta(seconds=rule.clock_skew_seconds_max):
        return "in-the-future"
    if (local_day(now) - record.on).days > rule.late_days_max:
        return "too-old"
    if enrolled is None:
        return "unknown-enrolment"
    if record.on not in enrolled:
        return "not-enrolled-that-day"
    return None


def _well_formed(raw: Mapping[str, Any]) -> bool:
    if not _NEEDED <= raw.keys() <= _ALLOWED:
        return False
    if raw["v"] is True or raw["v"] != VERSION or raw["alg"] != ALGORITHM:
        return False
    absent = raw["kind"] == "absence"
    return (
        _matches(_DEVICE, raw["kid"])
        and _matches(_HASH, raw["prev"])
        and _matches(_ID, raw["enrolment"])
        and raw["kind"] in KINDS
        and _matches(_INSTANT, raw["at"])
        and raw["way"] in WAYS
        and (raw.get("reason") in ABSENCES if absent else "reason" not in raw)
        and ("adult" not in raw or (not absent and _matches(_ID, raw["adult"])))
        and ("guessed" not in raw or (not absent and raw["guessed"] is True))
        and ("ext" not in raw or isinstance(raw["ext"], Mapping))
        and _matches(_SIGNATURE, raw["sig"])
        and _exact(raw["sig"], 64)
        and _exact(raw["prev"], 32)
    )


def _exact(text: str, size: int) -> bool:
    """Return whether base64url text is the one spelling of its bytes: no stray bits at its end."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return len(raw) == size and base64.urlsafe_b64encode(raw).decode().rstrip("=") == text


def _matches(form: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and form.match(value) is not None


def _ordered(value: object) -> object:
    """Return a value with objects in the order of RFC 8785: keys by UTF-16 code units."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        if abs(value) > INTEGER_MAX:
            raise NotCanonical("integers beyond 2^53 - 1 are not exact everywhere")
        return value
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise NotCanonical("keys are strings")
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return {key: _ordered(value[key]) for key in keys}
    if isinstance(value, list | tuple):
        return [_ordered(entry) for entry in value]
    raise NotCanonical(f"no {type(value).__name__} in a record")
