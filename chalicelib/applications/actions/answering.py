"""The answer to a voucher, in time or not; withdrawing and restoring."""

from __future__ import annotations

from datetime import datetime

from chalicelib.access.actions import watching
from chalicelib.applications import rules, store
from chalicelib.applications.actions.common import entry, leave, own, release, take_hold, tell
from chalicelib.applications.rules import Application
from chalicelib.children import store as children_store
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import local_day, shown_last_day, stamp
from chalicelib.policy.actions import load_pack
from chalicelib.storage.commit import Raced, settles
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import actions as vouchers
from chalicelib.vouchers import store as vouchers_store
from chalicelib.vouchers.rules import Voucher


@settles
def confirm(application_id: str, *, by: Actor, now: datetime) -> Application:
    """Confirm the offered voucher: the application is fulfilled, the contract's term begins.

    Raises Unknown, PowerMissing, NotOffered, ConfirmTooLate, SignatureNeeded. Confirmed already:
    the same answer.
    """
    kept = own(application_id, power="confirm", by=by, now=now)
    if kept.value.state == "fulfilled":
        return kept.value
    application = rules.decide_confirm(kept.value, now=now)
    in_force = load_pack(application.programme, application.area).at(local_day(now))
    rules.check_signature(application, needed=in_force.needs_signature)
    voucher = _unanswered(application.voucher_id or "")
    confirmed, writes = vouchers.confirming(voucher, now=now)
    journal.commit(
        entry("confirmed", application, by=by, now=now, voucher=confirmed.voucher_id),
        store.keep_application(kept, application),
        *writes,
        release(application),
        *store.verification(kept.value, application),
        *watching.confirmed(
            application.person_id,
            application_id,
            confirmed.issued_at,
            area=application.area,
            by=by,
            now=now,
        ),
        *tell(
            application,
            "confirmed",
            "confirmed",
            now=now,
            voucher_id=confirmed.voucher_id,
            until=shown_last_day(confirmed.contract_by or stamp(now)),
        ),
    )
    return application


@settles
def refuse(application_id: str, *, by: Actor, now: datetime) -> Application:
    """Refuse the offered voucher: voucher and application end, the seat goes on.

    Raises Unknown, PowerMissing, NotOffered, ConfirmTooLate. Refused already: the same answer.
    """
    kept = own(application_id, power="confirm", by=by, now=now)
    if kept.value.state == "annulled":
        return kept.value
    application = rules.decide_refuse(kept.value, now=now)
    voucher_id = application.voucher_id or ""
    _, writes = vouchers.ending(_unanswered(voucher_id), "refuse", now=now)
    journal.commit(
        entry("voucher-refused", application, by=by, now=now, voucher=voucher_id),
        store.keep_application(kept, application),
        *writes,
        release(application, voucher_id),
        *store.verification(kept.value, application),
        *tell(application, "annulled", "annulled", now=now),
    )
    return application


@settles
def withdraw(application_id: str, *, by: Actor, now: datetime) -> Application:
    """Withdraw a queued or inactive application; a new one is possible at once.

    Raises Unknown, PowerMissing, RefuseInstead, NotLive. Withdrawn already: the same answer.
    """
    kept = own(application_id, power="withdraw", by=by, now=now)
    if kept.value.state == "withdrawn":
        return kept.value
    application = rules.decide_withdraw(kept.value, now=now)
    journal.commit(
        entry("withdrawn", application, by=by, now=now),
        store.keep_application(kept, application),
        *leave(kept.value),
        release(application),
        *store.verification(kept.value, application),
        *watching.withdrawn(application.child_id, application_id, area=application.area, now=now),
        *tell(application, "withdrawn", "withdrawn", now=now),
    )
    return application


