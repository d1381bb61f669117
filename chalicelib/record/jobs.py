"""The journal's stream into the log; checkpoints out of it; the search for what streams lost."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chalicelib.adapters import files
from chalicelib.edge import clock, log
from chalicelib.kernel.periods import from_stamp
from chalicelib.kernel.refusals import Refusal
from chalicelib.policy.actions import list_packs
from chalicelib.record.actions import publishing, queues, searching, sequencing
from chalicelib.record.actions.reading import NotReadable, leaf_of_image
from chalicelib.record.rules.leaves import Leaf
from chalicelib.storage.commit import Raced, trouble

_CHECKPOINT = "checkpoint"
# A run of the schedule: about two minutes of reading.
_PAGES = 1000


def take_in(event: Any) -> dict[str, Any]:
    """Give a batch of new journal rows their places in the log, then publish if it is time.

    What cannot be read goes back, with all after it as streams demand; the others are placed.
    """
    new = [r for r in event["Records"] if r.get("eventName") == "INSERT"]
    leaves: list[Leaf] = []
    unread: list[str] = []
    for record in new:
        try:
            leaves.append(leaf_of_image(record["dynamodb"]["NewImage"]))
        except NotReadable as refusal:
            log.logger.error("record, not readable", extra={"code": refusal.code})
            unread.append(record["dynamodb"]["SequenceNumber"])
    if leaves and not _placed(leaves):
        unread = [new[0]["dynamodb"]["SequenceNumber"]]
    publish(clock.now())
    return {"batchItemFailures": [{"itemIdentifier": number} for number in unread[:1]]}


def run_record(event: Any) -> int:
    """Publish what is not published, and look for entries that the stream lost."""
    now = from_stamp(event.time)
    try:
        found = searching.search(now=now, pages=_PAGES, may_begin=_nothing_published)
    except Raced:
        found = 0  # another run is at it
    except sequencing.LogLost as refusal:
        found = 0
        log.logger.error("record, its rows are lost", extra={"code": refusal.code})
    if found:
        log.logger.error("record, entries were lost by the stream", extra={"entries": found})
    publish(now, at_once=True)
    enter_queues()
    return found


def publish(now: datetime, *, at_once: bool = False) -> None:
    """Publish a checkpoint and its files if one is due; what fails is left to the next time."""
    try:
        due = publishing.tiles_due(now=now, at_once=at_once)
        if due is not None:
            size, tiles = due
            before = files.published(_CHECKPOINT)
            if before is not None:
                publishing.check_continues(before)
            for tile in tiles:
                files.publish(tile.name, publishing.tile(tile))
            publishing.sign(size, now=now)
        _save_newest()
    except Raced:
        log.logger.info("record, published by another")
    except publishing.Broke as refusal:
        log.logger.error("record, not as published", extra={"facts": refusal.facts})
    except Refusal as refusal:
        log.logger.warning("record, not published", extra={"code": refusal.code})


def enter_queues() -> None:
    """Save the entries of published queues that the log has by now; one hinders no other."""
    for pack in list_packs():
        try:
            last = 0
            for number, name, content in queues.entries_due(pack.programme, pack.area):
                files.publish(name, content)
                last = number
            if last:
                queues.entered(pack.programme, pack.area, last)
        except Raced:
            log.logger.info("record, entered by another", extra={"area": pack.area})
        except Refusal as refusal:
            extra = {"area": pack.area, "code": refusal.code}
            log.logger.warning("record, queue not entered", extra=extra)


def _save_newest() -> None:
    newest = publishing.unsaved()
    while newest is not None:
        note = newest.note.encode()
        files.publish(f"checkpoints/{newest.size}", note)
        files.publish("keys", newest.keys.encode())
        files.publish(_CHECKPOINT, note)
        if publishing.saved(newest.size):
            return
        # A newer one came meanwhile, and its file may lie under this one's: then once more.
        newest = publishing.find_newest()


def _nothing_published() -> bool:
    return files.published(_CHECKPOINT) is None


def _placed(leaves: list[Leaf]) -> bool:
    try:
        sequencing.sequence(leaves, may_begin=_nothing_published)
    except Refusal as refusal:
        log.logger.warning("record, later", extra={"code": refusal.code})
        return False
    except Exception as error:
        if trouble(error) is None:
            log.bug("record", error)
        return False
    return True
