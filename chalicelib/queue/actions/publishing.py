"""A checkpoint: the whole order counted once, signed, and chained to the one before.

The pages are written first, named by what they hold, and the head last: readers go on reading the
checkpoint before until the new one is complete. The head's own version gives the number, so two
publishers never make the same one; whoever was raced begins again.

A checkpoint that comes late (counted for an instant before the newest one's) stands in the record
as before, but never in front of a newer one: it gets no number, and the chain goes on without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.applications.rules import DRAWN, QueueEntry
from chalicelib.children.actions import representatives_of
from chalicelib.journal import store as journal
from chalicelib.kernel import merkle
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.notes import signed_note
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.kernel.refusals import AnotherContent
from chalicelib.policy.actions import load_pack
from chalicelib.queue import rules, store
from chalicelib.queue.actions import forecasting, moving, planning, reasons
from chalicelib.queue.actions.running import write_parts
from chalicelib.queue.rules import (
    BehindPublished,
    Checkpoint,
    Head,
    Link,
    Listed,
    Outcome,
    Rank,
    Shortage,
    chain,
)
from chalicelib.storage import outbox, secrets, signing
from chalicelib.storage.commit import Put, Write, settles
from chalicelib.storage.secrets import fingerprint
from chalicelib.storage.shelf import Kept


@settles
def publish(
    checkpoint_id: str,
    *,
    programme: str,
    area: str,
    by: Actor,
    now: datetime,
    run_id: str | None = None,
    published: int = 0,
) -> Checkpoint:
    """Publish everybody's rank as of now, and tell those whose turn is near.

    The same id again gets the same checkpoint. The name of a draw's checkpoint is nobody's to give
    beforehand. run_id: of the run it comes after; published: the number of the last checkpoint
    whose files are known to lie in public. Raises Unknown, AnotherContent, BehindPublished,
    KeysSilent.
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
    if published > (kept_head.value.number if kept_head else 0):
        # After a restore the tables may be older than what lies in public: two orders of one
        # number would be signed.
        raise BehindPublished(published=published)
    opened = store.find_open(programme, area).value
    carry = opened.carry

    stands: dict[str, Outcome] = {}
    lacking: tuple[Shortage, ...] = ()
    if reading.money is not None:
        forecast = rules.plan_by_budget(seekers, reading.money, order, carry).outcomes
        stands = {outcome.application_id: outcome for outcome in forecast}
        lacking = rules.public_shortages(rules.shortages(forecast, reading.money))
    ranks = rules.explained(rules.rank(seekers, order, carry, stands), queue)
    waiting = rules.waiting_by_category(seekers, order)
    telling = rules.telling_categories(order, reading.judged.telling_tiers)
    year = reading.academic_year
    stay = rules.kept_together(
        (), year, opened.together, kept_head.value.together if kept_head else None
    )
    cells = rules.cells_of(waiting, telling, every=order.categories.values(), together=stay)
    since = moving.since_last(reading, ranks, kept_head, cells=cells, now=now)
    ranks, reasons_of, told_why = reasons.given(since.ranks, reading, opened.last_run_id, since)
    ranks, history = forecasting.foretold(ranks, reading, since, now=now)
    lines = rules.listed(ranks, cells, order.seeds)
    near = rules.near(ranks, ahead_max=reading.judged.terms.turn_is_near_ahead)

    as_of = stamp(now)
    series = f"{as_of}-{store.digest(ranks)[:12]}"
    ordered = rules.in_public_order(ranks, cells, order.seeds)
    leaf_of = {one.application_id: leaf for leaf, one in enumerate(ordered)}
    ranks = [replace(one, leaf=leaf_of[one.application_id]) for one in ranks]
    pages = store.rank_pages(programme, area, series, store.pages_of(ranks))
    lists = store.list_pages(programme, area, series, lines)
    write_parts(
        "queue/checkpoint-part", [*pages, *lists, *told_why], by=by, now=now, pack=pack.version
    )
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
        blind=secrets.blind("checkpoint", checkpoint_id).hex(),
        reasons_of=reasons_of,
        unexplained=since.unexplained,
        together=rules.kept_together(cells, year, stay),
    )
    # A checkpoint that comes late stands in the record, but never in front of a newer one.
    newest = kept_head is None or kept_head.value.as_of <= as_of
    if newest:
        head, leaves = _signed(
            replace(head, run_id=run_id), kept_head.value if kept_head else None, ordered, lines
        )
        write_parts("queue/checkpoint-leaves", leaves, by=by, now=now, pack=pack.version)
    checkpoint = Checkpoint(checkpoint_id=checkpoint_id, asked=asked, head=head)
    journal.commit(
        journal.entry(
            "queue/checkpoint-published",
            f"checkpoint/{checkpoint_id}",
            by=by,
            now=now,
            pack=pack.version,
            # What anybody may read of this order, so that the public log fixes it. The entry lies
            # among the files: it says of a small queue no more than they do.
            order=store.digest(lines),
            **_said_of(head),
        ),
        store.create_checkpoint(checkpoint),
        *(_chained(kept_head, head, tuple(near), now) if newest else []),
        *([*moving.telling(head, since, now=now), *history] if newest else []),
    )
    return checkpoint


def _signed(
    head: Head, before: Head | None, ordered: Sequence[Rank], lines: Sequence[Listed]
) -> tuple[Head, list[Put]]:
    """Return a head with its place in the chain and its note, and the pages of its leaves."""
    number = before.number + 1 if before else 1
    salt = secrets.ticket_salts()
    leaves = [
        chain.leaf_digest(chain.leaf_text(one, number), salt(one.application_id)) for one in ordered
    ]
    leaves += [
        chain.blank_digest(secrets.blind("leaf", head.area, head.series, str(number), str(n)))
        for n in range(chain.blanks_for(len(leaves)))
    ]
    levels = merkle.whole(leaves)
    root = merkle.root_of(len(leaves), merkle.fetching(levels))
    numbered = replace(head, number=number, size=len(leaves), root=chain.shown(root))
    text = chain.note_text(
        numbered,
        title=signing.title(f"queue/{head.programme}/{head.area}"),
        order=chain.order_file(number, head.as_of, head.cells, lines),
        previous=before.note if before and before.note else None,
    )
    note = signed_note(text, signing.signed(text.encode()))
    return replace(numbered, note=note), store.leaf_pages(numbered, leaves)


def _said_of(head: Head) -> dict[str, object]:
    """Return what the journal's entry, and with it the public log, says of the signed order."""
    if not head.number:
        return {}
    return {
        "number": head.number,
        "root": head.root,
        "size": head.size,
        "note": chain.note_digest(head.note),
    }


def _chained(
    kept: Kept[Head] | None, head: Head, near: tuple[str, ...], now: datetime
) -> list[Write]:
    """Describe the newest head, its number being taken, and its files being sent for."""
    link = Link(
        number=head.number,
        checkpoint_id=head.checkpoint_id,
        as_of=head.as_of,
        size=head.size,
        run_id=head.run_id,
        series=head.series,
        pages=head.pages,
    )
    return [
        store.keep_head(kept, replace(head, told=near)),
        store.create_link(head.programme, head.area, link),
        outbox.work(
            f"queue-files#{head.programme}#{head.area}#{head.number}",
            "queue/files",
            now=now,
            programme=head.programme,
            area=head.area,
        ),
    ]


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
            outbox.write_each([notice])
