"""When attendance is odd enough for an officer to look at it: thresholds, dated like all rules."""

# No postponed annotations here: the reader of pack files uses them as they are.

from dataclasses import dataclass, field

from chalicelib.policy.rules.texts import Dated, between

_SECONDS = between(0, 86_400)
_MONTHS = between(0, 12)
_PER_MILLE = between(0, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRule(Dated):
    """What makes a signal; 0 switches its signal off. A signal holds nothing: people decide.

    doubled_lines: a child's lines of a month that another provider claims too. outside_minutes: how
    far from the opening hours a mark lies. day_off_children: children marked on one day off.
    second_children: children who arrived in one second of one upload. same_days: days whose minutes
    of coming and going repeat the month before, same_per_mille of the row and same_distinct
    different ones at least; or same_children of different groups have one row. full_months: months
    in which full_per_mille of a group's children, and at least full_children of them, never missed
    a day. approvals_persons: representatives who approved from one device within approvals_minutes.
    far_metres: a way between two marks of one tablet, covered faster than metres_a_second_max.
    clock_jump_seconds: a step of a tablet's clock between two uploads, or back between two records.
    silent_months: months that no representative of the child said anything of. over_capacity:
    children above a group's places.
    """

    doubled_lines: int = field(default=0, metadata=between(0, 31))
    outside_minutes: int = field(default=0, metadata=between(0, 720))
    day_off_children: int = field(default=0, metadata=between(0, 1000))
    second_children: int = field(default=0, metadata=between(0, 1000))
    same_days: int = field(default=0, metadata=between(0, 31))
    same_per_mille: int = field(default=800, metadata=_PER_MILLE)
    same_distinct: int = field(default=3, metadata=between(1, 31))
    same_children: int = field(default=3, metadata=between(2, 1000))
    full_months: int = field(default=0, metadata=_MONTHS)
    full_per_mille: int = field(default=1000, metadata=_PER_MILLE)
    full_children: int = field(default=1, metadata=between(1, 1000))
    approvals_persons: int = field(default=0, metadata=between(0, 1000))
    approvals_minutes: int = field(default=60, metadata=between(1, 20_160))
    far_metres: int = field(default=0, metadata=between(0, 1_000_000))
    metres_a_second_max: int = field(default=45, metadata=between(1, 1000))
    clock_jump_seconds: int = field(default=0, metadata=_SECONDS)
    silent_months: int = field(default=0, metadata=_MONTHS)
    over_capacity: int = field(default=0, metadata=between(0, 1000))
