"""How an application moves.

queued → offered → fulfilled
  │         ├→ annulled   the voucher was refused, or cancelled for fraud (also when fulfilled)
  │         └→ inactive   not confirmed in time → queued again, once, in time
  ├→ withdrawn            by the representative; from inactive too
  └→ expired              the child has grown too old

Where a pack asks for no confirmation, queued goes straight to fulfilled. Where it sends back
whoever did not use a voucher, fulfilled goes to queued again, at the end of the same category, as
often as the pack allows, then to withdrawn.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.applications.rules.refusals import (
    ConfirmTooLate,
    NotFulfilled,
    NotInactive,
    NotLive,
    NotOffered,
    NotQueued,
    RefuseInstead,
    RestoreClosed,
)
from chalicelib.applications.rules.values import Application
from chalicelib.kernel.periods import from_stamp, local_day, stamp
from chalicelib.policy.rules import Pack, Rules, Terms

SENT_BACK = "end-of-category"  # as the pack's contract_missed says it
REMINDER_BEFORE = timedelta(days=1)


def decide_preferences(application: Application, preferences: tuple[str, ...]) -> Application:
    """Return an application with other preferred groups. Raises NotQueued."""
    if application.state != "queued":
        raise NotQueued(state=application.state)
    return replace(application, preferences=preferences)


def decide_wish(application: Application, *, kind: str, language: str) -> Application:
    """Return an application that wishes for another kind or language. Raises NotQueued."""
    if application.state != "queued":
        raise NotQueued(state=application.state)
    return replace(application, kind=kind, language=language)


def decide_offer(
    application: Application,
    voucher_id: str,
    confirm_by: str,
    *,
    needs_confirmation: bool = True,
) -> Application:
    """Return an application whose voucher was issued. Raises NotQueued.

    Where the pack asks for no confirmation the voucher is confirmed as it is issued and the
    application fulfilled; confirm_by is then the instant of issue.
    """
    if application.state != "queued":
        raise NotQueued(state=application.state)
    if needs_confirmation:
        return replace(application, state="offered", voucher_id=voucher_id, confirm_by=confirm_by)
    return replace(
        application,
        state="fulfilled",
        voucher_id=voucher_id,
        confirm_by=None,
        ended_at=confirm_by,
    )


def decide_send_back(
    application: Application, voucher_id: str, *, terms: Terms, now: datetime
) -> Application:
    """Return an application whose voucher was not used in time. Raises NotFulfilled.

    As often as the pack allows it goes back to the end of its category: tier and statuses stay
    as they were judged, the instant that counts is now, and no draw orders it. After that it is
    withdrawn.
    """
    if (application.state, application.voucher_id) != ("fulfilled", voucher_id):
        raise NotFulfilled(state=application.state)
    if application.returns >= terms.returns_max:
        return replace(
            application, state="withdrawn", voucher_ended_at=stamp(now), ended_at=stamp(now)
        )
    return replace(
        application,
        state="queued",
        voucher_id=None,
        batch_id=None,
        intake=None,
        ordered_at=stamp(now),
        returns=application.returns + 1,
        voucher_ended_at=stamp(now),
        ended_at=None,
    )


def decide_answer(application: Application, *, now: datetime) -> None:
    """Raise NotOffered or ConfirmTooLate unless the voucher may be answered now."""
    if application.state != "offered" or application.confirm_by is None:
        raise NotOffered(state=application.state)
    if stamp(now) >= application.confirm_by:
        raise ConfirmTooLate(confirm_by=application.confirm_by)


def decide_confirm(application: Application, *, now: datetime) -> Application:
    """Return an application fulfilled by a confirmed voucher. Raises NotOffered, ConfirmTooLate."""
    decide_answer(application, now=now)
    return replace(application, state="fulfilled", confirm_by=None, ended_at=stamp(now))


def decide_refuse(application: Application, *, now: datetime) -> Application:
    """Return an application annulled with its voucher. Raises NotOffered, ConfirmTooLate."""
    decide_answer(application, now=now)
    return replace(application, state="annulled", confirm_by=None, ended_at=stamp(now))


def decide_annulled(application: Application, voucher_id: str, *, now: datetime) -> Application:
    """Return an application annulled because its voucher was cancelled; any other as it is."""
    if application.voucher_id != voucher_id or application.state not in ("offered", "fulfilled"):
        return application
    return replace(
        application,
        state="annulled",
        confirm_by=None,
        ended_at=stamp(now),
        voucher_ended_at=stamp(now),
    )


def overdue(application: Application, *, now: datetime) -> bool:
    """Return whether a voucher was not confirmed in time."""
    return (
        application.state == "offered"
        and application.confirm_by is not None
        and application.confirm_by <= stamp(now)
    )


def decide_reminded(application: Application) -> Application:
    """Return an application whose family was told of the last day to confirm."""
    return replace(application, reminded_of=application.voucher_id)


def decide_inactive(application: Application, pack: Pack, *, now: datetime) -> Application:
    """Return an application that was not confirmed in time, with the time to restore it."""
    days = pack.at(local_day(now)).terms.restore_calendar_days
    until = pack.calendar.deadline(now, calendar_days=days)
    return replace(
        application,
        state="inactive",
        voucher_id=None,
        confirm_by=None,
        restore_until=stamp(until),
        ended_at=stamp(now),
    )


def decide_restore(application: Application, rules: Rules, *, now: datetime) -> Application:
    """Return an application queued again. Raises NotInactive, RestoreClosed.

    Its order is kept unless the pack says otherwise, and then no draw orders it; its batch went on
    without it.
    """
    if application.state != "inactive":
        raise NotInactive(state=application.state)
    until = application.restore_until
    if application.restores >= rules.terms.restores_max or until is None or stamp(now) >= until:
        raise RestoreClosed(restore_until=until, restores=application.restores)
    kept = rules.terms.keep_order_on_restore
    return replace(
        application,
        state="queued",
        batch_id=None,
        restores=application.restores + 1,
        restore_until=None,
        ended_at=None,
        ordered_at=application.ordered_at if kept else stamp(now),
        intake=application.intake if kept else None,
    )


def decide_withdraw(application: Application, *, now: datetime) -> Application:
    """Return a withdrawn application. Raises RefuseInstead, NotLive."""
    if application.state == "offered":
        raise RefuseInstead()
    if application.state not in ("queued", "inactive"):
        raise NotLive(state=application.state)
    return replace(application, state="withdrawn", restore_until=None, ended_at=stamp(now))


def decide_expire(application: Application, *, now: datetime) -> Application:
    """Return an application whose child has grown too old. Raises NotQueued."""
    if application.state != "queued":
        raise NotQueued(state=application.state)
    return replace(application, state="expired", ended_at=stamp(now))


def remind_at(confirm_by: str) -> datetime:
    """Return when to say that one day is left to confirm."""
    return from_stamp(confirm_by) - REMINDER_BEFORE
