"""A place on a platform that closed, a place here, and why the two differ.

The order of a queue is made anew from rights, times and draws; whoever stood elsewhere before is
owed the reason for each place of difference. Everybody who stands ahead now and did not before, or
the other way round, is counted under one cause, so that the counts lead from the old place to the
new one and leave nothing over:

    here = there + overtaken + newcomers - overtook - gone
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class InLine:
    """One of a queue, as the order has it. platform, old_place: None for who applied here."""

    application_id: str
    category: int
    platform: str | None = None
    old_place: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """From the place on a closed platform to the place in the order of serving here.

    overtaken_by_right, overtaken_by_time: stood behind there, stand ahead here: of another
    category, or of the own by an earlier time or the draw. newcomers: ahead, not of that platform.
    overtook_by_right, overtook_by_time: the other way round. gone: stood ahead there and are not
    in the queue: doubled rows, those who cannot be taken over, those served or withdrawn since.
    """

    there: int
    here: int
    overtaken_by_right: int
    overtaken_by_time: int
    newcomers: int
    overtook_by_right: int
    overtook_by_time: int
    gone: int

    @property
    def balances(self) -> bool:
        """Return whether the causes lead from one place to the other."""
        overtaken = self.overtaken_by_right + self.overtaken_by_time
        overtook = self.overtook_by_right + self.overtook_by_time
        return self.here == self.there + overtaken + self.newcomers - overtook - self.gone


def explain_moves(order: Sequence[InLine]) -> dict[str, Moved]:
    """Return why each place changed, for those who stood on a platform, by application.

    order: the whole queue in the order of serving. Places of one platform are distinct.
    """
    everywhere: dict[str, list[int]] = {}
    in_category: dict[tuple[str, int], list[int]] = {}
    for one in order:
        if one.platform is not None and one.old_place is not None:
            everywhere.setdefault(one.platform, []).append(one.old_place)
            in_category.setdefault((one.platform, one.category), []).append(one.old_place)
    for places in (*everywhere.values(), *in_category.values()):
        places.sort()

    ahead: dict[str, list[int]] = {}
    ahead_in_category: dict[tuple[str, int], list[int]] = {}
    moved: dict[str, Moved] = {}
    for index, one in enumerate(order):
        if one.platform is None or one.old_place is None:
            continue
        place, own = one.old_place, (one.platform, one.category)
        before = ahead.setdefault(one.platform, [])
        before_own = ahead_in_category.setdefault(own, [])
        overtaken = len(before) - bisect_right(before, place)
        overtaken_own = len(before_own) - bisect_right(before_own, place)
        smaller = bisect_left(everywhere[one.platform], place)
        overtook = smaller - bisect_left(before, place)
        overtook_own = bisect_left(in_category[own], place) - bisect_left(before_own, place)
        moved[one.application_id] = Moved(
            there=place,
            here=index + 1,
            overtaken_by_right=overtaken - overtaken_own,
            overtaken_by_time=overtaken_own,
            newcomers=index - len(before),
            overtook_by_right=overtook - overtook_own,
            overtook_by_time=overtook_own,
            gone=place - 1 - smaller,
        )
        insort(before, place)
        insort(before_own, place)
    return moved
