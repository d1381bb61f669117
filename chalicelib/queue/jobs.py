"""What happens to queues by itself: the daily run, its vouchers, checkpoints, deadlines.

    18:00 on working days    run_iteration      a draft per pack
    within minutes           run_deadlines      releases it when its time has come
    a message per part       commit_run         issues the vouchers
    when it has ended        prove_run          publishes what anybody can check of it
    after it, and at 19:00   checkpoint         publishes the ranks

Schedules fire every day; the pack's calendar decides whether the day counts. What a job makes is
named by the area and the day of its event, so a second firing makes nothing new.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from chalicelib.access import actions as access
from chalicelib.adapters import files, work
from chalicelib.applications import actions as applications
from chalicelib.edge import clock, log
from chalicelib.kernel.actors import Actor, system
from chalicelib.kernel.notes import signed_text
from chalicelib.kernel.periods import from_stamp, local_day
from chalicelib.kernel.refusals import Refusal, Unavailable
from chalicelib.policy.actions import list_packs
from chalicelib.providers import actions as providers
from chalicelib.queue import actions, rules
from chalicelib.storage.agenda import Due
from chalicelib.storage.commit import trouble
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import actions as vouchers

# A message's share of a run, well inside its time; the rest follows in another message.
VOUCHERS_IN_A_PART = 50
PARTS_IN_A_MESSAGE = 6
LONGEST = timedelta(seconds=60)
REMINDERS_IN_A_LOOK = 2000


class Lapse(Protocol):
    """What looks at a thing whose time has come; it acts only if the time is really over."""

    def __call__(self, subject: str, /, *, by: Actor, now: datetime) -> object: ...


class Scheduled(Protocol):
    """The part of Chalice's event that a job uses."""

    time: str


TOPICS: Mapping[str, Lapse] = {
    "applications/confirm": applications.lapse_confirmation,
    "applications/confirm-soon": applications.remind_confirmation,
    "applications/prove": applications.lapse_proof,
    "providers/capacity": providers.renew_capacity,
    "providers/correction": providers.lapse_correction,
    "providers/documents": providers.watch_documents,
    "providers/expiry": providers.expire,
    "queue/release": actions.release_due,
    **vouchers.DEADLINES,
    # What becomes of the application too, as the pack says; else it is the vouchers' own.
    "vouchers/contract": applications.missed_contract,
}


def run_iteration(event: Scheduled) -> None:
    """Draft today's run of every area; one that cannot be drafted hinders no other."""
    now = from_stamp(event.time)

    def draft(programme: str, area: str) -> None:
        if not actions.is_run_day(programme, area, now):
            return
        run_id = rules.run_id_for(programme, area, local_day(now))
        try:
            actions.propose(
                run_id, programme=programme, area=area, by=system("queue/iteration"), now=now
            )
        except rules.IntakeOpen as refusal:
            # Nothing went wrong: the run of the day after the draw serves everybody.
            log.logger.info(
                "no run before the draw",
                extra={"area": area, "intake": refusal.facts["intake_id"]},
            )

    _for_each_area("queue/iteration", draft)


def run_checkpoint(event: Scheduled) -> None:
    """Publish the evening's ranks of every area."""
    now = from_stamp(event.time)

    def publish(programme: str, area: str) -> None:
        checkpoint_id = f"evening-{programme}-{area}-{local_day(now).isoformat()}"
        _publish(checkpoint_id, programme, area, now=now)
        # Also what an earlier pass was killed at.
        save_files(programme, area)

    _for_each_area("queue/checkpoint", publish)


def commit_run(facts: Mapping[str, Any], now: datetime) -> None:
    """Handle "queue/commit-run" {run_id}: issue some vouchers, and send on what is left."""
    run_id = facts["run_id"]
    by = system("queue/commit-run")
    for _ in range(PARTS_IN_A_MESSAGE):
        if not actions.commit_part(run_id, by=by, now=now, most=VOUCHERS_IN_A_PART):
            work.send(
                work.Message("vouchers/offer", {"group_id": group_id})
                for group_id in actions.list_to_offer(run_id, now=now)
            )
            return
        if clock.now() - now > LONGEST:
            break
    work.send([work.Message("queue/commit-run", {"run_id": run_id})])


def prove_run(facts: Mapping[str, Any], now: datetime) -> None:
    """Handle "queue/prove-run" {run_id}: fix what is published of an ended run, save its files.

    The index comes last: what it names lies there. Raises BehindPublished where another bundle of
    the run lies there, as after a restore to an earlier time: a note is never written over.
    """
    by = system("queue/prove-run")
    for proof in actions.prove(facts["run_id"], by=by, now=now):
        if proof.note is not None and not proof.saved:
            lying = files.published(f"{proof.folder}/note")
            if lying is None:
                for name, content in actions.files_of(proof):
                    files.publish(name, content)
            elif signed_text(lying.decode()) != signed_text(proof.note):
                raise rules.BehindPublished(run_id=proof.run_id)
            actions.saved(proof.run_id, by=by, now=now)
        if proof.note is not None:
            save_files(proof.programme, proof.area)


def checkpoint(facts: Mapping[str, Any], now: datetime) -> None:
    """Handle "queue/checkpoint" {checkpoint_id, programme, area[, run_id]}: publish after a run."""
    _publish(
        facts["checkpoint_id"],
        facts["programme"],
        facts["area"],
        run_id=facts.get("run_id"),
        now=now,
    )


