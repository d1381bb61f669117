"""Rows of applications: the application, its ticket, its place in a queue, its batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chalicelib.applications.rules import (
    Application,
    Batch,
    Intakes,
    QueueEntry,
    Signing,
    TicketOf,
    prove_by,
    remind_at,
)
from chalicelib.journal import store as journal
from chalicelib.kernel.periods import from_stamp
from chalicelib.storage import agenda, keys, vault
from chalicelib.storage.commit import Delete, Put, Write
from chalicelib.storage.rows import FactsRow, QueueRow
from chalicelib.storage.shelf import Kept, Shelf


@dataclass(frozen=True, slots=True)
class Pointer:
    """An application found from another side."""

    application_id: str


@dataclass(frozen=True, slots=True)
class AreaOf:
    """The programme and area whose window of intake has this id."""

    programme: str
    area: str


# What was claimed and what follows from it, which tells nearly as much.
_TELLING = ("statuses", "tier", "category", "sen")
_TELLING_FIRST = (*_TELLING, "first_category")

APPLICATIONS: Shelf[Application] = Shelf(FactsRow, Application, veiled=_TELLING_FIRST, block=256)
TICKETS: Shelf[TicketOf] = Shelf(FactsRow, TicketOf)
BATCHES: Shelf[Batch] = Shelf(FactsRow, Batch)
POINTERS: Shelf[Pointer] = Shelf(FactsRow, Pointer)
SIGNINGS: Shelf[Signing] = Shelf(FactsRow, Signing)
INTAKES: Shelf[Intakes] = Shelf(FactsRow, Intakes)
INTAKE_AREAS: Shelf[AreaOf] = Shelf(FactsRow, AreaOf)
ENTRIES: Shelf[QueueEntry] = Shelf(QueueRow, QueueEntry, veiled=_TELLING)

_LIFE = 1_000_000  # more changes than an entry sees between two times in the queue


# --- reads --------------------------------------------------------------------------------------


def find_application(application_id: str) -> Kept[Application] | None:
    return APPLICATIONS.find(keys.application(application_id))


def load_application(application_id: str) -> Kept[Application]:
    return APPLICATIONS.load(keys.application(application_id))


def find_first(application_id: str) -> Application | None:
    """Return an application as its first journal entry wrote it. One query."""
    key = keys.application(application_id)
    for image in journal.images_in(f"application/{application_id}", most=1):
        if (image.pk, image.sk) == key and image.attributes is not None:
            row = FactsRow()
            row.deserialize(image.attributes)
            return APPLICATIONS.kept(row).value
    return None


def find_applications(application_ids: Sequence[str]) -> dict[str, Kept[Application]]:
    found = APPLICATIONS.find_many([keys.application(a) for a in application_ids])
    return {kept.value.application_id: kept for kept in found.values()}


def find_ticket(ticket: str) -> str | None:
    """Return the application a public ticket stands for."""
    kept = TICKETS.find(keys.ticket(ticket))
    return kept.value.application_id if kept else None


def find_tickets(tickets: Sequence[str]) -> dict[str, str]:
    """Return ticket → the application it stands for; a call per hundred."""
    found = TICKETS.find_many([keys.ticket(ticket) for ticket in tickets])
    by_key = {(kept.pk, kept.sk): kept.value.application_id for kept in found.values()}
    return {t: by_key[keys.ticket(t)] for t in tickets if keys.ticket(t) in by_key}


def find_batch(batch_id: str) -> Kept[Batch] | None:
    return BATCHES.find(keys.batch(batch_id))


def find_entry(application: Application) -> Kept[QueueEntry] | None:
    """Return an application's place in its queue, None when it does not stand there."""
    key = keys.queue_entry(application.programme, application.area, application.application_id)
    return ENTRIES.find(key)


def load_entry(application: Application) -> Kept[QueueEntry]:
    key = keys.queue_entry(application.programme, application.area, application.application_id)
    return ENTRIES.load(key)


