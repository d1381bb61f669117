"""The answer to a voucher; withdrawing and restoring."""

from __future__ import annotations

from chalicelib.applications import actions, rules
from chalicelib.applications.routes.shapes import (
    ApplicationShown,
    routes,
    shown,
)
from chalicelib.children import rules as children
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import Unknown


@routes.put(
    "/{application_id}/confirmation",
    action="applications/confirm",
    answers=ApplicationShown,
    refuses=(
        Unknown,
        children.PowerMissing,
        rules.NotOffered,
        rules.ConfirmTooLate,
        rules.SignatureNeeded,
    ),
)
def confirm(call: Call[None], application_id: str) -> ApplicationShown:
    """Confirm the offered voucher; the term to choose and sign begins."""
    application = actions.confirm(application_id, by=call.actor, now=call.now)
    return shown(actions.seen(application, now=call.now), call.language)


@routes.put(
    "/{application_id}/refusal",
    action="applications/refuse",
    answers=ApplicationShown,
    refuses=(Unknown, children.PowerMissing, rules.NotOffered, rules.ConfirmTooLate),
)
def refuse(call: Call[None], application_id: str) -> ApplicationShown:
    """Refuse the offered voucher; the application is annulled with it."""
    application = actions.refuse(application_id, by=call.actor, now=call.now)
    return shown(actions.seen(application, now=call.now), call.language)


@routes.put(
    "/{application_id}/withdrawal",
    action="applications/withdraw",
    answers=ApplicationShown,
    refuses=(Unknown, children.PowerMissing, rules.RefuseInstead, rules.NotLive),
)
def withdraw(call: Call[None], application_id: str) -> ApplicationShown:
    """Withdraw an application; a new one is possible at once, at the end of the queue."""
    application = actions.withdraw(application_id, by=call.actor, now=call.now)
    return shown(actions.seen(application, now=call.now), call.language)


@routes.put(
    "/{application_id}/restoration",
    action="applications/restore",
    answers=ApplicationShown,
    refuses=(
        Unknown,
        children.PowerMissing,
        rules.NotInactive,
        rules.RestoreClosed,
        rules.TooYoung,
        rules.TooOld,
        rules.AlreadyApplied,
        children.HeldElsewhere,
    ),
)
def restore(call: Call[None], application_id: str) -> ApplicationShown:
    """Put an inactive application back into the queue, once, in its old order."""
    application = actions.restore(application_id, by=call.actor, now=call.now)
    return shown(actions.seen(application, now=call.now), call.language)