def publish_files(facts: Mapping[str, Any], now: datetime) -> None:
    """Handle "queue/files" {programme, area}: save the files of a queue that are not saved."""
    del now
    save_files(facts["programme"], facts["area"])


def save_files(programme: str, area: str) -> None:
    """Save what lacks of a queue's public files, the index last: what it names lies there.

    Killed anywhere, the next pass begins behind the last checkpoint that the index names. Two at
    once write the same, and whoever wrote the index looks once more for what came meanwhile.
    Raises BehindPublished where another order was published under a number.
    """
    name = f"{rules.folder_of(programme, area)}/index.json"
    index = files.published(name)
    while True:
        for link in actions.links_after(programme, area, rules.last_in(index)):
            _save_checkpoint(link.checkpoint_id)
        new = actions.index_of(programme, area)
        if new == index:
            return
        if rules.last_in(new) < rules.last_in(index):
            raise rules.BehindPublished(published=rules.last_in(index))
        files.publish(name, new)
        index = new


def _save_checkpoint(checkpoint_id: str) -> None:
    made = list(actions.checkpoint_files(checkpoint_id))
    name, note = made[-1]
    lying = files.published(name)
    if lying == note:
        return
    if lying is not None:
        raise rules.BehindPublished(checkpoint_id=checkpoint_id)
    for name, content in made:
        files.publish(name, content)


def _publish(
    checkpoint_id: str, programme: str, area: str, *, now: datetime, run_id: str | None = None
) -> None:
    """Publish an area's ranks. Raises FilesSilent: which numbers are taken is not known then."""
    published = actions.publish(
        checkpoint_id,
        programme=programme,
        area=area,
        by=system("queue/checkpoint"),
        now=now,
        run_id=run_id,
        published=rules.last_published(programme, area, files.published),
    )
    sound(published.head)


def sound(head: rules.Head) -> None:
    """Wake somebody where a place moved and nothing says why; the checkpoint stands."""
    if head.unexplained:
        log.loud(
            actions.UNEXPLAINED,
            metric=actions.UNEXPLAINED_METRIC,
            checkpoint_id=head.checkpoint_id,
        )


def tell_moved(facts: Mapping[str, Any], now: datetime) -> None:
    """Handle "queue/tell-moved" {checkpoint_id, page}: tell families whose place became worse.

    A page of ranks after the other; what one message does not reach goes on in another.
    """
    from chalicelib.queue.routes.sentences import causes_said

    checkpoint_id, page = facts["checkpoint_id"], int(facts["page"])
    while actions.tell_page(checkpoint_id, page, said=causes_said, now=now):
        page += 1
        if clock.now() - now > LONGEST:
            facts = {"checkpoint_id": checkpoint_id, "page": page}
            work.send([work.Message("queue/tell-moved", dict(facts))])
            return


def run_deadlines(event: Scheduled, more: Mapping[str, Lapse] | None = None) -> None:
    """Look at everything that has fallen due; `more`: topics of the slices above.

    Each reminder for itself. One that fails for a while stays, one that time cannot cure is
    parked, one of an unknown topic is left to the version of the code that knows it.
    """
    look(from_stamp(event.time), more)


def deadlines(
    facts: Mapping[str, Any], now: datetime, more: Mapping[str, Lapse] | None = None
) -> None:
    """Handle "queue/deadlines": go on with what one look did not reach."""
    del facts
    look(now, more)


def look(now: datetime, more: Mapping[str, Lapse] | None = None) -> int:
    """Look at what is due by `now`; return how many reminders were dealt with."""
    table = {**TOPICS, **(more or {})}
    by = system("queue/deadlines")
    done: list[Kept[Due]] = []
    left: list[Kept[Due]] = []
    dealt = 0
    for kept in actions.list_reminders(now):
        if dealt + len(done) >= REMINDERS_IN_A_LOOK:
            actions.looked_at(done, by=by, now=now)
            work.send([work.Message("queue/deadlines", {})])
            return dealt + len(done)
        lapse = table.get(kept.value.topic)
        if lapse is not None and _dealt_with(lapse, kept.value, by=by, now=now):
            done.append(kept)
        else:
            left.append(kept)
        if len(done) >= 40:
            actions.looked_at(done, by=by, now=now)
            dealt += len(done)
            done = []
    actions.looked_at(done, by=by, now=now)
    actions.passed(left, now=now)
    return dealt + len(done)


def _dealt_with(lapse: Lapse, due: Due, *, by: Actor, now: datetime) -> bool:
    try:
        with access.running(due.topic):
            lapse(due.subject, by=by, now=now)
    except Unavailable as refusal:
        log.logger.warning("later", extra={"topic": due.topic, "code": refusal.code})
        return False
    except Refusal as refusal:
        log.logger.error(
            "parked", extra={"topic": due.topic, "code": refusal.code, "subject": due.subject}
        )
        work.park(work.Message(due.topic, {"subject": due.subject}), refusal.code)
    except Exception as error:  # a bug with one family's deadline is not the others' fault
        if trouble(error) is None:
            log.bug(due.topic, error)
        return False
    return True


def _for_each_area(job: str, act: Callable[[str, str], None]) -> None:
    failed: Exception | None = None
    for pack in list_packs():
        try:
            act(pack.programme, pack.area)
        except Refusal as refusal:
            log.logger.error(job, extra={"area": pack.area, "code": refusal.code})
            if isinstance(refusal, Unavailable):
                failed = refusal
        except Exception as error:  # said again below, when all areas had their turn
            if trouble(error) is None:
                log.bug(job, error)
            failed = error
    if failed is not None:
        raise failed