def find_entries(
    programme: str, area: str, application_ids: Sequence[str]
) -> dict[str, Kept[QueueEntry]]:
    """Return those that stand in a queue, by application; a call per hundred."""
    found = ENTRIES.find_many([keys.queue_entry(programme, area, a) for a in application_ids])
    return {kept.value.application_id: kept for kept in found.values()}


def list_queue(programme: str, area: str) -> list[Kept[QueueEntry]]:
    """Return a whole queue, unordered: one query per shard."""
    return [kept for pk in keys.queue_shards(programme, area) for kept in ENTRIES.each(pk)]


def each_queued(programme: str, area: str) -> Iterator[QueueEntry]:
    """Yield who stands in a queue, unordered and not to be changed: one query per shard."""
    for pk in keys.queue_shards(programme, area):
        yield from ENTRIES.values(pk)


def each_application_of(child_id: str, *, after: str | None = None) -> Iterator[str]:
    """Yield the ids of applications a child ever had, after an id, in order of id."""
    pk, first = keys.child_application(child_id, after or "")
    for kept in POINTERS.each(pk, after=first, upto=keys.child_application(child_id, "~")[1]):
        yield kept.value.application_id


def each_to_verify(
    programme: str, area: str, *, after: str | None = None
) -> Iterator[tuple[str, str]]:
    """Yield (position, application id) of what waits for an officer, the most urgent first."""
    pk = keys.to_verify(programme, area, "", "")[0]
    for kept in POINTERS.each(pk, after=after or " "):
        yield kept.sk, kept.value.application_id


def load_intakes(programme: str, area: str) -> Kept[Intakes]:
    """Return the windows an area announced; none, at version 0, before the first. One read."""
    pk, sk = keys.intakes(programme, area)
    return INTAKES.find((pk, sk)) or Kept(Intakes(), pk, sk, 0, "{}")


def find_intake_area(intake_id: str) -> AreaOf | None:
    """Return whose window has this id."""
    kept = INTAKE_AREAS.find(keys.intake(intake_id))
    return kept.value if kept else None


def find_signing(application_id: str, signing_id: str) -> Kept[Signing] | None:
    return SIGNINGS.find(keys.signing(application_id, signing_id))


def load_signing(application_id: str, signing_id: str) -> Kept[Signing]:
    return SIGNINGS.load(keys.signing(application_id, signing_id))


def list_signings(application_id: str) -> list[Signing]:
    """Return the texts given out for an application, at most those the rules allow. One query."""
    pk, begins = keys.signing(application_id, "")
    return [kept.value for kept in SIGNINGS.each(pk, begins=begins)]


def signing_subject(application_id: str, signing_id: str) -> str:
    """Return under which name the vault keeps a text to sign, and its signature."""
    return f"SIGNING#{application_id}#{signing_id}"


def signing_fields(application_id: str, signing_id: str) -> dict[str, str]:
    """Return the sealed text, and the signature where there is one; empty when erased."""
    return vault.open_fields(signing_subject(application_id, signing_id))


def sealed_signings(subjects: Sequence[str]) -> list[dict[str, str]]:
    """Return the sealed fields of texts given out, of those not erased; two calls per hundred."""
    return list(vault.open_many(subjects).values())


# --- writes, described --------------------------------------------------------------------------


def create_signing(signing: Signing, text: str) -> list[Put]:
    """Describe a text given out: its row, and the text itself sealed."""
    subject = signing_subject(signing.application_id, signing.signing_id)
    key = keys.signing(signing.application_id, signing.signing_id)
    return [SIGNINGS.create(key, signing), *vault.seal(subject, {"text": text})]


def sign(kept: Kept[Signing], signing: Signing, cms: str) -> list[Put]:
    """Describe a text being signed: its nonce is spent, the signature sealed beside the text."""
    subject = signing_subject(signing.application_id, signing.signing_id)
    return [SIGNINGS.replace(kept, signing), vault.reseal(subject, {"cms": cms})]


