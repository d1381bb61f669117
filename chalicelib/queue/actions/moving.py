"""Why places moved since the checkpoint before: gathered from both orders and from who left.

Both orders are read whole, the old one from its pages; of the applications only those that left and
those that came in ahead of somebody. What nothing explains is counted and sounded as an alarm; the
checkpoint is published all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from chalicelib.access import actions as access
from chalicelib.applications import store as applications
from chalicelib.applications.rules import Application
from chalicelib.children.actions import acting_for, representatives_of
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.kernel.refusals import Unknown
from chalicelib.queue import rules, store
from chalicelib.queue.actions.planning import Reading
from chalicelib.queue.rules import Head, Moves, Rank, Stood
from chalicelib.queue.rules import moves as why
from chalicelib.storage import outbox
from chalicelib.storage.commit import Raced, Write, commit
from chalicelib.storage.shelf import Kept

Said = Mapping[str, str]  # by language
# What the alarm says, and what it counts.
UNEXPLAINED = "a place moved without a known cause"
UNEXPLAINED_METRIC = "QueueMoveUnexplained"


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
    reading: Reading,
    ranks: Sequence[Rank],
    kept: Kept[Head] | None,
    *,
    cells: Sequence[rules.Cell],
    now: datetime,
) -> Since:
    """Return the ranks with their moves since the newest checkpoint; without, where it is later.

    cells: of this checkpoint. Causes are kept as they may be shown then, and summed so: a category
    that is shown apart later tells nothing of the time when it was not.
    """
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
    steps = {
        key: replace(step, causes=shown_causes(cells, today[key], step.causes))
        for key, step in why.moves(then, stands, gone=left, came=entered).items()
    }
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
    if not before.entered:
        # The checkpoint before is older than these sums: they begin now.
        return replace(one, step=step, entered=number)
    return replace(one, step=step, sums=why.added(before.sums, step.causes), entered=before.entered)


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
            _tell(head, one, kept_application.value, said(one.step.causes), now)
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


def shown_causes(cells: Sequence[rules.Cell], one: Rank, causes: rules.Causes) -> rules.Causes:
    """Return causes of an application's moves as they may be shown.

    cells: of the rank's checkpoint. Where the category does not stand alone in one, why somebody
    else left or came could tell of that child.
    """
    alone = any(cell.categories == (one.category,) for cell in cells)
    return causes if alone else why.discreet(causes)


@dataclass(frozen=True, slots=True)
class MoveShown:
    """Where a ticket stood at a checkpoint and how it came there from the one before.

    moves: None at the first checkpoint of a standing; its causes are those a family may know, as
    they were kept.
    """

    number: int
    as_of: str
    place: int
    moves: Moves | None


@dataclass(frozen=True, slots=True)
class WholeShown:
    """The moves from one checkpoint to the newest, all together."""

    checkpoint_id: str
    since: str
    number: int
    as_of: str
    moves: Moves


def moves_page(
    application_id: str,
    *,
    by: Actor,
    position: str | None,
    limit: int,
    now: datetime,
) -> tuple[tuple[MoveShown, ...], str | None]:
    """Return the moves of an application, newest first, and where to go on. Raises Unknown.

    For the family; for officers of the area and auditors, whose look at the child is recorded. A
    query, and a call for the ranks. limit: of checkpoints looked at; where the application did
    not wait it has no move.
    """
    application = _seen(application_id, by, now)
    programme, area = application.programme, application.area
    before = int(position) if position else None
    links = list(islice(store.each_link(programme, area, before=before, newest=True), limit + 1))
    ranks = store.ranks_at(programme, area, links[:limit], application_id)
    page = tuple(
        MoveShown(link.number, link.as_of, one.place, one.step)
        for link in links[:limit]
        if (one := ranks.get(link.number)) is not None
    )
    return page, str(links[limit - 1].number) if len(links) > limit else None


def moves_since(
    application_id: str, checkpoint_id: str, *, by: Actor, now: datetime
) -> WholeShown | None:
    """Return all moves of an application since a checkpoint, as one. Raises Unknown.

    None where it waits no more, or did not wait then. Both ends are read, nothing between.
    """
    application = _seen(application_id, by, now)
    newest = store.find_head(application.programme, application.area)
    then = store.find_checkpoint(checkpoint_id)
    if newest is None or then is None:
        raise Unknown()
    head = then.value.head
    if (head.programme, head.area) != (application.programme, application.area):
        raise Unknown()
    first = store.find_rank(head, application_id)
    last = store.find_rank(newest.value, application_id)
    if first is None or last is None or head.as_of > newest.value.as_of or not head.number:
        return None
    whole = why.since(
        first.place,
        last.place,
        then=first.sums,
        today=last.sums,
        unbroken=first.entered == last.entered,
    )
    causes = shown_causes(newest.value.cells, last, whole.causes)
    return WholeShown(
        checkpoint_id,
        head.as_of,
        newest.value.number,
        newest.value.as_of,
        replace(whole, causes=causes),
    )


def _seen(application_id: str, by: Actor, now: datetime) -> Application:
    kept = applications.find_application(application_id)
    if kept is None:
        raise Unknown()
    application = kept.value
    if not access.may(by, area=application.area):
        acting_for(application.child_id, by, None, local_day(now))
    access.looked([application.child_id], ("application",))
    return application
