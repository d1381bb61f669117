"""What may be done in attendance: pair, upload, close, confirm, dispute, decide, bill."""

from __future__ import annotations

from chalicelib.attendance.actions.asof import (
    AsOf,
    Past,
    RecordKept,
    SheetAct,
    Witness,
    acts_in,
    find_record,
    sheet_acts,
    tablet_acts,
    witnesses,
)
from chalicelib.attendance.actions.confirming import (
    Confirmed,
    confirm_by_code,
    confirm_lesson,
    make_code,
)
from chalicelib.attendance.actions.devices import clear, invite, pair, revoke
from chalicelib.attendance.actions.handing import hand_over, remind
from chalicelib.attendance.actions.health import list_devices, tell_silent
from chalicelib.attendance.actions.intake import Outcome, Receipt, receive, roster_of
from chalicelib.attendance.actions.lines import attended_days, month_for_billing
from chalicelib.attendance.actions.rebuilding import rebuild_marks
from chalicelib.attendance.actions.sheets import (
    REMIND,
    WhichSite,
    answer_dispute,
    approve,
    close_month,
    decide,
    dispute,
    file_proof,
    hold_lines,
)
from chalicelib.attendance.actions.showing import (
    NotYourArea,
    child_month,
    family_month,
    list_undecided,
    site_month,
)
from chalicelib.attendance.actions.telling import day_at_site, list_open_sites, tell_absences
from chalicelib.attendance.actions.watching import first_visit, watch

__all__ = [
    "AsOf",
    "SheetAct",
    "Witness",
    "RecordKept",
    "acts_in",
    "find_record",
    "Past",
    "sheet_acts",
    "tablet_acts",
    "witnesses",
    "clear",
    "Confirmed",
    "REMIND",
    "Receipt",
    "NotYourArea",
    "Outcome",
    "WhichSite",
    "answer_dispute",
    "approve",
    "attended_days",
    "child_month",
    "close_month",
    "confirm_by_code",
    "confirm_lesson",
    "day_at_site",
    "decide",
    "dispute",
    "family_month",
    "file_proof",
    "first_visit",
    "hand_over",
    "hold_lines",
    "invite",
    "list_devices",
    "list_open_sites",
    "list_undecided",
    "make_code",
    "month_for_billing",
    "pair",
    "rebuild_marks",
    "receive",
    "remind",
    "revoke",
    "roster_of",
    "site_month",
    "tell_absences",
    "watch",
    "tell_silent",
]