def end_application(kept: Kept[Application]) -> list[Delete]:
    """Describe an application's end for good: its row, its own first, and what it is found by."""
    application = kept.value
    pointer = POINTERS.find(
        keys.child_application(application.child_id, application.application_id)
    )
    ticket = TICKETS.find(keys.ticket(application.ticket))
    return [
        APPLICATIONS.remove(kept),
        *([POINTERS.remove(pointer)] if pointer else []),
        *([TICKETS.remove(ticket)] if ticket else []),
    ]


def create_application(application: Application) -> Put:
    return APPLICATIONS.create(keys.application(application.application_id), application)


def keep_application(kept: Kept[Application], application: Application) -> Put:
    return APPLICATIONS.replace(kept, application)


def announce(application: Application) -> list[Put]:
    """Describe what a new application is found by: its public ticket and its child."""
    pointer = keys.child_application(application.child_id, application.application_id)
    return [
        TICKETS.create(keys.ticket(application.ticket), TicketOf(application.application_id)),
        POINTERS.create(pointer, Pointer(application.application_id)),
    ]


def enter_queue(application: Application, entry: QueueEntry) -> Put:
    """Describe an application taking its place in its queue.

    The row of one that was restored or sent back is newer than all versions it had before, so
    that a rebuild from the journal, which takes each row's newest image, finds it.
    """
    key = keys.queue_entry(application.programme, application.area, application.application_id)
    put = ENTRIES.create(key, entry)
    put.row.version = (application.restores + application.returns) * _LIFE + 1
    return put


def keep_entry(kept: Kept[QueueEntry], entry: QueueEntry) -> Put:
    return ENTRIES.replace(kept, entry)


def leave_queue(kept: Kept[QueueEntry]) -> Delete:
    """Describe an application leaving its queue."""
    return ENTRIES.remove(kept)


def keep_batch(kept: Kept[Batch] | None, batch: Batch) -> Put:
    if kept is None:
        return BATCHES.create(keys.batch(batch.batch_id), batch)
    return BATCHES.replace(kept, batch)


def offer(
    kept: Kept[Application], entry: Kept[QueueEntry], application: Application
) -> tuple[Put, list[Write]]:
    """Describe a voucher being offered: the application's row, and what goes with it.

    That is: out of the queue, the deadline to confirm, the reminder a day before; of one that is
    fulfilled at once, no deadline. Issuing must write the row of `decide_offer` and the rest in
    one commit with the voucher and the seat; of one fulfilled at once the child's hold passes
    from application to voucher in the same commit.
    """
    confirm_by = application.confirm_by
    if confirm_by is None:
        return keep_application(kept, application), [
            leave_queue(entry),
            *verification(kept.value, application),
        ]
    subject = application.application_id
    rest: list[Write] = [
        leave_queue(entry),
        agenda.due(from_stamp(confirm_by), "applications/confirm", subject),
        agenda.due(remind_at(confirm_by), "applications/confirm-soon", subject),
    ]
    return keep_application(kept, application), rest


def verification(before: Application | None, after: Application) -> list[Write]:
    """Describe how the officers' list and the clock follow what is still to be proved."""
    was = prove_by(before) if before is not None else None
    now = prove_by(after)
    if was == now:
        return []
    writes: list[Write] = []
    if was is not None:
        old = keys.to_verify(after.programme, after.area, was, after.application_id)
        writes.append(Delete(FactsRow(*old, version=2)))
    if now is not None:
        new = keys.to_verify(after.programme, after.area, now, after.application_id)
        writes.append(POINTERS.create(new, Pointer(after.application_id)))
        writes.append(agenda.due(from_stamp(now), "applications/prove", after.application_id))
    return writes


def keep_intakes(kept: Kept[Intakes], intakes: Intakes) -> Put:
    """Describe the windows of an area; two that are announced at once are decided again."""
    if kept.version == 0:
        return INTAKES.create((kept.pk, kept.sk), intakes)
    return INTAKES.replace(kept, intakes)


def claim_intake(intake_id: str, programme: str, area: str) -> Put:
    """Describe an id of a window being taken, in the whole country."""
    return INTAKE_AREAS.create(keys.intake(intake_id), AreaOf(programme, area))