@settles
def restore(application_id: str, *, by: Actor, now: datetime) -> Application:
    """Put an inactive application back into its queue, once and in time, in its old order.

    Raises Unknown, PowerMissing, NotInactive, RestoreClosed, TooOld, AlreadyApplied. Restored
    already: the same answer.
    """
    kept = own(application_id, power="apply", by=by, now=now)
    if kept.value.state == "queued" and kept.value.restores:
        return kept.value
    pack, today = load_pack(kept.value.programme, kept.value.area), local_day(now)
    restored = rules.decide_restore(kept.value, pack.at(today), now=now)
    birth_date = children_store.load_birth_date(restored.child_id)
    standing = rules.stand(birth_date, today, pack.at(today))
    application = rules.judge(restored, standing, pack, today)
    journal.commit(
        entry("restored", application, by=by, now=now, ordered_at=application.ordered_at),
        store.keep_application(kept, application),
        store.enter_queue(application, rules.entry_of(application)),
        take_hold(application, on=today),
        *tell(application, "restored", "restored", now=now, category=application.category),
    )
    return application


@settles
def lapse_confirmation(application_id: str, *, by: Actor, now: datetime) -> bool:
    """Make an application inactive whose voucher was not confirmed in time; return whether it was.

    The voucher lapses, its seat is freed and offered on, the family is told how to restore.
    """
    kept = store.find_application(application_id)
    if kept is None or not rules.overdue(kept.value, now=now):
        return False
    voucher_id = kept.value.voucher_id or ""
    voucher = vouchers_store.load_voucher(voucher_id)
    if voucher.value.state == "cancelled":
        return voucher_cancelled(application_id, voucher_id, by=by, now=now)
    pack = load_pack(kept.value.programme, kept.value.area)
    application = rules.decide_inactive(kept.value, pack, now=now)
    restorable = application.restores < pack.at(local_day(now)).terms.restores_max
    _, writes = vouchers.ending(voucher, "lapse", now=now)
    journal.commit(
        entry("inactive", application, by=by, now=now, voucher=voucher_id),
        store.keep_application(kept, application),
        *writes,
        release(application, voucher_id),
        *tell(
            application,
            "inactive" if restorable else "inactive-for-good",
            f"inactive#{voucher_id}",
            now=now,
            until=shown_last_day(application.restore_until or stamp(now)),
        ),
    )
    return True


@settles
def voucher_cancelled(application_id: str, voucher_id: str, *, by: Actor, now: datetime) -> bool:
    """Annul an application whose voucher was cancelled for fraud; return whether it was so.

    The family hears of it with the voucher. The child may apply anew.
    """
    kept = store.find_application(application_id)
    if kept is None:
        return False
    application = rules.decide_annulled(kept.value, voucher_id, now=now)
    if application == kept.value:
        return False
    journal.commit(
        entry("annulled", application, by=by, now=now, voucher=voucher_id),
        store.keep_application(kept, application),
        release(application, voucher_id),
        *store.verification(kept.value, application),
    )
    return True


@settles
def remind_confirmation(application_id: str, *, by: Actor, now: datetime) -> bool:
    """Say that one day is left to confirm a voucher; return whether it was still unanswered."""
    kept = store.find_application(application_id)
    if kept is None or kept.value.state != "offered" or kept.value.confirm_by is None:
        return False
    application = kept.value
    if rules.overdue(application, now=now) or now < rules.remind_at(kept.value.confirm_by):
        return False
    voucher_id = application.voucher_id or ""
    if application.reminded_of == voucher_id:
        return False
    reminded = rules.decide_reminded(application)
    journal.commit(
        entry("reminded", reminded, by=by, now=now, voucher=voucher_id),
        store.keep_application(kept, reminded),
        *tell(
            application,
            "confirm-soon",
            f"confirm-soon#{voucher_id}",
            now=now,
            until=shown_last_day(kept.value.confirm_by),
        ),
    )
    return True


def _unanswered(voucher_id: str) -> Kept[Voucher]:
    """Return the voucher of an application that was read as offered.

    A voucher that was answered, or lapsed, between the two reads: both are read again.
    """
    kept = vouchers_store.load_voucher(voucher_id)
    if kept.value.state == "cancelled":
        raise rules.NotOffered(state="annulled")
    if kept.value.state != "issued":
        raise Raced()
    return kept
