"""What the feed tells of an entry: that something happened to which thing, never what is in it."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.record.rules.leaves import Leaf

# Slices whose changes portals may follow; what concerns sign-ins, looks and rights is not told.
SLICES = frozenset(
    (
        "applications",
        "attendance",
        "billing",
        "budgets",
        "children",
        "complaints",
        "lessons",
        "payouts",
        "providers",
        "queue",
        "ratings",
        "vouchers",
    )
)
# Names that would tell of health, of special needs or of a family's affairs.
_TOLD_AS = {
    "vouchers/raised": "vouchers/changed",
    "applications/status-decided": "applications/changed",
    "applications/status-lapsed": "applications/changed",
    "applications/judged-anew": "applications/changed",
    "children/representative-set": "children/changed",
    "children/identity-corrected": "children/changed",
    "children/contacts-changed": "children/changed",
    "children/merged": "children/changed",
    "children/unmerged": "children/changed",
}
_KINDS = frozenset(
    (
        "claim",
        "device",
        "group",
        "intakes",
        "organisation",
        "payment",
        "run",
        "checkpoint",
        "site",
        "timetable",
    )
)
# A child's or a parent's: told to portals alone.
_FAMILIES = frozenset(("application", "child", "person", "voucher"))


@dataclass(frozen=True, slots=True)
class Change:
    """One change: its number in the log, what happened, to which thing, when, where.

    id: None for kinds of things whose ids stay inside.
    """

    number: int
    event: str
    kind: str
    id: str | None
    at: str
    area: str | None


def told(number: int, leaf: Leaf, *, only: str | None, families: bool) -> Change | None:
    """Return what is told of a leaf; None where nothing is, or it is of another slice.

    families: whether ids of what is a child's or a parent's are told.
    """
    slice_name = leaf.event.partition("/")[0]
    if slice_name not in SLICES or (only is not None and slice_name != only):
        return None
    kind, _, thing = leaf.stream.partition("/")
    known = kind in _KINDS or (families and kind in _FAMILIES)
    event = _TOLD_AS.get(leaf.event, leaf.event)
    return Change(number, event, kind, thing if known else None, leaf.at, leaf.area)
