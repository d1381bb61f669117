"""What is done with applications: gather, decide, commit.

applying    a new application, and other preferences or wishes
claiming    what is known of claimed statuses at once
intakes     windows in which all count as simultaneous, and their draw
proving     statuses: an officer's result, a lapsed proof, an application judged anew
answering   the voucher confirmed or refused, in time or not; withdrawing, restoring
importing   another system's queue, row by row
signing     an application signed with its applicant's EDS
unused      a voucher nobody signed with, or came with, in time
receipts    what the family holds, signed
seeing      what a representative and an officer are shown
"""

from __future__ import annotations

from chalicelib.applications.actions.answering import (
    confirm,
    lapse_confirmation,
    refuse,
    remind_confirmation,
    restore,
    voucher_cancelled,
    withdraw,
)
from chalicelib.applications.actions.applying import apply, prefer, wish
from chalicelib.applications.actions.claiming import AskRegistry
from chalicelib.applications.actions.importing import (
    AppliedLater,
    Imported,
    Source,
    import_application,
)
from chalicelib.applications.actions.intakes import (
    announce,
    cancel,
    draw,
    intake,
    intakes_page,
    open_intake,
    seeds_of,
)
from chalicelib.applications.actions.proving import (
    lapse_proof,
    list_outdated,
    refresh,
    verify_status,
)
from chalicelib.applications.actions.receipts import Receipt, find_receipt, receipt_of
from chalicelib.applications.actions.seeing import (
    Drawn,
    Seen,
    applications_page,
    see,
    see_protected,
    seen,
    to_verify_page,
)
from chalicelib.applications.actions.signing import (
    ToSign,
    ask_to_sign,
    sign,
    signed_subjects,
)
from chalicelib.applications.actions.unused import (
    missed_contract,
    missed_first_visit,
    no_longer_comes,
)

__all__ = [
    "Receipt",
    "find_receipt",
    "receipt_of",
    "AppliedLater",
    "AskRegistry",
    "Drawn",
    "Imported",
    "Seen",
    "Source",
    "ToSign",
    "announce",
    "applications_page",
    "apply",
    "ask_to_sign",
    "cancel",
    "confirm",
    "draw",
    "import_application",
    "intake",
    "intakes_page",
    "lapse_confirmation",
    "lapse_proof",
    "list_outdated",
    "missed_contract",
    "missed_first_visit",
    "no_longer_comes",
    "open_intake",
    "prefer",
    "refresh",
    "refuse",
    "remind_confirmation",
    "restore",
    "see",
    "see_protected",
    "seeds_of",
    "seen",
    "sign",
    "signed_subjects",
    "to_verify_page",
    "verify_status",
    "wish",
    "withdraw",
    "voucher_cancelled",
]
