"""The breach drill: whose data somebody saw in a stretch of time, and who must be told.

From what was recorded as seen, day by day, and from what the caller changed, found in the journal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime

from chalicelib.access.rules import Look
from chalicelib.access.store import looking as looks
from chalicelib.applications import store as applications
from chalicelib.children import store as people
from chalicelib.journal import store as journal
from chalicelib.journal.rules import Entry
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.policy.actions import load_pack
from chalicelib.vouchers import store as vouchers

_SEGMENTS = 4
# The law counts working days from the day of detection (domain sheet §13).
_WORKING_DAYS = 1
HEADINGS = ("child_id", "fields", "looks", "first_at", "last_at", "changed", "tell")


@dataclass(slots=True)
class Exposed:
    """What was seen and changed of one child. tell: persons who may act for it today."""

    child_id: str
    fields: set[str] = field(default_factory=set)
    looks: int = 0
    first_at: str = ""
    last_at: str = ""
    changed: set[str] = field(default_factory=set)
    tell: tuple[str, ...] = ()

    def cells(self) -> tuple[object, ...]:
        """Return the row of a table; HEADINGS name its columns."""
        return (
            self.child_id,
            " ".join(sorted(self.fields)),
            self.looks,
            self.first_at or None,
            self.last_at or None,
            " ".join(sorted(self.changed)),
            " ".join(self.tell),
        )


@dataclass(frozen=True, slots=True)
class Breach:
    """Whose data a caller saw. looks: entries that were read; tell_by: the law's term."""

    subjects: tuple[str, ...]
    since: str
    until: str
    looks: int
    acts: int
    children: tuple[Exposed, ...]
    tell_by: str

    @property
    def persons(self) -> tuple[str, ...]:
        """Return all who must be told, once each."""
        return tuple(sorted({person for child in self.children for person in child.tell}))


def exposed(
    *,
    subject: str | None = None,
    session: str | None = None,
    since: datetime,
    until: datetime,
    now: datetime,
    acts: bool = True,
    tell: bool = True,
) -> Breach:
    """Return whose data a caller, or all callers under one sign-in, saw and changed.

    subject: of a person, or a tablet's id. since, until: instants, the last not included. acts:
    also search the journal, which reads all of it. tell: also find the families, a query a child.
    """
    subjects = _subjects(subject, session)
    first, last = stamp(since)[:16], stamp(until)
    found: dict[str, Exposed] = {}
    seen = 0
    for one in subjects:
        for look in _looks(one, local_day(since), local_day(until), session):
            # A look is known to its minute; one of the stretch's first minute counts.
            if first <= look.at < last or _is_whole_day(look, since, until):
                seen += 1
                _add(found, look)
    changes = 0
    if acts:
        for entry in _acts(subjects, stamp(since), last):
            changes += 1
            for child_id in _children_of(entry):
                found.setdefault(child_id, Exposed(child_id)).changed.add(entry.event)
    if tell:
        _add_families(found, local_day(now))
    calendar = load_pack("preschool", "taldykorgan").calendar
    return Breach(
        subjects=subjects,
        since=stamp(since),
        until=last,
        looks=seen,
        acts=changes,
        children=tuple(found[child_id] for child_id in sorted(found)),
        tell_by=stamp(calendar.deadline(now, working_days=_WORKING_DAYS)),
    )


def _subjects(subject: str | None, session: str | None) -> tuple[str, ...]:
    if subject is not None:
        return (subject,)
    days = looks.days_of_session(session or "")
    return tuple(sorted({day.subject for day in days}))


def _looks(subject: str, first: date, last: date, session: str | None) -> Iterator[Look]:
    for look in looks.each_of(subject, first, last):
        if session is None or look.session == session:
            yield look


def _is_whole_day(look: Look, since: datetime, until: datetime) -> bool:
    """Return whether a tablet's look, which stands for its whole day, lies in the stretch."""
    day = local_day(datetime.fromisoformat(look.at))
    return look.roles == ("device",) and local_day(since) <= day <= local_day(until)


def _add(found: dict[str, Exposed], look: Look) -> None:
    for child_id in look.children:
        one = found.get(child_id)
        if one is None:
            one = found[child_id] = Exposed(child_id)
        one.fields.update(look.fields)
        one.looks += 1
        one.first_at = min(one.first_at or look.at, look.at)
        one.last_at = max(one.last_at, look.at)


def _acts(subjects: Iterable[str], first: str, last: str) -> Iterator[Entry]:
    for subject in subjects:

        def segment(number: int, subject: str = subject) -> list[Entry]:
            every = journal.acts_of(subject, segment=number, segments=_SEGMENTS)
            return [e for e in every if first <= e.at < last and subject in e.by]

        with ThreadPoolExecutor(_SEGMENTS) as pool:
            for entries in pool.map(segment, range(_SEGMENTS)):
                yield from entries


def _children_of(entry: Entry) -> set[str]:
    """Return whose child a journal entry is about, by its facts or by its aggregate."""
    kind, _, name = entry.stream.partition("/")
    found = {str(entry.facts[n]) for n in ("child", "child_id") if entry.facts.get(n)}
    if kind == "child":
        found.add(name)
    elif not found and kind == "application":
        application = applications.find_application(name)
        found |= {application.value.child_id} if application else set()
    elif not found and kind == "voucher":
        voucher = vouchers.find_voucher(name)
        found |= {voucher.value.child_id} if voucher else set()
    return found


def _add_families(found: dict[str, Exposed], on: date) -> None:
    def tell(child_id: str) -> None:
        kept = people.list_relations(child_id)
        found[child_id].tell = tuple(k.value.person_id for k in kept if k.value.holds(on))

    with ThreadPoolExecutor(_SEGMENTS) as pool:
        list(pool.map(tell, found))
