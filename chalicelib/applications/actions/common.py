"""What several actions on applications share."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from chalicelib.applications import rules, store
from chalicelib.applications.rules import Application, QueueEntry
from chalicelib.children import actions as children
from chalicelib.children import rules as children_rules
from chalicelib.children import store as children_store
from chalicelib.children.rules import Holding, Holdings, Power
from chalicelib.journal import store as journal
from chalicelib.journal.rules import Entry
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import local_day
from chalicelib.storage import outbox
from chalicelib.storage.commit import Put, Write
from chalicelib.storage.shelf import Kept


def own(application_id: str, *, power: Power | None, by: Actor, now: datetime) -> Kept[Application]:
    """Return an application of a child whom the caller represents today.

    Raises Unknown, alike for another's application and for one that does not exist; PowerMissing.
    """
    kept = store.load_application(application_id)
    children.acting_for(kept.value.child_id, by, power, local_day(now))
    return kept


def entry(event: str, application: Application, *, by: Actor, now: datetime, **facts: Any) -> Entry:
    """Return a journal entry about an application; it tells neither statuses nor the category."""
    return journal.entry(
        f"applications/{event}",
        f"application/{application.application_id}",
        by=by,
        now=now,
        pack=application.pack,
        child=application.child_id,
        programme=application.programme,
        area=application.area,
        state=application.state,
        **facts,
    )


def tell(
    application: Application, template: str, event_key: str, *, now: datetime, **facts: Any
) -> list[Write]:
    """Describe a notice to each of those who may act for the child today."""
    people = children.representatives_of(application.child_id, local_day(now))
    # A child without any representative today: the applicant is still owed the answer.
    return [
        outbox.notice(
            f"{event_key}#{application.application_id}",
            to=f"person:{person_id}",
            template=f"notice:applications/{template}",
            now=now,
            application_id=application.application_id,
            ticket=application.ticket,
            **facts,
        )
        for person_id in people or (application.person_id,)
    ]


def check_free(child_id: str, programme: str, area: str, *, on: date) -> Kept[Holdings]:
    """Return what a child holds when it may hold something in a programme. One read.

    Raises AlreadyApplied, HeldElsewhere.
    """
    kept = children_store.load_holdings(child_id)
    beside = children.beside(kept.value, programme, area, on)
    rules.check_free(kept.value, programme, beside)
    return kept


def holding_of(application: Application) -> Holding:
    """Return what a child holds with a live application."""
    return Holding(
        kind="application",
        id=application.application_id,
        programme=application.programme,
        area=application.area,
        since=application.received_at,
    )


def held_with(kept: Kept[Holdings], application: Application) -> Put:
    """Describe a child that holds an application too; it was asked whether it may."""
    beside = {held.programme for held in kept.value.held}
    held = children_rules.hold(kept.value, holding_of(application), beside=beside)
    return children_store.keep_holdings(kept, held)


def take_hold(application: Application, *, on: date) -> Put:
    """Describe a child's hold on its one application. Raises AlreadyApplied, HeldElsewhere."""
    kept = check_free(application.child_id, application.programme, application.area, on=on)
    return held_with(kept, application)


def release(application: Application, *also: str) -> Put:
    """Describe a child being free to apply anew; also: ids of what ends with the application."""
    kept = children_store.load_holdings(application.child_id)
    holdings = kept.value
    for gone_id in (application.application_id, *also):
        holdings = children_rules.swap(holdings, gone_id)
    return children_store.keep_holdings(kept, holdings)


def follow(application: Application) -> list[Write]:
    """Describe the queue entry following a changed application; nothing where it does already."""
    kept = store.find_entry(application)
    if kept is None:
        return []
    current = rules.entry_of(application, batch_size=kept.value.batch_size)
    return [] if current == kept.value else [store.keep_entry(kept, current)]


def leave(application: Application) -> list[Write]:
    """Describe an application leaving queue and batch: its siblings wait for it no longer."""
    writes: list[Write] = []
    kept = store.find_entry(application)
    if kept is not None:
        writes.append(store.leave_queue(kept))
    if application.batch_id is None:
        return writes
    batch = store.find_batch(application.batch_id)
    if batch is None:
        return writes
    left = rules.leave_batch(batch.value, application_id=application.application_id)
    if left == batch.value:
        return writes
    writes.append(store.keep_batch(batch, left))
    for sibling in store.find_applications(left.members).values():
        standing = store.find_entry(sibling.value)
        if standing is not None:
            shrunk: QueueEntry = rules.entry_of(sibling.value, batch_size=left.size)
            writes.append(store.keep_entry(standing, shrunk))
    return writes
