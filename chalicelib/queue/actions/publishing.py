"""A checkpoint: the whole order counted once, and published.

The pages are written first, named by what they hold, and the head last: readers go on reading the
checkpoint before until the new one is complete.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.applications.rules import DRAWN, QueueEntry
from chalicelib.children.actions import representatives_of
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.kernel.refusals import AnotherContent
from chalicelib.policy.actions import load_pack
from chalicelib.queue import rules, store
from chalicelib.queue.actions import planning
from chalicelib.queue.actions.running import write_parts
from chalicelib.queue.rules import Checkpoint, Head, Outcome, Shortage
from chalicelib.storage import outbox
from chalicelib.storage.commit import Raced, commit, settles
from chalicelib.storage.secrets import fingerprint


@settles
def publish(
    checkpoint_id: str, *, programme: str, area: str, by: Actor, now: datetime
) -> Checkpoint:
    """Publish everybody's rank as of now, and tell those whose turn is near.

    The same id again gets the same checkpoint. The name of a draw's checkpoint is nobody's to give
    beforehand. Raises Unknown, AnotherContent.
    """
    access.demand(by, area=area)
    load_pack(programme, area)
    asked = fingerprint([programme, area])
    earlier = store.find_checkpoint(checkpoint_id)
    if earlier is not None:
        if earlier.value.asked != asked:
            raise AnotherContent(checkpoint_id=checkpoint_id)
        return earlier.value
    if checkpoint_id.startswith(DRAWN) and not by.has(Role.SYSTEM):
        raise AnotherContent(checkpoint_id=checkpoint_id)

    reading = planning.read(programme, area, now=now)
    pack, queue, seekers, order = reading.pack, reading.entries, reading.seekers, reading.order
    kept_head = store.find_head(programme, area)
    carry = store.find_open(programme, area).value.carry

    stands: dict[str, Outcome] = {}
    lacking: tuple[Shortage, ...] = ()
    if reading.money is not None:
        forecast = rules.plan_by_budget(seekers, reading.money, order, carry).outcomes
        stands = {outcome.application_id: outcome for outcome in forecast}
        lacking = rules.public_shortages(rules.shortages(forecast, reading.money))
    ranks = rules.explained(rules.rank(seekers, order, carry, stands), queue)
    waiting = rules.waiting_by_category(seekers, order)
    telling = rules.telling_categories(order, reading.judged.telling_tiers)
    cells = rules.cells_of(waiting, telling)
    lines = rules.listed(ranks, cells)
    near = rules.near(ranks, ahead_max=reading.judged.terms.turn_is_near_ahead)

    as_of = stamp(now)
    series = f"{as_of}-{store.digest(ranks)[:12]}"
    pages = store.rank_pages(programme, area, series, store.pages_of(ranks))
    lists = store.list_pages(programme, area, series, lines)
    write_parts("queue/checkpoint-part", [*pages, *lists], by=by, now=now, pack=pack.version)
    told = frozenset(kept_head.value.told) if kept_head else frozenset()
    _tell(
        [queue[key] for key in near if key not in told],
        "notice:queue/turn-is-near"
        if reading.judged.terms.papers
        else "notice:queue/turn-is-near-no-papers",
        now,
    )
    head = Head(
        checkpoint_id=checkpoint_id,
        programme=programme,
        area=area,
        as_of=as_of,
        academic_year=reading.academic_year,
        pack=pack.version,
        series=series,
        pages=len(pages),
        lists=len(lists),
        waiting=len(ranks),
        cells=cells,
        shortages=lacking,
    )
    checkpoint = Checkpoint(checkpoint_id=checkpoint_id, asked=asked, head=head)
    # A checkpoint that comes late stands in the record, but never in front of a newer one.
    newest = kept_head is None or kept_head.value.as_of <= as_of
    journal.commit(
        journal.entry(
            "queue/checkpoint-published",
            f"checkpoint/{checkpoint_id}",
            by=by,
            now=now,
            pack=pack.version,
            series=series,
            waiting=len(ranks),
            # What anybody may read of this order, so that the public log fixes it.
            order=store.digest(lines),
        ),
        store.create_checkpoint(checkpoint),
        *([store.keep_head(kept_head, replace(head, told=tuple(near)))] if newest else []),
    )
    return checkpoint


def _tell(entries: Sequence[QueueEntry], template: str, now: datetime) -> None:
    """Write the notice that a turn is near, once for each application and representative."""
    for entry in entries:
        people = representatives_of(entry.child_id, local_day(now)) or (entry.person_id,)
        for person_id in people:
            notice = outbox.notice(
                f"turn-is-near#{entry.application_id}",
                to=f"person:{person_id}",
                template=template,
                now=now,
                application_id=entry.application_id,
                ticket=entry.ticket,
            )
            try:
                commit([notice])
            except Raced:
                continue  # told before
