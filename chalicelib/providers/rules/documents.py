"""The checklist: what a site shows to enter the List, and how long each paper lasts.

On the List every paper with an end is watched: its organisation is told some days ahead, may renew
it at any time, and a site whose paper ended is suspended by rule, its children safe as in every
suspension.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from chalicelib.kernel.refusals import Malformed, OutOfTurn
from chalicelib.policy.rules import Admission, ChecklistItem

# The item that a site shows by its point on the map, not by a paper.
ON_MAP = "address-on-map"


class UnknownItem(Malformed):
    """The checklist in force has no such item, or the item stands there twice."""

    code = "providers/unknown-item"


class ChecklistUnmet(OutOfTurn):
    """Items of the checklist are missing, expired, or may not be still in progress."""

    code = "providers/checklist-unmet"


class PaperTooLong(Malformed):
    """No paper of this item lasts so long: one of today would end on `latest` at most."""

    code = "providers/paper-too-long"


@dataclass(frozen=True, slots=True)
class Shown:
    """One item of the checklist as the head shows it.

    document: the number of the paper. digest: SHA-256 of the file, in hex, when it is attached.
    renewed_at: when the head replaced it on the List, so that an officer sees what is new.
    """

    item: str
    state: Literal["ready", "in-progress"]
    document: str | None = None
    digest: str | None = None
    valid_to: date | None = None
    renewed_at: str | None = None


def check_list(
    shown: Iterable[Shown],
    *,
    admission: Admission,
    today: date,
    on_map: bool,
    direction: str = "",
) -> None:
    """Raise UnknownItem, ChecklistUnmet (with the items) or PaperTooLong unless all is right.

    on_map: the site has its point; without one nobody finds it nearby, whatever its head says.
    """
    given: dict[str, Shown] = {}
    known = {item.code: item for item in admission.items_for(direction)}
    for item in shown:
        if item.item not in known or item.item in given:
            raise UnknownItem(item=item.item[:40])
        given[item.item] = item
    off_map = known.keys() & {ON_MAP} if not on_map else set()
    missing = sorted((known.keys() - given.keys()) | off_map)
    not_ready = sorted(
        code
        for code, item in given.items()
        if item.state == "in-progress" and not known[code].in_progress_allowed
    )
    expired = sorted(
        code for code, item in given.items() if _over(item, known[code], admission, today)
    )
    if missing or not_ready or expired:
        raise ChecklistUnmet(missing=missing, not_ready=not_ready, expired=expired)
    for code, item in sorted(given.items()):
        _check_length(item, known[code], admission, today)


def check_one(
    shown: Shown, earlier: Shown | None, *, admission: Admission, today: date, direction: str
) -> None:
    """Raise UnknownItem, ChecklistUnmet or PaperTooLong unless this item alone is as it must be.

    A paper that was there does not go back to being in progress: it would be watched no more.
    """
    known = {item.code: item for item in admission.items_for(direction)}
    if shown.item not in known:
        raise UnknownItem(item=shown.item[:40])
    item = known[shown.item]
    was_ready = earlier is not None and earlier.state == "ready"
    not_ready = shown.state == "in-progress" and (was_ready or not item.in_progress_allowed)
    expired = _over(shown, item, admission, today)
    if not_ready or expired:
        raise ChecklistUnmet(
            missing=[],
            not_ready=[shown.item] if not_ready else [],
            expired=[shown.item] if expired else [],
        )
    _check_length(shown, item, admission, today)


def renewed(checklist: Sequence[Shown], item: Shown) -> tuple[Shown, ...]:
    """Return the checklist with one item replaced or added, in order of items."""
    others = [one for one in checklist if one.item != item.item]
    return tuple(sorted([*others, item], key=lambda one: one.item))


def watched(checklist: Iterable[Shown], admission: Admission, direction: str) -> list[Shown]:
    """Return the papers whose end is watched: each of the direction's items that names an end.

    An item whose length the rules leave open ends on the day its paper says. None where the pack
    gives no notice days: then only the yearly re-check looks at papers.
    """
    if not admission.document_notice_days:
        return []
    known = {item.code for item in admission.items_for(direction)}
    return [one for one in checklist if one.item in known and one.valid_to is not None]


def expired(
    checklist: Iterable[Shown], *, admission: Admission, today: date, direction: str
) -> list[Shown]:
    """Return the watched papers whose last day is over, by item."""
    return [
        one
        for one in watched(checklist, admission, direction)
        if one.valid_to is not None and one.valid_to < today
    ]


def ending_soon(
    checklist: Iterable[Shown], *, admission: Admission, today: date, direction: str
) -> list[Shown]:
    """Return the watched papers within their days of notice, today's last day included."""
    ahead = timedelta(days=admission.document_notice_days)
    return [
        one
        for one in watched(checklist, admission, direction)
        if one.valid_to is not None and one.valid_to - ahead <= today <= one.valid_to
    ]


def next_look(
    checklist: Iterable[Shown], *, admission: Admission, today: date, direction: str
) -> date | None:
    """Return the first day after today on which a notice is due or a paper is over."""
    ahead = timedelta(days=admission.document_notice_days)
    days = [
        day
        for one in watched(checklist, admission, direction)
        if one.valid_to is not None
        for day in (one.valid_to - ahead, one.valid_to + timedelta(days=1))
        if day > today
    ]
    return min(days, default=None)


def _check_length(shown: Shown, item: ChecklistItem, admission: Admission, today: date) -> None:
    # Where ends are watched, nobody escapes by naming one that no paper has.
    if not admission.document_notice_days or item.validity_days is None or shown.valid_to is None:
        return
    latest = today + timedelta(days=item.validity_days)
    if shown.valid_to > latest:
        raise PaperTooLong(item=shown.item, latest=latest.isoformat())


def _over(shown: Shown, item: ChecklistItem, admission: Admission, today: date) -> bool:
    if shown.state != "ready":
        return False
    if shown.valid_to is None:
        return item.validity_days is not None
    ends = item.validity_days is not None or admission.document_notice_days > 0
    return ends and shown.valid_to < today
