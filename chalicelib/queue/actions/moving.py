"""Why places moved since the checkpoint before: gathered from both orders and from who left.

Both orders are read whole, the old one from its pages; of the applications only those that left and
those that came in ahead of somebody. What nothing explains is counted and sounded as an alarm; the
checkpoint is published all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from chalicelib.applications import store as applications
from chalicelib.applications.rules import Application
from chalicelib.children.actions import representatives_of
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.queue import rules, store
from chalicelib.queue.actions.planning import Reading
from chalicelib.queue.rules import Head, Moves, Rank, Stood
from chalicelib.queue.rules import moves as why
from chalicelib.storage import outbox
from chalicelib.storage.commit import Raced, Write, commit
from chalicelib.storage.shelf import Kept

Said = Mapping[str, str]  # by language


@dataclass(frozen=True, slots=True)
class Since:
    """What happened since the checkpoint before.

    head, before: that checkpoint and its ranks, None and none where this is the first, or came
    late; ranks: of now, with their moves; left: who left, by application; gone: why.
    """

    ranks: list[Rank]
    head: Head | None = None
    before: Mapping[str, Rank] = field(default_factory=dict)
    left: Mapping[str, Application] = field(default_factory=dict)
    gone: Mapping[str, why.Gone] = field(default_factory=dict)

    @property
    def unexplained(self) -> int:
        """Return how many places moved for no known cause, over all tickets the most of one."""
        return max((one.step.unexplained for one in self.ranks if one.step), default=0)


def since_last(
    reading: Reading, ranks: Sequence[Rank], kept: Kept[Head] | None, *, now: datetime
) -> Since:
    """Return the ranks with their moves since the newest checkpoint; without, where it is later."""
    head = kept.value if kept is not None else None
    number = (head.number if head else 0) + 1
    if head is None or head.as_of > stamp(now):
        return Since([replace(one, entered=number) for one in ranks])
    before = {one.application_id: one for one in store.find_ranks(head)}
    today = {one.application_id: one for one in ranks}
    timed = all(one.ordered_at for one in before.values())
    then, stands = _stood(before, timed=timed), _stood(today, timed=timed)
    gone, came = why.needed(then, stands)
    found = {k: v.value for k, v in applications.find_applications([*gone, *came]).items()}
    aged = {one.application_id for one in reading.seekers if one.out_of_age is not None}
    turned = reading.academic_year != head.academic_year
    left: dict[str, why.Gone] = {}
    for key in gone:
        gone_by = why.why_left(found.get(key), before=head.as_of, out_of_age=key in aged)
        if gone_by is not None:
            left[key] = gone_by
    entered: dict[str, why.Came] = {}
    for key in came:
        came_by = why.why_came(found.get(key), before=head.as_of, year_turned=turned)
        if came_by is not None:
            entered[key] = came_by
    steps = why.moves(then, stands, gone=left, came=entered)
    return Since(
        [_moved(one, before.get(key), steps.get(key), number) for key, one in today.items()],
        head,
        before,
        {key: found[key] for key in gone if key in found},
        left,
    )


def telling(head: Head, since: Since, *, now: datetime) -> list[Write]:
    """Describe that families are to be told of what became worse; nothing where nothing did."""
    if not any(worse(one) for one in since.ranks):
        return []
    return [
        outbox.work(
            f"tell-moved#{head.checkpoint_id}",
            "queue/tell-moved",
            now=now,
            checkpoint_id=head.checkpoint_id,
            page=0,
        )
    ]


def worse(one: Rank) -> bool:
    """Return whether a place became worse since the checkpoint before."""
    return one.step is not None and one.step.now > one.step.before


def _moved(one: Rank, before: Rank | None, step: Moves | None, number: int) -> Rank:
    if before is None or step is None:
        return replace(one, entered=number)
    return replace(
        one,
        step=step,
        sums=why.added(before.sums, step.causes),
        # Those of a checkpoint before there were sums begin to be counted at it.
        entered=before.entered or number - 1,
    )


def _stood(ranks: Mapping[str, Rank], *, timed: bool) -> dict[str, Stood]:
    return {
        key: Stood(
            one.tier,
            one.cohort,
            one.place,
            one.ordered_at if timed else "",
            one.drawn,
            one.category,
        )
        for key, one in ranks.items()
    }


def tell_page(
    checkpoint_id: str, page: int, *, said: Callable[[rules.Causes], Said], now: datetime
) -> bool:
    """Tell the families of one page of ranks whose place is worse; return whether more are left.

    said: puts causes into words, by language. Once for each checkpoint, application and
    representative, however often it is called.
    """
    checkpoint = store.find_checkpoint(checkpoint_id)
    if checkpoint is None or page >= checkpoint.value.head.pages:
        return False
    head = checkpoint.value.head
    told = [one for one in store.ranks_on(head, page) if worse(one)]
    found = applications.find_applications([one.application_id for one in told])
    for one in told:
        kept_application = found.get(one.application_id)
        if kept_application is not None and one.step is not None:
            reasons = said(shown_causes(head, one.category, one.step.causes))
            _tell(head, one, kept_application.value, reasons, now)
    return page + 1 < head.pages


def _tell(head: Head, one: Rank, application: Application, reasons: Said, now: datetime) -> None:
    assert one.step is not None
    people = representatives_of(application.child_id, local_day(now)) or (application.person_id,)
    for person_id in people:
        notice = outbox.notice(
            f"place-moved#{head.checkpoint_id}#{one.application_id}",
            to=f"person:{person_id}",
            template="notice:queue/place-moved",
            now=now,
            application_id=one.application_id,
            ticket=one.ticket,
            before=one.step.before,
            place=one.step.now,
            reasons=dict(reasons),
        )
        try:
            commit([notice])
        except Raced:
            continue  # told before


def shown_causes(head: Head, category: int, causes: rules.Causes) -> rules.Causes:
    """Return causes as a family is shown them: those of a category that stands apart as they are.

    In any other why somebody else left or came could tell of that child.
    """
    apart = any(cell.categories == (category,) for cell in head.cells)
    return causes if apart else why.discreet(causes)
