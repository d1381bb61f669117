"""What is done with applications: gather, decide, commit.

applying    a new application, and other preferences
proving     statuses: an officer's result, a lapsed proof, an application judged anew
answering   the voucher confirmed or refused, in time or not; withdrawing, restoring
importing   another system's queue, row by row
seeing      what a representative and an officer are shown
"""

from __future__ import annotations

from chalicelib.applications.actions.answering import (
    confirm,
    lapse_confirmation,
    refuse,
    remind_confirmation,
    restore,
    withdraw,
)
from chalicelib.applications.actions.applying import AskRegistry, apply, prefer
from chalicelib.applications.actions.importing import (
    AppliedLater,
    Imported,
    SignIn,
    Source,
    import_application,
)
from chalicelib.applications.actions.proving import (
    lapse_proof,
    list_outdated,
    refresh,
    verify_status,
)
from chalicelib.applications.actions.seeing import (
    Seen,
    applications_page,
    see,
    seen,
    to_verify_page,
)

__all__ = [
    "AppliedLater",
    "AskRegistry",
    "Imported",
    "Seen",
    "SignIn",
    "Source",
    "applications_page",
    "apply",
    "confirm",
    "import_application",
    "lapse_confirmation",
    "lapse_proof",
    "list_outdated",
    "prefer",
    "refresh",
    "refuse",
    "remind_confirmation",
    "restore",
    "see",
    "seen",
    "to_verify_page",
    "verify_status",
    "withdraw",
]
